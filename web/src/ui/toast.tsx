import { lazy, Suspense, useSyncExternalStore } from 'react';
import { UNSTABLE_ToastQueue as ToastQueue } from 'react-aria-components';
import type { Message } from './toast-region.tsx';

const Region = lazy(() => import('./toast-region.tsx'));

const UNDO_TIME = 10_000;
const SHOWN = 6000;

const queue = new ToastQueue<Message>({ maxVisibleToasts: 4 });
const waiting = new Map<string, () => void>();

export const toast = {
  done: (text: string) => queue.add({ text, tone: 'ok' }, { timeout: SHOWN }),
  failed: (text: string) => queue.add({ text, tone: 'bad' }),
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

addEventListener('pagehide', () => {
  for (const commit of [...waiting.values()]) commit();
});

let isUsed = false;
const subscribe = (listener: () => void) =>
  queue.subscribe(() => {
    isUsed = true;
    listener();
  });

export function Toasts() {
  const shows = useSyncExternalStore(subscribe, () => isUsed);
  return <Suspense>{shows && <Region queue={queue} />}</Suspense>;
}
