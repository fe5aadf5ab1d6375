import { ArrowRight, CloudUpload } from 'lucide-react';
import { useEffect } from 'react';
import { ProgressBar } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { useLocation } from 'wouter';
import { useMe } from '../api/session.ts';
import { useStore } from '../api/store.ts';
import { useFormat } from '../i18n/format.ts';
import { ButtonLink } from '../ui/button.tsx';
import styles from './upload-dock.module.css';
import { startUploads, type Uploads, uploads } from './uploads.ts';

export const UPLOADS_PATH = '/people/uploads';

export interface UploadCounts {
  readonly total: number;
  readonly waiting: number;
  readonly added: number;
  readonly refused: number;
  readonly failed: number;
}

export function countsOf({ uploads: all }: Pick<Uploads, 'uploads'>): UploadCounts {
  const counts = { total: all.length, waiting: 0, added: 0, refused: 0, failed: 0 };
  for (const { state } of all) counts[state]++;
  return counts;
}

export function UploadProgress({ counts, label }: { readonly counts: UploadCounts; readonly label: string }) {
  const done = counts.total - counts.waiting;
  return (
    <ProgressBar
      aria-label={label}
      value={done}
      maxValue={Math.max(1, counts.total)}
      valueLabel={`${done} / ${counts.total}`}
      className={styles.progress}
    >
      {({ percentage = 0 }) => <span className={styles.fill} style={{ width: `${percentage}%` }} />}
    </ProgressBar>
  );
}

export default function UploadDock() {
  const { t } = useTranslation('photos');
  const format = useFormat();
  const me = useMe();
  const state = useStore(uploads);
  const [location] = useLocation();
  useEffect(() => {
    void startUploads(me.user_id);
  }, [me.user_id]);
  const counts = countsOf(state);
  const isOver = counts.waiting === 0;
  const problems = counts.refused + counts.failed;
  if (location === UPLOADS_PATH || counts.total === 0 || (isOver && problems === 0)) return null;
  const text = isOver
    ? t('dock.problems', { count: problems })
    : t('dock.progress', {
        done: format.number(counts.total - counts.waiting),
        total: format.number(counts.total),
      });
  return (
    <section aria-label={t('uploads.title')} className={styles.dock}>
      <CloudUpload aria-hidden size={17} className={styles.icon} />
      <div className={styles.text}>
        <p>{text}</p>
        {!isOver && <UploadProgress counts={counts} label={t('uploads.title')} />}
      </div>
      <ButtonLink size="sm" href={UPLOADS_PATH} icon={ArrowRight}>
        {t('dock.show')}
      </ButtonLink>
    </section>
  );
}
