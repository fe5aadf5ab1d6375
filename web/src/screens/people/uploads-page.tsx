import { ArrowLeft, Pause, Play, RotateCw, Trash2 } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useMe } from '../../api/session.ts';
import { useStore } from '../../api/store.ts';
import { useFormat } from '../../i18n/format.ts';
import { Button, ButtonLink } from '../../ui/button.tsx';
import { Card } from '../../ui/card.tsx';
import { Bar, Page } from '../../ui/page.tsx';
import { Segmented } from '../../ui/segmented.tsx';
import { EmptyState, Note } from '../../ui/states.tsx';
import { countsOf, UploadProgress } from '../../uploads/upload-dock.tsx';
import { UploadList } from '../../uploads/upload-list.tsx';
import {
  pauseUploads,
  removeUploads,
  resumeUploads,
  retryUploads,
  startUploads,
  uploads,
} from '../../uploads/uploads.ts';
import styles from './uploads-page.module.css';

const FILTERS = ['all', 'waiting', 'added', 'refused', 'failed'] as const;

export function UploadsPage() {
  const { t } = useTranslation(['photos', 'people', 'common']);
  const format = useFormat();
  const me = useMe();
  const state = useStore(uploads);
  const [filter, setFilter] = useState<(typeof FILTERS)[number]>('all');
  useEffect(() => {
    void startUploads(me.user_id);
  }, [me.user_id]);
  const counts = countsOf(state);
  const shown = filter === 'all' ? state.uploads : state.uploads.filter(({ state: own }) => own === filter);
  const idsOf = (...states: readonly string[]) =>
    state.uploads.filter(({ state: own }) => states.includes(own)).map(({ id }) => id);
  const unkept = state.uploads.filter(({ isKept, state: own }) => !isKept && own === 'waiting').length;
  const isActive = counts.waiting > 0;
  return (
    <Page
      title={t('uploads.title')}
      hint={t('uploads.hint')}
      actions={
        <>
          <ButtonLink href="/people" icon={ArrowLeft}>
            {t('people:title')}
          </ButtonLink>
          {isActive &&
            (state.pause === null ? (
              <Button icon={Pause} onPress={pauseUploads}>
                {t('uploads.pause')}
              </Button>
            ) : (
              <Button icon={Play} variant="primary" onPress={resumeUploads}>
                {t('uploads.resume')}
              </Button>
            ))}
        </>
      }
    >
      {counts.total === 0 ? (
        <EmptyState
          title={t('uploads.empty.title')}
          actions={
            <ButtonLink href="/people/add" variant="primary">
              {t('people:add.action')}
            </ButtonLink>
          }
        >
          {t('uploads.empty.text')}
        </EmptyState>
      ) : (
        <>
          <Card>
            <p role="status" className={styles.summary}>
              {t('uploads.summary', {
                added: format.number(counts.added),
                refused: format.number(counts.refused),
                failed: format.number(counts.failed),
                waiting: format.number(counts.waiting),
              })}
            </p>
            <UploadProgress counts={counts} label={t('uploads.title')} />
          </Card>
          {isActive && state.pause !== null && <Note tone="warn">{t(`uploads.paused.${state.pause}`)}</Note>}
          {isActive && state.isElsewhere && <Note>{t('uploads.elsewhere')}</Note>}
          {unkept > 0 && <Note tone="warn">{t('uploads.unkept', { count: unkept })}</Note>}
          <Bar>
            <Segmented
              label={t('uploads.filter.label')}
              options={FILTERS.map((value) => ({ value, label: t(`uploads.filter.${value}`) }))}
              value={filter}
              onChange={setFilter}
            />
            {counts.failed > 0 && (
              <Button icon={RotateCw} onPress={() => void retryUploads(idsOf('failed'))}>
                {t('uploads.retryAll')}
              </Button>
            )}
            {counts.total > counts.waiting && (
              <Button icon={Trash2} onPress={() => void removeUploads(idsOf('added', 'refused', 'failed'))}>
                {t('uploads.clear')}
              </Button>
            )}
            {isActive && (
              <Button icon={Trash2} onPress={() => void removeUploads(idsOf('waiting'))}>
                {t('uploads.cancel')}
              </Button>
            )}
          </Bar>
          <Card hasPadding={false}>
            <UploadList label={t('uploads.title')} uploads={shown} sending={state.sending} />
          </Card>
        </>
      )}
    </Page>
  );
}
