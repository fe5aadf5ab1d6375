import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createExecutor } from '../../src/native/executor.ts';
import { createGalleryIndex, type GalleryIndex } from '../../src/native/gallery-index.ts';
import { GRAPH, headChanged, sectionChanged } from './snapshot-forgery.ts';

const DIMENSION = 64;
/** Enough for a graph of three layers. */
const COUNT = 1500;
/** A gallery of COUNT then keeps a graph, and does not get one. */
const KEEPS_ITS_GRAPH = 2 * COUNT;
const MOST_LAYERS = 7;

/** Of the graph's head; what follows are rows, then upper nodes. */
const ROWS = 8;
const UPPER_NODES = 12;
const ENTRY_LAYER = 16;
const ENTRY_NODE = 20;
const LONGEST = 24;
const HEAD = 28;
/** A row: its sketch, then links, each a row's number plus one, and zeros. */
const SKETCH = DIMENSION / 8;
const LINKS = 32;
const ROW = SKETCH + 4 * LINKS;
/** An upper node: its row, its layer, links to nodes. */
const UPPER = 8 + 4 * 16;

const executor = createExecutor({ threads: 1, maxQueue: 16 });
const folder = mkdtempSync(join(tmpdir(), 'visage-test-'));
const path = join(folder, 'snapshot');
after(async () => {
  await executor.close();
  rmSync(folder, { recursive: true });
});

let snapshot: Buffer;
before(async () => {
  const index = createGalleryIndex(executor, DIMENSION, 200);
  const vectors = Float32Array.from(
    { length: COUNT * DIMENSION },
    (_, i) => Math.sin(1000 * Math.sin(i)) / 8,
  );
  await index.add(
    BigInt64Array.from({ length: COUNT }, (_, i) => BigInt(i)),
    vectors,
  );
  while (index.stats().linked < COUNT) await sleep(5);
  await index.save(executor, path, '');
  snapshot = readFileSync(path);
});

/** What an index is that was read from the snapshot after a change to its graph. */
async function loadedWith(forge: (graph: Buffer) => void): Promise<GalleryIndex> {
  const forged = Buffer.from(snapshot);
  sectionChanged(forged, GRAPH, forge);
  headChanged(forged);
  writeFileSync(path, forged);
  const index = createGalleryIndex(executor, DIMENSION, KEEPS_ITS_GRAPH);
  await index.load(path);
  return index;
}

const upperAt = (node: number) => HEAD + COUNT * ROW + node * UPPER;

/** Layers of the upper nodes. */
function layersOf(graph: Buffer): number[] {
  return Array.from({ length: graph.readUInt32LE(UPPER_NODES) }, (_, node) =>
    graph.readUInt32LE(upperAt(node) + 4),
  );
}

/** A node that is its row's only one. */
function loneNode(graph: Buffer): number {
  return layersOf(graph).findIndex((layer, node, all) => layer === 1 && all[node + 1] === 1);
}

/** So that a node's layer is told by no link to it. */
function clearUpperLinks(graph: Buffer): void {
  for (const node of layersOf(graph).keys()) graph.fill(0, upperAt(node) + 8, upperAt(node + 1));
}

/** Changes that one check each refuses. */
const forgeries: readonly [name: string, forge: (graph: Buffer) => void][] = [
  ['it is of another format', (graph) => graph.writeUInt8(graph.readUInt8(0) + 1, 0)],
  ['it is of other vectors', (graph) => graph.writeUInt32LE(DIMENSION - 1, 4)],
  ['it has more rows than there are', (graph) => graph.writeUInt32LE(COUNT + 1, ROWS)],
  [
    'it has more upper nodes than rows can have',
    (graph) => graph.writeUInt32LE(MOST_LAYERS * COUNT + 1, UPPER_NODES),
  ],
  ['its longest vector is endless', (graph) => graph.writeFloatLE(Number.POSITIVE_INFINITY, LONGEST)],
  ['its longest vector is shorter than none', (graph) => graph.writeFloatLE(-1, LONGEST)],
  [
    'a row has a link to a row that is not there',
    (graph) => graph.writeUInt32LE(COUNT + 1, HEAD + 10 * ROW + SKETCH),
  ],
  [
    'a row has a link after the last',
    (graph) => {
      graph.writeUInt32LE(0, HEAD + 11 * ROW - 8);
      graph.writeUInt32LE(1, HEAD + 11 * ROW - 4);
    },
  ],
  [
    'an upper node is of a row that is not there',
    (graph) => graph.writeUInt32LE(COUNT, upperAt(loneNode(graph))),
  ],
  [
    'a row has more layers than there are',
    (graph) => {
      clearUpperLinks(graph);
      const layers = layersOf(graph);
      const first = layers.findIndex((layer, node) => layer === 1 && layers[node + MOST_LAYERS + 1] === 1);
      for (let above = 0; above <= MOST_LAYERS; above++) {
        graph.writeUInt32LE(0, upperAt(first + above));
        graph.writeUInt32LE(1 + above, upperAt(first + above) + 4);
      }
      graph.writeUInt32LE(1 + MOST_LAYERS, ENTRY_LAYER);
      graph.writeUInt32LE(first + MOST_LAYERS, ENTRY_NODE);
    },
  ],
  [
    'an upper node has none of its row below it',
    (graph) => {
      clearUpperLinks(graph);
      graph.writeUInt32LE(2, upperAt(loneNode(graph)) + 4);
    },
  ],
  [
    'an upper node has a link to one that is not there',
    (graph) => graph.writeUInt32LE(layersOf(graph).length + 1, upperAt(0) + 8),
  ],
  [
    'an upper node has a link to one of another layer',
    (graph) => graph.writeUInt32LE(layersOf(graph).indexOf(2) + 1, upperAt(loneNode(graph)) + 8),
  ],
  ['the entry is a row below upper layers', (graph) => graph.fill(0, ENTRY_LAYER, LONGEST)],
  [
    'the entry is a node that is not there',
    (graph) => graph.writeUInt32LE(layersOf(graph).length, ENTRY_NODE),
  ],
  ['the entry is of another layer', (graph) => graph.writeUInt32LE(1, ENTRY_LAYER)],
  [
    'the entry is a row that is not there',
    (graph) => {
      graph.writeUInt32LE(0, UPPER_NODES);
      graph.writeUInt32LE(0, ENTRY_LAYER);
      graph.writeUInt32LE(COUNT, ENTRY_NODE);
    },
  ],
];

describe('The graph of a snapshot whose checksums are right', () => {
  test('is used where nothing is wrong with it', async () => {
    const index = await loadedWith(() => {});
    assert.deepEqual([index.size, index.stats().linked], [COUNT, COUNT]);
  });

  for (const [name, forge] of forgeries) {
    test(`is left out where ${name}, and the vectors are there`, async () => {
      const index = await loadedWith(forge);
      assert.deepEqual([index.size, index.stats().linked], [COUNT, 0]);
    });
  }
});
