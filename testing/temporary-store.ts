import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Owner } from '../src/api/caller.ts';
import { openSearchSpace, type Row } from '../src/native/gallery-index.ts';
import type { NewFace } from '../src/store/records.ts';
import { Store } from '../src/store/store.ts';

const MOST_TRIES = 100;

export const SPACE = openSearchSpace(8);

export const PACK = { pack: 'test-pack', packVersion: '1' } as const;

export const FACE: NewFace = {
  box: { x: 1, y: 2, width: 30, height: 40 },
  confidence: 0.9987,
  createdAt: Date.UTC(2026, 0, 15),
  ...PACK,
};

export function temporaryFolder(t: { after(work: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'visage-test-'));
  t.after(() => removeFolder(folder));
  return folder;
}

/** Threads of an index may still add files. `maxRetries` of `rmSync` does not remove those. */
function removeFolder(folder: string): void {
  for (let tries = 1; ; tries++) {
    try {
      rmSync(folder, { recursive: true, force: true });
      return;
    } catch (error) {
      if (tries === MOST_TRIES) throw error;
    }
  }
}

export function ownerIn(store: Store): Owner {
  return { accountId: store.accounts.first().accountId, environment: 'live' };
}

export async function storeWithCollection(folder: string): Promise<{ store: Store; owner: Owner }> {
  const store = Store.open(folder);
  const owner = ownerIn(store);
  await store.collections.create(owner, { collectionId: 'people', description: null, now: 1000, ...PACK });
  return { store, owner };
}

export function templateOf(seed: number): Float32Array {
  const vector = Float32Array.from({ length: 8 }, (_, i) => Math.sin(seed * 8 + i));
  const norm = Math.hypot(...vector);
  return vector.map((value) => value / norm);
}

export function rowOf(seed: number): Row {
  return SPACE.row(templateOf(seed));
}
