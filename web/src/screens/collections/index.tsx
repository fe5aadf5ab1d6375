import { Eraser, FolderClosed, MoreHorizontal, Pencil, Plus, SearchCheck, Trash2, Users } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Route, Switch, useSearchParams } from 'wouter';
import { type Collection, useCollection } from '../../api/collection.tsx';
import { useEventRecording } from '../../api/event-recording.ts';
import { useFormat } from '../../i18n/format.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button, ButtonLink, IconButton } from '../../ui/button.tsx';
import { Card, Fact, Facts } from '../../ui/card.tsx';
import { ConfirmByTyping } from '../../ui/dialog.tsx';
import { Menu, MenuAction, MenuLine } from '../../ui/menu.tsx';
import { Page, Tiles } from '../../ui/page.tsx';
import { EmptyState, ErrorState, SkeletonList, useErrorText } from '../../ui/states.tsx';
import { toast } from '../../ui/toast.tsx';
import { CollectionForm } from './collection-form.tsx';
import styles from './collections.module.css';
import { deleteCollection, readCollection, resetCollection, useModels } from './collections-data.ts';
import { ExaminationPage } from './examination-page.tsx';

type Act = { readonly kind: 'reset' | 'delete'; readonly collection: Collection };

export default function Collections() {
  const { collection } = useCollection();
  return (
    <Switch>
      {collection && (
        <Route path="/collections/check">
          <ExaminationPage key={collection.collectionId} collection={collection} />
        </Route>
      )}
      <Route>
        <CollectionList />
      </Route>
    </Switch>
  );
}

function CollectionList() {
  const { t } = useTranslation(['collections', 'common']);
  const format = useFormat();
  const textOf = useErrorText();
  const { collections, collection: current, isLoading, error, refetch, select } = useCollection();
  const { data: models } = useModels();
  const boxCropDays = useEventRecording().data?.cropDays;
  const [params, setParams] = useSearchParams();
  const [edited, setEdited] = useState<Awaited<ReturnType<typeof readCollection>> | null>(null);
  const [act, setAct] = useState<Act | null>(null);
  const [actError, setActError] = useState<unknown>(null);
  const [isActing, setIsActing] = useState(false);
  const isNew = params.has('new');

  const openNew = (isOpen: boolean) =>
    setParams(
      (previous) => {
        if (isOpen) previous.set('new', '');
        else previous.delete('new');
        return previous;
      },
      { replace: true },
    );
  const edit = ({ collectionId }: Collection) =>
    void readCollection(collectionId).then(setEdited, (cause) => toast.failed(textOf(cause)));
  const ask = (next: Act) => {
    setActError(null);
    setAct(next);
  };
  const finish = async () => {
    if (!act) return;
    const { collectionId } = act.collection;
    setIsActing(true);
    setActError(null);
    try {
      await (act.kind === 'reset' ? resetCollection(collectionId) : deleteCollection(collectionId));
      toast.done(t(`${act.kind}.done`, { id: collectionId }));
      setAct(null);
    } catch (cause) {
      setActError(cause);
    } finally {
      setIsActing(false);
    }
  };
  const stateOf = ({ model }: Collection) => {
    if (!models) return null;
    const isServed = models.some((each) => each.model === model);
    return <Badge tone={isServed ? 'ok' : 'bad'}>{t(isServed ? 'health.serving' : 'health.noModel')}</Badge>;
  };

  const cropDaysOf = ({ storeThumbnails, eventCropDays }: Collection) => {
    if (!storeThumbnails || boxCropDays === undefined) return null;
    return Math.min(eventCropDays ?? boxCropDays, boxCropDays);
  };
  const cropsOf = (days: number | null) =>
    days === null ? null : (
      <Fact label={t('field.eventCrops')}>{days === 0 ? t('off') : t('days', { count: days })}</Fact>
    );

  const newButton = (
    <Button variant="primary" icon={Plus} onPress={() => openNew(true)}>
      {t('new')}
    </Button>
  );
  return (
    <Page title={t('title')} hint={t('hint.page')} actions={newButton}>
      {error ? (
        <ErrorState error={error} onRetry={refetch} />
      ) : isLoading ? (
        <SkeletonList />
      ) : collections.length === 0 ? (
        <EmptyState title={t('empty.title')} icon={<FolderClosed aria-hidden />} actions={newButton}>
          {t('empty.text')}
        </EmptyState>
      ) : (
        <Tiles least={22}>
          {collections.map((collection) => (
            <Card
              key={collection.collectionId}
              title={collection.collectionId}
              hint={
                <span className={styles.head}>
                  {stateOf(collection)}
                  {collection.collectionId === current?.collectionId && (
                    <Badge tone="accent">{t('current')}</Badge>
                  )}
                </span>
              }
              actions={
                <Menu
                  label={t('actionsOf', { id: collection.collectionId })}
                  trigger={
                    <IconButton
                      icon={MoreHorizontal}
                      label={t('actionsOf', { id: collection.collectionId })}
                      size="sm"
                    />
                  }
                >
                  <MenuAction
                    icon={Pencil}
                    label={t('common:action.edit')}
                    onAction={() => edit(collection)}
                  />
                  <MenuLine />
                  <MenuAction
                    icon={Eraser}
                    label={t('act.reset')}
                    isDanger
                    onAction={() => ask({ kind: 'reset', collection })}
                  />
                  <MenuAction
                    icon={Trash2}
                    label={t('act.delete')}
                    isDanger
                    onAction={() => ask({ kind: 'delete', collection })}
                  />
                </Menu>
              }
            >
              {collection.description && <p className={styles.description}>{collection.description}</p>}
              <Facts>
                <Fact label={t('field.faces')}>{format.number(collection.faceCount)}</Fact>
                <Fact label={t('field.threshold')}>
                  {collection.faceMatchThreshold === null
                    ? t(collection.maxFalsePositiveRate === null ? 'standard' : 'byRate')
                    : format.score(collection.faceMatchThreshold)}
                </Fact>
                {collection.maxFalsePositiveRate !== null && (
                  <Fact label={t('field.searchRate')}>{format.rate(collection.maxFalsePositiveRate)}</Fact>
                )}
                {collection.maxFalseMatchRate !== null && (
                  <Fact label={t('field.verifyRate')}>{format.rate(collection.maxFalseMatchRate)}</Fact>
                )}
                <Fact label={t('field.minQuality')}>{format.number(collection.minQuality)}</Fact>
                <Fact label={t('field.thumbnails')}>{t(collection.storeThumbnails ? 'on' : 'off')}</Fact>
                {cropsOf(cropDaysOf(collection))}
                <Fact label={t('field.model')}>{collection.model}</Fact>
                <Fact label={t('field.created')}>{format.date(collection.createdAt)}</Fact>
              </Facts>
              <div className={styles.links}>
                <ButtonLink
                  href={`/people?${new URLSearchParams({ collection: collection.collectionId })}`}
                  icon={Users}
                  size="sm"
                >
                  {t('showPeople')}
                </ButtonLink>
                <ButtonLink
                  href={`/collections/check?${new URLSearchParams({ collection: collection.collectionId })}`}
                  icon={SearchCheck}
                  size="sm"
                >
                  {t('check.title')}
                </ButtonLink>
              </div>
            </Card>
          ))}
        </Tiles>
      )}
      {(isNew || edited) && (
        <CollectionForm
          key={edited?.collection.collectionId ?? ''}
          edited={edited}
          onClose={() => {
            setEdited(null);
            if (isNew) openNew(false);
          }}
          onCreate={(collectionId) => {
            select(collectionId);
            toast.done(t('created', { id: collectionId }));
          }}
        />
      )}
      {act && (
        <ConfirmByTyping
          title={t(`${act.kind}.title`, { id: act.collection.collectionId })}
          isOpen
          onClose={() => setAct(null)}
          word={act.collection.collectionId}
          action={t(`act.${act.kind}`)}
          isPending={isActing}
          error={actError}
          onConfirm={() => void finish()}
        >
          {t(`${act.kind}.text`, { count: act.collection.faceCount })}
        </ConfirmByTyping>
      )}
    </Page>
  );
}
