import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from 'lmdb';
import { createApiKey } from '../../src/access/keys/api-keys.ts';
import { uniforms } from '../../src/base/random.ts';
import type { CollectionKey, FaceKey } from '../../src/store/databases.ts';
import type { CollectionRecord, FaceRecord } from '../../src/store/records.ts';
import { Store } from '../../src/store/store.ts';
import { startChild } from '../../testing/service.ts';
import { Ledger, type StoredFace } from './ledger.ts';
import { Pictures } from './pictures.ts';
import {
  bringEverybody,
  expectFound,
  keepClearing,
  keepWriting,
  ServiceClient,
  Unanswered,
  type Work,
} from './workers.ts';

const WRITERS = 4;
const COLLECTIONS = ['one', 'two', 'cleared'];
/** The kill comes after 1 to this many answers: half of the time at once, else up to as many ms later. */
const MOST_ANSWERS = 80;
const LONGEST_DELAY = 20;
const SAMPLE = 10;

export interface Report {
  readonly kills: number;
  readonly answers: number;
  readonly acknowledgedFaces: number;
  readonly problems: readonly string[];
}

async function readFaces(folder: string): Promise<Map<string, StoredFace[]>> {
  const root = open(folder, { noSubdir: false, maxDbs: 64, overlappingSync: false, readOnly: true });
  const collections = root.openDB<CollectionRecord, CollectionKey>('collections', {});
  const faces = root.openDB<FaceRecord, FaceKey>('faces', {});
  const found = new Map<string, StoredFace[]>();
  for (const { key, value } of collections.getRange()) {
    const range = faces.getRange({ start: [value.gallery], end: [value.gallery + 1] });
    found.set(
      key[2],
      Array.from(range, (entry) => ({ faceId: entry.value.faceId, externalKey: entry.value.externalKey })),
    );
  }
  await root.close();
  return found;
}

export async function killRepeatedly(
  kills: number,
  seed: number,
  onRound: (line: string) => void = () => {},
): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), 'visage-durability-'));
  try {
    return await new Rounds(folder, await Pictures.open(), uniforms(seed)).run(kills, onRound);
  } finally {
    delete process.env.LMDB_RESTORE;
    await rm(folder, { recursive: true, force: true });
  }
}

class Rounds {
  readonly #folder: string;
  readonly #pictures: Pictures;
  readonly #random: () => number;
  readonly #ledger = new Ledger();
  readonly #problems: string[] = [];
  readonly #nextPicture = new Map<string, number>();
  #answers = 0;

  constructor(folder: string, pictures: Pictures, random: () => number) {
    this.#folder = folder;
    this.#pictures = pictures;
    this.#random = random;
  }

  async run(kills: number, onRound: (line: string) => void): Promise<Report> {
    const store = Store.open(this.#folder);
    const { accountId } = store.accounts.first();
    const request = { accountId, name: 'durability', environment: 'live', rateLimit: 1_000_000 } as const;
    const { key } = await createApiKey(store, request);
    await store.close();
    for (let round = 1; round <= kills + 1; round++) {
      this.#ledger.round = round;
      process.env.LMDB_RESTORE = round % 2 === 0 ? 'safe' : '';
      await this.#round(key, round <= kills);
      const faces = this.#ledger.faces.size;
      onRound(
        `${round > kills ? 'end' : `kill ${round}`}: ${faces} faces, ${this.#problems.length} problems`,
      );
    }
    return {
      kills,
      answers: this.#answers,
      acknowledgedFaces: this.#ledger.faces.size,
      problems: this.#problems,
    };
  }

  async #round(key: string, isToBeKilled: boolean): Promise<void> {
    await this.#compareStore();
    const restore = process.env.LMDB_RESTORE ?? '';
    const child = await startChild(this.#folder, { VISAGE_LOG_LEVEL: 'info', LMDB_RESTORE: restore });
    const work: Work = {
      client: new ServiceClient(child.url, key),
      ledger: this.#ledger,
      pictures: this.#pictures,
      random: this.#random,
      nextPicture: (collectionId) => {
        const next = this.#nextPicture.get(collectionId) ?? 0;
        this.#nextPicture.set(collectionId, next + 1);
        return next;
      },
    };
    const closed = once(child.process, 'close');
    try {
      await this.#ensureCollections(work.client);
      await this.#compareSearches(work);
      if (isToBeKilled) await this.#writeUntilKilled(work, () => child.process.kill('SIGKILL'));
    } finally {
      child.process.kill('SIGKILL');
      await closed;
      this.#answers += work.client.answered;
    }
  }

  async #compareStore(): Promise<void> {
    const store = Store.open(this.#folder);
    this.#problems.push(...store.check());
    await store.close();
    const stored = await readFaces(this.#folder);
    const collectionIds = new Set([...stored.keys(), ...COLLECTIONS]);
    for (const collectionId of collectionIds) {
      this.#problems.push(...this.#ledger.settle(collectionId, stored.get(collectionId) ?? []));
    }
  }

  async #ensureCollections(client: ServiceClient): Promise<void> {
    const { collections } = await client.call('GET', 'collection/get-all', {});
    const there = new Set(collections.map((each: { collectionId: string }) => each.collectionId));
    for (const collectionId of COLLECTIONS) {
      if (!there.has(collectionId)) await client.call('POST', 'collection/create', { collectionId });
    }
  }

  async #compareSearches(work: Work): Promise<void> {
    const faces = [...this.#ledger.faces.values()];
    const recent = faces.filter(({ round }) => round === this.#ledger.round - 1);
    const older = faces.filter(({ round }) => round < this.#ledger.round - 1);
    for (let i = 0; i < SAMPLE && older.length > 0; i++) {
      recent.push(...older.splice(Math.floor(this.#random() * older.length), 1));
    }
    const searches = recent.map((face) => expectFound(work, face));
    for (const result of await Promise.allSettled(searches)) {
      if (result.status === 'rejected') this.#problems.push((result.reason as Error).message);
    }
  }

  async #writeUntilKilled(work: Work, kill: () => void): Promise<void> {
    const { client } = work;
    const everybody = `everybody-${this.#ledger.round}`;
    await client.call('POST', 'collection/create', { collectionId: everybody });
    let answersLeft = 1 + Math.floor(Math.random() * MOST_ANSWERS);
    client.onAnswer = () => {
      if (--answersLeft !== 0) return;
      if (Math.random() < 0.5) kill();
      else setTimeout(kill, Math.random() * LONGEST_DELAY);
    };
    const ids = new Map<number, string>();
    const workers: Promise<void>[] = [
      keepClearing(work, 'cleared'),
      bringEverybody(work, everybody, ids),
      bringEverybody(work, everybody, ids),
    ];
    for (let i = 0; i < WRITERS; i++) {
      const name = `${this.#ledger.round}-${i}`;
      workers.push(keepWriting(work, i % 2 === 0 ? 'one' : 'two', name));
    }
    for (const result of await Promise.allSettled(workers)) {
      if (result.status === 'rejected' && !(result.reason instanceof Unanswered)) {
        this.#problems.push((result.reason as Error).message);
      }
    }
  }
}
