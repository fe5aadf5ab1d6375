import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { Gallery, type GalleryShape } from '../../bench/distinct-people.ts';
import { openPeopleBase } from '../../bench/people-base.ts';
import { createExecutor } from '../../src/native/executor.ts';
import {
  createGalleryIndex,
  type GalleryIndex,
  openSearchSpace,
  type SearchSpace,
} from '../../src/native/gallery-index.ts';
import { openModelPack } from '../../src/vision/model-pack.ts';

const RECALL = 0.9995;
const PROBES = 4000;
const BATCH = 10_000;
const TIE = 1e-6;

const base = await openPeopleBase(undefined);
const { dimension } = base;
const { searchSpace, cohort } = await openModelPack('faceplugin');
assert.ok(searchSpace && cohort, 'the pack has a search space and a cohort');
const executor = createExecutor({ threads: 2, maxQueue: 4096 });
after(() => executor.close());

interface Indexes {
  readonly gallery: Gallery;
  readonly served: GalleryIndex;
  readonly exact: GalleryIndex;
  /** Of whole templates. */
  readonly whole: SearchSpace;
}

/** @param normaliser a cohort. */
async function filled(shape: GalleryShape, normaliser?: Uint8Array): Promise<Indexes> {
  const gallery = new Gallery(base, shape, 1);
  const whole = openSearchSpace(dimension, normaliser);
  const served = createGalleryIndex(executor, openSearchSpace(searchSpace as Uint8Array, normaliser));
  const exact = createGalleryIndex(executor, whole);
  for (const { from, rows } of gallery.batches(BATCH)) {
    const labels = new BigInt64Array(rows.length / dimension).map((_, i) => BigInt(from + i));
    await Promise.all([served.add(labels, rows), exact.add(labels, rows)]);
  }
  return { gallery, served, exact, whole };
}

async function recallOf({ gallery, served, exact, whole }: Indexes, each = 1): Promise<number> {
  const allowed =
    each === 1
      ? undefined
      : BigInt64Array.from({ length: Math.ceil(gallery.rows / each) }, (_, i) => BigInt(i * each));
  const { vectors, mates } = gallery.probes(PROBES * Math.min(each, 10));
  let [counted, found] = [0, 0];
  for (const [i, mate] of mates.entries()) {
    if (mate % each > 0) continue;
    const probe = vectors.subarray(i * dimension, (i + 1) * dimension);
    const scoreOf = (row: number) => whole.compare(probe, [gallery.take(row, 1)])[0] as number;
    const [answer, truth] = await Promise.all([
      served.search(probe, 1, allowed),
      exact.search(probe, 1, allowed),
    ]);
    const best = scoreOf(Number(truth.ids[0]));
    if (scoreOf(mate) < best - TIE) continue;
    counted++;
    if (scoreOf(Number(answer.ids[0])) >= best - TIE) found++;
  }
  assert.ok(counted > 300, `only ${counted} probes are nearest to their own person`);
  return found / counted;
}

function assertRecall(recall: number): void {
  assert.ok(recall >= RECALL, `recall ${recall}`);
}

describe('the search as served finds the nearest row', () => {
  test('by normalised score among distinct people, also when restricted to half or to a fiftieth of them', async () => {
    const indexes = await filled({ people: 50_000 }, cohort);
    assertRecall(await recallOf(indexes));
    for (const each of [2, 50]) assertRecall(await recallOf(indexes, each));
  });

  test('among people of whom 60 have 100 copies each', async () => {
    assertRecall(await recallOf(await filled({ people: 20_000, copies: { people: 60, rows: 100 } })));
  });

  test('among people who have relatives, by cosine and by normalised score', async () => {
    for (const normaliser of [undefined, cohort]) {
      assertRecall(await recallOf(await filled({ people: 20_000, family: 5 }, normaliser)));
    }
  });
});
