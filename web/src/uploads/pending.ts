import { Store } from '../api/store.ts';

const STORED = 'visage.uploads';

export const hasUploads = new Store(localStorage.getItem(STORED) !== null);

export function markUploads(has: boolean): void {
  if (has) localStorage.setItem(STORED, '1');
  else localStorage.removeItem(STORED);
  hasUploads.set(has);
}

export function forgetUploads(): void {
  if (hasUploads.value) indexedDB.deleteDatabase('visage-uploads');
  markUploads(false);
}
