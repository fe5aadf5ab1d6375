import { Check, TriangleAlert, X } from 'lucide-react';
import {
  UNSTABLE_Toast as AriaToast,
  UNSTABLE_ToastContent as ToastContent,
  type UNSTABLE_ToastQueue as ToastQueue,
  UNSTABLE_ToastRegion as ToastRegion,
} from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { Button, IconButton } from './button.tsx';
import styles from './toast.module.css';

export interface Message {
  readonly text: string;
  readonly tone: 'ok' | 'bad';
  readonly undo?: () => void;
}

export default function Region({ queue }: { readonly queue: ToastQueue<Message> }) {
  const { t } = useTranslation();
  return (
    <ToastRegion queue={queue} className={styles.region} aria-label={t('toast.region')}>
      {({ toast: { content, ...rest } }) => (
        <AriaToast toast={{ content, ...rest }} className={styles.toast}>
          {content.tone === 'ok' ? (
            <Check aria-hidden size={16} className={styles.ok} />
          ) : (
            <TriangleAlert aria-hidden size={16} className={styles.bad} />
          )}
          <ToastContent className={styles.text}>{content.text}</ToastContent>
          {content.undo && (
            <Button size="sm" className={styles.undo} onPress={content.undo}>
              {t('action.undo')}
            </Button>
          )}
          <IconButton icon={X} label={t('action.close')} size="sm" slot="close" className={styles.close} />
          {content.undo && <span className={styles.timer} aria-hidden />}
        </AriaToast>
      )}
    </ToastRegion>
  );
}
