import { Turn } from '../base/turns.ts';
import type { StoreContext } from './databases.ts';
import { countsOf } from './face-counts.ts';
import { labelsOfKey } from './key-steps.ts';
import { type PeoplePage, type PeopleQuery, PeopleTable, type Person } from './people-table.ts';

const MAX_BYTES = 128 * 1024 * 1024;
const PAGE = 256;
const FEW_CHANGES = 1000;
const MAX_KEY = '\u007f';
/** Above this, building a table is faster than reading a page's people. */
const FEW_FACES = 8;

interface Held {
  readonly table: PeopleTable;
  changed: Set<string>;
  readonly size: number;
  ready: Promise<void>;
}

interface ListedFace {
  readonly label: number;
  readonly createdAt: number;
  readonly quality: number | null;
  readonly seenAt: number | null;
  readonly hasThumbnail: boolean;
}

const THUMBNAIL_SCORE = 1000;

class PersonFaces {
  readonly externalKey: string;
  #faceCount = 0;
  #createdAt = Number.POSITIVE_INFINITY;
  #quality: number | null = null;
  #best = Number.NEGATIVE_INFINITY;
  #bestLabel = 0;
  #lastSeenAt: number | null = null;

  constructor(externalKey: string) {
    this.externalKey = externalKey;
  }

  add({ label, createdAt, quality, seenAt, hasThumbnail }: ListedFace): void {
    this.#faceCount++;
    this.#createdAt = Math.min(this.#createdAt, createdAt);
    if (quality !== null) this.#quality = Math.max(this.#quality ?? 0, quality);
    const score = (quality ?? -1) + (hasThumbnail ? THUMBNAIL_SCORE : 0);
    if (score > this.#best) {
      this.#best = score;
      this.#bestLabel = label;
    }
    if (seenAt !== null && seenAt > (this.#lastSeenAt ?? 0)) this.#lastSeenAt = seenAt;
  }

  person(): Person | null {
    if (this.#faceCount === 0) return null;
    return {
      externalKey: this.externalKey,
      faceCount: this.#faceCount,
      createdAt: this.#createdAt,
      quality: this.#quality,
      bestLabel: this.#bestLabel,
      lastSeenAt: this.#lastSeenAt,
    };
  }
}

/**
 * Pages by external key come from the store. The first page in another order or with a filter builds a table,
 * which writes keep current.
 */
export class People {
  readonly #context: StoreContext;
  readonly #maxBytes: number;
  readonly #held = new Map<number, Held>();

  constructor(context: StoreContext, maxBytes = MAX_BYTES) {
    this.#context = context;
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    let bytes = 0;
    for (const { table } of this.#held.values()) bytes += table.bytes;
    return bytes;
  }

  /** Call after the commit. */
  changed(gallery: number, externalKey: string): void {
    const held = this.#held.get(gallery);
    if (!held) return;
    held.changed.add(externalKey);
    if (held.changed.size > Math.max(FEW_CHANGES, held.size / 4)) this.#held.delete(gallery);
  }

  forget(gallery: number): void {
    this.#held.delete(gallery);
  }

  /** No person appears twice unless a write changes it meanwhile. */
  async page(gallery: number, query: PeopleQuery): Promise<PeoplePage> {
    const { named, people } = countsOf(this.#context.db, gallery);
    const isSimple =
      query.sort === 'externalKey' && query.filter === undefined && named <= FEW_FACES * people;
    if (isSimple && !this.#held.has(gallery)) {
      return { people: await this.#pageOfStore(gallery, query), total: people };
    }
    return (await this.#table(gallery)).page(query);
  }

  async pageOf(gallery: number, externalKeys: readonly string[], query: PeopleQuery): Promise<PeoplePage> {
    const table = new PeopleTable();
    const people = new Map<string, Person | null>();
    for (const externalKey of externalKeys) people.set(externalKey, await this.person(gallery, externalKey));
    await table.apply(people);
    return table.page(query);
  }

  async person(gallery: number, externalKey: string): Promise<Person | null> {
    const turn = new Turn();
    const faces = new PersonFaces(externalKey);
    for (let after = 0; ; ) {
      const labels = labelsOfKey(this.#context.db, gallery, externalKey, after, PAGE);
      for (const label of labels) this.#addFace(faces, gallery, label);
      if (labels.length < PAGE) return faces.person();
      after = labels.at(-1) as number;
      if (turn.isOver) await turn.next();
    }
  }

  #addFace(faces: PersonFaces, gallery: number, label: number): void {
    const { db } = this.#context;
    const face = db.faces.get([gallery, label]);
    if (!face) return;
    faces.add({
      label,
      createdAt: face.createdAt,
      quality: face.quality?.score ?? null,
      seenAt: db.lastSeen.get([gallery, label]) ?? null,
      hasThumbnail: db.thumbnails.doesExist([gallery, label]),
    });
  }

  async #pageOfStore(gallery: number, { isDescending, after, limit }: PeopleQuery): Promise<Person[]> {
    const turn = new Turn();
    const people: Person[] = [];
    for (let last = after?.externalKey ?? null; people.length < limit; ) {
      last = this.#nextKey(gallery, last, isDescending);
      if (last === null) break;
      const person = await this.person(gallery, last);
      if (person) people.push(person);
      if (turn.isOver) await turn.next();
    }
    return people;
  }

  #nextKey(gallery: number, last: string | null, isDescending: boolean): string | null {
    const { externalKeys } = this.#context.db;
    const range = isDescending
      ? { start: [gallery, last ?? MAX_KEY, 0], end: [gallery], reverse: true }
      : { start: last === null ? [gallery] : [gallery, last, Number.MAX_SAFE_INTEGER], end: [gallery + 1] };
    for (const [, externalKey] of externalKeys.getKeys({ ...range, limit: 1 })) return externalKey;
    return null;
  }

  async #table(gallery: number): Promise<PeopleTable> {
    const held = this.#held.get(gallery) ?? this.#start(gallery);
    this.#held.delete(gallery);
    this.#held.set(gallery, held);
    const before = held.ready;
    held.ready = before.then(() => this.#update(gallery, held));
    try {
      await held.ready;
    } catch (error) {
      if (this.#held.get(gallery) === held) this.#held.delete(gallery);
      throw error;
    }
    this.#evict();
    return held.table;
  }

  #start(gallery: number): Held {
    const table = new PeopleTable();
    const { people } = countsOf(this.#context.db, gallery);
    return { table, changed: new Set(), size: people, ready: this.#build(gallery, table) };
  }

  async #build(gallery: number, table: PeopleTable): Promise<void> {
    const turn = new Turn();
    const { externalKeys } = this.#context.db;
    let people: Person[] = [];
    let faces: PersonFaces | null = null;
    const finish = () => {
      const person = faces?.person();
      if (person) people.push(person);
    };
    for (let start: (string | number)[] = [gallery]; ; ) {
      const keys = Array.from(
        externalKeys.getKeys({ start: start as never, end: [gallery + 1] as never, limit: PAGE }),
      );
      for (const [, externalKey, label] of keys) {
        if (faces?.externalKey !== externalKey) {
          finish();
          faces = new PersonFaces(externalKey);
        }
        this.#addFace(faces, gallery, label);
      }
      if (people.length >= PAGE * 4) {
        table.append(people);
        people = [];
      }
      const last = keys.at(-1);
      if (keys.length < PAGE || !last) break;
      start = [gallery, last[1], last[2] + 1];
      if (turn.isOver) await turn.next();
    }
    finish();
    table.append(people);
  }

  async #update(gallery: number, held: Held): Promise<void> {
    const turn = new Turn();
    const { changed } = held;
    if (changed.size === 0) return;
    held.changed = new Set();
    const people = new Map<string, Person | null>();
    for (const externalKey of changed) {
      people.set(externalKey, await this.person(gallery, externalKey));
      if (turn.isOver) await turn.next();
    }
    await held.table.apply(people);
  }

  #evict(): void {
    for (const gallery of this.#held.keys()) {
      if (this.#held.size < 2 || this.bytes <= this.#maxBytes) return;
      this.#held.delete(gallery);
    }
  }
}
