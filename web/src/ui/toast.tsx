import { Check, TriangleAlert, X } from 'lucide-react';
import {
  UNSTABLE_Toast as AriaToast,
  UNSTABLE_ToastContent as ToastContent,
  UNSTABLE_ToastQueue as ToastQueue,
  UNSTABLE_ToastRegion as ToastRegion,
} from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { Button, IconButton } from './button.tsx';
import styles from './toast.module.css';

interface Message {
  readonly text: string;
  readonly tone: 'ok' | 'bad';
  readonly undo?: () => void;
}

/** How long an undoable act waits, in milliseconds. */
const UNDO_TIME = 10_000;
const SHOWN = 6000;

const queue = new ToastQueue<Message>({ maxVisibleToasts: 4 });
const waiting = new Map<string, () => void>();

export const toast = {
  done: (text: string) => queue.add({ text, tone: 'ok' }, { timeout: SHOWN }),
  failed: (text: string) => queue.add({ text, tone: 'bad' }),
  /**
   * Shows `text` with "Undo" for ten seconds, then calls `commit`. Show the result at once, and take it back in `undo`.
   * Closing the message or leaving the page commits at once.
   */
  undoable({ text, commit, undo }: { text: string; commit: () => void; undo: () => void }): void {
    let isOpen = true;
    const settle = (then: () => void) => () => {
      if (!isOpen) return;
      isOpen = false;
      waiting.delete(key);
      then();
    };
    const taken = settle(undo);
    const key: string = queue.add(
      {
        text,
        tone: 'ok',
        undo: () => {
          taken();
          queue.close(key);
        },
      },
      { timeout: UNDO_TIME, onClose: settle(commit) },
    );
    waiting.set(key, settle(commit));
  },
};

/** Sends what still waits for its undo time. */
addEventListener('pagehide', () => {
  for (const commit of [...waiting.values()]) commit();
});

export function Toasts() {
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
