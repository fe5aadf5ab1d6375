import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import * as lmdb from 'lmdb';
import { type Database, open, type RootDatabase, type Transaction } from 'lmdb';
import { OPEN_OPTIONS } from './databases.ts';

const MAX_DATABASES = 128;

/** Per transaction, so its pages fit into memory. */
const BATCH_BYTES = 16 * 1024 * 1024;

const RAW = { keyEncoding: 'binary', encoding: 'binary' } as const;

type RawDatabase = Database<Buffer, Buffer>;

const { bufferToKeyValue } = lmdb as unknown as { bufferToKeyValue(key: Buffer): unknown };

const OF_GALLERIES = new Set([
  'faces',
  'templates',
  'thumbnails',
  'faceLabels',
  'externalKeys',
  'lastSeen',
  'proposals',
  'proposalsByTarget',
  'dismissals',
  'eventsByFace',
  'eventNames',
  'eventCrops',
  'answers',
  'answersByFace',
]);

const OF_ROWS = new Set(['templates', 'sightings']);

const OF_CROPS = new Set(['thumbnails', 'eventCrops']);

export class StructureError extends Error {}

interface OpenSource {
  readonly root: RootDatabase;
  readonly databases: readonly {
    readonly name: string;
    readonly db: RawDatabase;
    readonly entries: number;
  }[];
  readonly thumbnailGarbage: Database<number, number> | null;
  readonly transaction: Transaction;
}

function openSource(folder: string): OpenSource {
  const root = open(folder, { ...OPEN_OPTIONS, maxDbs: MAX_DATABASES, readOnly: true });
  // Opening a database ends key iterations, and a transaction sees only earlier ones.
  const names = Array.from(root.getKeys(), String);
  const opened = names.map((name) => ({ name, db: root.openDB<Buffer, Buffer>(name, RAW) }));
  const thumbnailGarbage = names.includes('thumbnailGarbage')
    ? root.openDB<number, number>('thumbnailGarbage', {})
    : null;
  const transaction = root.useReadTransaction();
  const databases = opened.map(({ name, db }) => ({ name, db, entries: entriesOf(db) }));
  return { root, databases, thumbnailGarbage, transaction };
}

function entriesOf(db: RawDatabase): number {
  return (db.getStats() as { entryCount: number }).entryCount;
}

async function closeSource({ root, transaction }: OpenSource): Promise<void> {
  transaction.done();
  await root.close();
}

/** @param take must consume a slice before returning. */
async function readAll(
  { name, db, entries }: OpenSource['databases'][number],
  transaction: Transaction,
  take: (records: Iterable<{ key: Buffer; value: Buffer }>) => void,
): Promise<void> {
  let last: Buffer | null = null;
  let found = 0;
  let isDone = false;
  function* slice() {
    let bytes = 0;
    const start = last === null ? {} : { start: last };
    for (const { key, value } of db.getRange({ ...start, transaction })) {
      const order = last === null ? 1 : Buffer.compare(key, last);
      if (order === 0 && bytes === 0) continue;
      if (order <= 0) throw new StructureError(`the keys of ${name} are out of order`);
      last = Buffer.from(key);
      found++;
      bytes += key.length + value.length;
      yield { key, value };
      if (bytes > BATCH_BYTES) return;
    }
    isDone = true;
  }
  while (!isDone) {
    take(slice());
    await nextTurn();
  }
  if (found !== entries) throw new StructureError(`${name} has ${found} records, but LMDB counts ${entries}`);
}

/**
 * A damaged file can crash the process.
 * @throws StructureError, or LMDB's error.
 */
export async function checkStructure(folder: string): Promise<void> {
  const source = openSource(folder);
  try {
    for (const database of source.databases) {
      await readAll(database, source.transaction, (records) => {
        for (const _ of records);
      });
    }
  } finally {
    await closeSource(source);
  }
}

interface Garbage {
  readonly galleries: ReadonlySet<unknown>;
  readonly rows: ReadonlySet<unknown>;
  readonly crops: ReadonlyMap<unknown, number>;
}

async function garbageOf(source: OpenSource): Promise<Garbage> {
  const { thumbnailGarbage, transaction } = source;
  const crops = new Map<unknown, number>();
  for (const { key, value } of thumbnailGarbage?.getRange({ transaction }) ?? []) crops.set(key, value);
  const galleries = await keysOf(source, 'garbage');
  return { galleries, rows: await keysOf(source, 'rowGarbage'), crops };
}

const NOTHING: ReadonlySet<unknown> = new Set();

function isGarbage(garbage: Garbage, name: string): ((key: Buffer) => boolean) | null {
  const { crops } = garbage;
  const hasCrops = crops.size > 0 && OF_CROPS.has(name);
  const galleries = OF_GALLERIES.has(name) ? garbage.galleries : NOTHING;
  const rows = OF_ROWS.has(name) ? garbage.rows : NOTHING;
  if (!hasCrops && galleries.size === 0 && rows.size === 0) return null;
  return (key) => {
    const [gallery, label] = bufferToKeyValue(key) as readonly unknown[];
    const firstKept = hasCrops ? crops.get(gallery) : undefined;
    const isErased = firstKept !== undefined && !(typeof label === 'number' && label >= firstKept);
    return isErased || galleries.has(gallery) || rows.has(gallery);
  };
}

async function keysOf({ databases, transaction }: OpenSource, name: string): Promise<Set<unknown>> {
  const keys = new Set<unknown>();
  const database = databases.find((each) => each.name === name);
  if (database) {
    await readAll(database, transaction, (records) => {
      for (const { key } of records) keys.add(bufferToKeyValue(key));
    });
  }
  return keys;
}

/**
 * Omits garbage. LMDB's compacting copy fails on a store that has lost a page.
 * @throws as `checkStructure`; LMDB's error for the copy.
 */
export async function copyRecords(from: string, to: string): Promise<void> {
  const source = openSource(from);
  try {
    const target = open(to, {
      ...OPEN_OPTIONS,
      maxDbs: MAX_DATABASES,
      noSync: true,
      eventTurnBatching: false,
    });
    try {
      const garbage = await garbageOf(source);
      for (const database of source.databases) {
        const copy = target.openDB<Buffer, Buffer>(database.name, RAW);
        const isLeftOut = isGarbage(garbage, database.name);
        await readAll(database, source.transaction, (records) => {
          target.transactionSync(() => {
            for (const { key, value } of records) {
              if (!isLeftOut?.(key)) copy.putSync(key, value, { append: true } as never);
            }
          });
        });
      }
    } finally {
      await target.close();
    }
    await flushCopy(to);
  } finally {
    await closeSource(source);
  }
}

/** LMDB flushes the file before marking its newest state. */
async function flushCopy(folder: string): Promise<void> {
  const root = open(folder, {
    ...OPEN_OPTIONS,
    maxDbs: MAX_DATABASES,
    overlappingSync: false,
    eventTurnBatching: false,
  });
  try {
    const meta = root.openDB<Buffer, Buffer>('meta', RAW);
    root.transactionSync(() => {
      for (const { key, value } of Array.from(meta.getRange())) meta.putSync(key, value);
    });
  } finally {
    await root.close();
    rmSync(join(folder, 'lock.mdb'), { force: true });
  }
}
