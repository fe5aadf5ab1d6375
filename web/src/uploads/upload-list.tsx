import { Check, CircleAlert, Clock, Loader, RotateCw, Trash2 } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiError } from '../api/problem.ts';
import { IconButton } from '../ui/button.tsx';
import { cx } from '../ui/cx.ts';
import { QualityDetail } from '../ui/quality.tsx';
import { useErrorText } from '../ui/states.tsx';
import { VirtualGrid } from '../ui/virtual-grid.tsx';
import styles from './upload-list.module.css';
import type { Upload } from './upload-store.ts';
import { imageOfUpload, removeUploads, retryUploads } from './uploads.ts';

const KNOWN = ['NO_FACE', 'LOW_QUALITY', 'UNCERTAIN_FACE', 'NOT_LIVE', 'IMAGE_LOST'] as const;
type Known = (typeof KNOWN)[number];

function Preview({ upload }: { readonly upload: Upload }) {
  const [src, setSrc] = useState<string | null>(null);
  const { id, state } = upload;
  const isAdded = state === 'added';
  useEffect(() => {
    if (isAdded) return;
    let url: string | null = null;
    let isGone = false;
    void imageOfUpload(id).then((image) => {
      if (!image || isGone) return;
      url = URL.createObjectURL(image);
      setSrc(url);
    });
    return () => {
      isGone = true;
      if (url) URL.revokeObjectURL(url);
    };
  }, [id, isAdded]);
  if (isAdded || src === null) {
    return (
      <span className={styles.preview} aria-hidden>
        {isAdded ? <Check size={16} /> : null}
      </span>
    );
  }
  return <img src={src} alt="" className={styles.preview} onError={() => setSrc(null)} />;
}

function useReason(): (upload: Upload) => string | null {
  const { t } = useTranslation('photos');
  const textOf = useErrorText();
  return ({ code, detail }) => {
    if (code === null) return null;
    if ((KNOWN as readonly string[]).includes(code)) return t(`reason.${code as Known}`);
    return textOf(new ApiError(0, { code: code as never, detail: detail ?? code }));
  };
}

const ICONS = { added: Check, refused: CircleAlert, failed: CircleAlert, waiting: Clock } as const;

function Row({ upload, isSending }: { readonly upload: Upload; readonly isSending: boolean }) {
  const { t } = useTranslation(['photos', 'common']);
  const reasonOf = useReason();
  const { id, name, externalKey, state, others, quality } = upload;
  const Icon = isSending ? Loader : ICONS[state];
  const reason = reasonOf(upload);
  return (
    <article className={styles.row} aria-label={name}>
      <Preview upload={upload} />
      <div className={styles.names}>
        <p className={styles.key}>{externalKey}</p>
        <p className={styles.file}>{name}</p>
      </div>
      <div className={styles.result}>
        <p className={cx(styles.state, styles[state])}>
          <Icon aria-hidden size={14} />
          {isSending ? t('state.sending') : t(`state.${state}`)}
        </p>
        {reason && <p className={styles.reason}>{reason}</p>}
        {state === 'refused' && quality && quality.reasons.length > 0 && <QualityDetail quality={quality} />}
        {state === 'added' && others > 0 && (
          <p className={styles.reason}>{t('state.others', { count: others })}</p>
        )}
      </div>
      <div className={styles.actions}>
        {(state === 'failed' || state === 'refused') && (
          <IconButton
            icon={RotateCw}
            size="sm"
            label={t('common:action.retry')}
            onPress={() => void retryUploads([id])}
          />
        )}
        {!isSending && (
          <IconButton
            icon={Trash2}
            size="sm"
            label={t('uploads.remove')}
            onPress={() => void removeUploads([id])}
          />
        )}
      </div>
    </article>
  );
}

interface UploadListProps {
  readonly label: string;
  readonly uploads: readonly Upload[];
  readonly sending: ReadonlySet<number>;
}

export function UploadList({ label, uploads, sending }: UploadListProps) {
  return (
    <VirtualGrid
      label={label}
      items={uploads}
      keyOf={({ id }) => String(id)}
      cellWidth={0}
      rowHeight={60}
      gap={0}
    >
      {(upload) => <Row upload={upload} isSending={sending.has(upload.id)} />}
    </VirtualGrid>
  );
}
