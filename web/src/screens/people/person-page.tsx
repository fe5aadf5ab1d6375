import { ArrowLeft, GitMerge, Pencil, ScanSearch, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useLocation, useSearchParams } from 'wouter';
import type { Collection } from '../../api/collection.tsx';
import { useMe } from '../../api/session.ts';
import { useStore } from '../../api/store.ts';
import { useFormat } from '../../i18n/format.ts';
import { Button, ButtonLink } from '../../ui/button.tsx';
import { Card, Fact, Facts } from '../../ui/card.tsx';
import { ImageDrop } from '../../ui/image-drop.tsx';
import type { PickedFile } from '../../ui/images.ts';
import { Page } from '../../ui/page.tsx';
import { QualityBadge } from '../../ui/quality.tsx';
import { EmptyState, ErrorState, Note, SkeletonList } from '../../ui/states.tsx';
import { Tabs } from '../../ui/tabs.tsx';
import { toast } from '../../ui/toast.tsx';
import { UploadList } from '../../uploads/upload-list.tsx';
import { addUploads, uploads } from '../../uploads/uploads.ts';
import { Crop } from './crop.tsx';
import { FacesPanel } from './faces-panel.tsx';
import { MergeDialog } from './merge-dialog.tsx';
import { planForPerson } from './names.ts';
import { deletePeople, hide, invalidate, personPath, usePerson, useVisible } from './people-data.ts';
import { PersonEvents } from './person-events.tsx';
import styles from './person-page.module.css';
import { RenameDialog } from './rename-dialog.tsx';

export function PersonPage({ collection }: { readonly collection: Collection }) {
  const { t } = useTranslation(['people', 'common']);
  const format = useFormat();
  const me = useMe();
  const [, navigate] = useLocation();
  const [params] = useSearchParams();
  const externalKey = params.get('key') ?? '';
  const { collectionId } = collection;
  const isVisible = useVisible(collectionId);
  const { data: person, error, isPending, refetch } = usePerson(collectionId, externalKey);
  const [dialog, setDialog] = useState<'rename' | 'merge' | null>(null);
  const [refused, setRefused] = useState<readonly { readonly path: string; readonly problem: string }[]>([]);
  const { uploads: all, sending } = useStore(uploads);
  const own = all.filter(
    (upload) => upload.collectionId === collectionId && upload.externalKey === externalKey,
  );

  const addPhotos = (files: readonly PickedFile[]) => {
    const plan = planForPerson(files, externalKey);
    setRefused(plan.flatMap(({ path, problem }) => (problem === null ? [] : [{ path, problem }])));
    const good = plan.filter(({ problem }) => problem === null);
    if (good.length > 0) void addUploads(me.user_id, collectionId, good);
  };
  const remove = () => {
    const show = hide(collectionId, [externalKey]);
    navigate('/people');
    toast.undoable({
      text: t('deleted.one', { name: externalKey }),
      undo: show,
      commit: () =>
        void deletePeople(collectionId, [externalKey])
          .catch((cause: Error) => toast.failed(t('deleted.failed', { reason: cause.message })))
          .finally(() => {
            show();
            invalidate(collectionId);
          }),
    });
  };
  const back = (
    <ButtonLink href="/people" icon={ArrowLeft}>
      {t('title')}
    </ButtonLink>
  );
  if (isPending || error || !person || !isVisible(externalKey)) {
    return (
      <Page title={externalKey || t('person')} actions={back}>
        {error ? (
          <ErrorState error={error} onRetry={() => void refetch()} />
        ) : isPending ? (
          <SkeletonList />
        ) : (
          <EmptyState title={t('missing.title')}>{t('missing.text')}</EmptyState>
        )}
      </Page>
    );
  }
  const similar = `/people?${new URLSearchParams({ like: person.faceId, of: externalKey })}`;
  return (
    <Page
      title={externalKey}
      actions={
        <>
          {back}
          <Button icon={Pencil} onPress={() => setDialog('rename')}>
            {t('rename.action')}
          </Button>
          <Button icon={GitMerge} onPress={() => setDialog('merge')}>
            {t('merge.action')}
          </Button>
          <Button icon={Trash2} onPress={remove}>
            {t('common:action.delete')}
          </Button>
        </>
      }
    >
      <div className={styles.columns}>
        <Card className={styles.identity}>
          <div className={styles.portrait}>
            <Crop
              collectionId={collectionId}
              faceId={person.faceId}
              hasThumbnail={person.hasThumbnail}
              name={externalKey}
            />
          </div>
          <Facts>
            <Fact label={t('fact.faces')}>{format.number(person.faceCount)}</Fact>
            <Fact label={t('fact.quality')}>
              <QualityBadge score={person.quality} />
            </Fact>
            <Fact label={t('fact.seen')}>
              {person.lastSeenAt === null ? t('seen.never') : format.dateTime(person.lastSeenAt)}
            </Fact>
            <Fact label={t('fact.added')}>{format.dateTime(person.createdAt)}</Fact>
          </Facts>
          <ButtonLink href={similar} icon={ScanSearch} className={styles.similar}>
            {t('face.similar')}
          </ButtonLink>
          {!person.hasThumbnail && !collection.storeThumbnails && (
            <p className={styles.noCrop}>{t('noCrop')}</p>
          )}
        </Card>
        <div className={styles.content}>
          <ImageDrop
            label={t('photos.drop', { name: externalKey })}
            hint={t('photos.hint')}
            onFiles={addPhotos}
            takesFolder
            isCompact
            webcamStatus={own.length > 0 ? t('photos.taken', { count: own.length }) : undefined}
          />
          {refused.length > 0 && (
            <Note tone="warn" title={t('photos.refused', { count: refused.length })}>
              <ul>
                {refused.slice(0, 20).map(({ path, problem }) => (
                  <li key={path}>
                    <strong>{path}</strong> {t(`file.problem.${problem as 'type'}`)}
                  </li>
                ))}
              </ul>
            </Note>
          )}
          {own.length > 0 && (
            <Card title={t('photos.uploads')} hasPadding={false}>
              <UploadList label={t('photos.uploads')} uploads={own} sending={sending} />
            </Card>
          )}
          <Tabs
            label={externalKey}
            tabs={[
              {
                id: 'faces',
                title: t('faces', { count: person.faceCount }),
                content: <FacesPanel collectionId={collectionId} externalKey={externalKey} empty={null} />,
              },
              {
                id: 'events',
                title: t('events.title'),
                content: <PersonEvents collectionId={collectionId} externalKey={externalKey} />,
              },
            ]}
          />
        </div>
      </div>
      <RenameDialog
        collectionId={collectionId}
        externalKey={externalKey}
        isOpen={dialog === 'rename'}
        onClose={() => setDialog(null)}
        onRename={(name) => navigate(personPath(name), { replace: true })}
      />
      <MergeDialog
        collectionId={collectionId}
        externalKeys={[externalKey]}
        isOpen={dialog === 'merge'}
        onClose={() => setDialog(null)}
        onMerge={(target) => navigate(personPath(target))}
      />
    </Page>
  );
}
