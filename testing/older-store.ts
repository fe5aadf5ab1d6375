import { open } from 'lmdb';
import type { Actor } from '../src/api/caller.ts';
import type { Store } from '../src/store/store.ts';
import { FACE, templateOf } from './temporary-store.ts';

/** A template's bytes in schema 3. */
export function float32Of(template: Float32Array): Uint8Array {
  return new Uint8Array(template.buffer, template.byteOffset, template.byteLength);
}

/** Adds faces as schema 3 kept them: the label of each is the seed of its template. */
export async function addOldFaces(
  store: Store,
  owner: Actor,
  collectionId: string,
  from: number,
  count: number,
) {
  const labels = Array.from({ length: count }, (_, i) => from + i);
  const adding = labels.map((label) =>
    store.faces.add(owner, collectionId, FACE, float32Of(templateOf(label))),
  );
  const added = await Promise.all(adding);
  for (const [i, { label }] of added.entries()) {
    if (label !== labels[i]) throw new Error(`Expected label ${labels[i]}, got ${label}`);
  }
  return added;
}

export async function makeOld(folder: string, schema = 3): Promise<void> {
  const environment = open(folder, { noSubdir: false, maxDbs: 64, overlappingSync: false });
  const unconverted = environment.openDB<number, number>('unconverted', {});
  for (const gallery of [...unconverted.getKeys()]) await unconverted.remove(gallery);
  await environment.openDB<number, string>('meta', {}).put('schema', schema);
  await environment.close();
}
