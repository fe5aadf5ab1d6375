import { Store } from './store.ts';

const FIRST_RETRY = 1000;
const LONGEST_RETRY = 10_000;

export const isOffline = new Store(false);

let timer: ReturnType<typeof setTimeout> | undefined;
let delay = FIRST_RETRY;

async function probe(): Promise<void> {
  try {
    const response = await fetch('/readyz', { cache: 'no-store' });
    if (response.ok) return connection.seen();
  } catch {}
  isOffline.set(true);
  delay = Math.min(delay * 1.5, LONGEST_RETRY);
  timer = setTimeout(probe, delay);
}

export const connection = {
  seen(): void {
    clearTimeout(timer);
    timer = undefined;
    delay = FIRST_RETRY;
    isOffline.set(false);
  },
  lost(): void {
    isOffline.set(true);
    timer ??= setTimeout(probe, delay);
  },
  retry(): void {
    clearTimeout(timer);
    delay = FIRST_RETRY;
    void probe();
  },
};
