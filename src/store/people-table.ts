/** Blocks are immutable: readers keep one state while others replace it. */
import { Turn } from '../base/turns.ts';

export interface Person {
  readonly externalKey: string;
  readonly faceCount: number;
  readonly createdAt: number;
  readonly quality: number | null;
  /** Prefers a thumbnail, then quality. */
  readonly bestLabel: number;
  /** Null if never. */
  readonly lastSeenAt: number | null;
}

export const PERSON_SORTS = ['externalKey', 'faceCount', 'createdAt', 'lastSeenAt', 'quality'] as const;
export type PersonSort = (typeof PERSON_SORTS)[number];

export interface PersonPlace {
  readonly value: number;
  readonly externalKey: string;
}

export interface PeopleQuery {
  readonly sort: PersonSort;
  readonly isDescending: boolean;
  readonly filter: string | undefined;
  readonly after: PersonPlace | null;
  readonly limit: number;
}

export interface PeoplePage {
  readonly people: readonly Person[];
  readonly total: number;
}

const MAX_ROWS = 2048;
const NONE = -1;
const SEPARATOR = '\n';
const PRINTABLE = /^[!-~]+$/;

/** 0 for the external key, which breaks ties. */
export function sortValue(person: Person, sort: PersonSort): number {
  return sort === 'externalKey' ? 0 : (person[sort] ?? NONE);
}

type Columns = Readonly<
  Record<'faceCount' | 'createdAt' | 'quality' | 'bestLabel' | 'lastSeenAt', Float64Array>
>;

class Block {
  readonly size: number;
  readonly #keys: string;
  readonly #starts: Uint32Array;
  readonly #columns: Columns;

  constructor(people: readonly Person[]) {
    this.size = people.length;
    this.#keys = people.map(({ externalKey }) => externalKey + SEPARATOR).join('');
    this.#starts = new Uint32Array(people.length + 1);
    for (const [i, { externalKey }] of people.entries()) {
      this.#starts[i + 1] = (this.#starts[i] as number) + externalKey.length + 1;
    }
    const column = (value: (person: Person) => number) => Float64Array.from(people, value);
    this.#columns = {
      faceCount: column(({ faceCount }) => faceCount),
      createdAt: column(({ createdAt }) => createdAt),
      quality: column(({ quality }) => quality ?? NONE),
      bestLabel: column(({ bestLabel }) => bestLabel),
      lastSeenAt: column(({ lastSeenAt }) => lastSeenAt ?? NONE),
    };
  }

  get bytes(): number {
    return (
      this.#keys.length + this.size * (Uint32Array.BYTES_PER_ELEMENT + 5 * Float64Array.BYTES_PER_ELEMENT)
    );
  }

  key(row: number): string {
    return this.#keys.slice(this.#starts[row], (this.#starts[row + 1] as number) - 1);
  }

  person(row: number): Person {
    const at = (name: keyof Columns) => this.#columns[name][row] as number;
    const orNull = (value: number) => (value === NONE ? null : value);
    return {
      externalKey: this.key(row),
      faceCount: at('faceCount'),
      createdAt: at('createdAt'),
      quality: orNull(at('quality')),
      bestLabel: at('bestLabel'),
      lastSeenAt: orNull(at('lastSeenAt')),
    };
  }

  people(): Person[] {
    return Array.from({ length: this.size }, (_, row) => this.person(row));
  }

  column(sort: PersonSort): Float64Array | null {
    return sort === 'externalKey' ? null : this.#columns[sort];
  }

  /** @param text in lower case. */
  matching(text: string | undefined): number[] | null {
    if (text === undefined) return null;
    const keys = this.#keys.toLowerCase();
    const rows: number[] = [];
    for (let row = 0, at = keys.indexOf(text); at >= 0; at = keys.indexOf(text, this.#starts[row])) {
      while ((this.#starts[row + 1] as number) <= at) row++;
      rows.push(row++);
    }
    return rows;
  }

  around(externalKey: string): readonly [before: number, behind: number] {
    let low = 0;
    for (let high = this.size; low < high; ) {
      const middle = (low + high) >>> 1;
      if (this.key(middle) < externalKey) low = middle + 1;
      else high = middle;
    }
    const isHere = low < this.size && this.key(low) === externalKey;
    return [low, isHere ? low + 1 : low];
  }
}

interface Candidate {
  readonly value: number;
  readonly block: Block;
  readonly row: number;
}

class FirstOf {
  readonly #limit: number;
  readonly #direction: 1 | -1;
  #kept: Candidate[] = [];
  #worst: number | null = null;

  constructor(limit: number, isDescending: boolean) {
    this.#limit = limit;
    this.#direction = isDescending ? -1 : 1;
  }

  add(value: number, block: Block, row: number): void {
    if (this.#worst !== null && (value - this.#worst) * this.#direction >= 0) return;
    this.#kept.push({ value, block, row });
    if (this.#kept.length >= 2 * this.#limit) this.#cut();
  }

  people(): Person[] {
    this.#cut();
    return this.#kept.map(({ block, row }) => block.person(row));
  }

  #cut(): void {
    this.#kept.sort((a, b) => (a.value - b.value) * this.#direction);
    this.#kept.length = Math.min(this.#kept.length, this.#limit);
    if (this.#kept.length === this.#limit) this.#worst = this.#kept.at(-1)?.value ?? null;
  }
}

export class PeopleTable {
  #blocks: readonly Block[] = [];
  #people = 0;
  #bytes = 0;

  get size(): number {
    return this.#people;
  }

  get bytes(): number {
    return this.#bytes;
  }

  append(people: readonly Person[]): void {
    this.#replace(this.#blocks.length, this.#blocks.length, people);
  }

  /**
   * Readers may run meanwhile, other changes may not.
   * @param changes null removes a person.
   */
  async apply(changes: ReadonlyMap<string, Person | null>): Promise<void> {
    const turn = new Turn();
    const keys = Array.from(changes.keys()).sort();
    for (let done = 0; done < keys.length; ) {
      const at = this.#blockOf(keys[done] as string);
      const next = this.#blocks[at + 1]?.key(0);
      const rows = new Map(this.#blocks[at]?.people().map((person) => [person.externalKey, person]));
      for (; done < keys.length && (next === undefined || (keys[done] as string) < next); done++) {
        const key = keys[done] as string;
        const person = changes.get(key);
        if (person) rows.set(key, person);
        else rows.delete(key);
      }
      const people = Array.from(rows.values()).sort((a, b) => (a.externalKey < b.externalKey ? -1 : 1));
      this.#replace(at, at + 1, people);
      if (turn.isOver) await turn.next();
    }
  }

  #blockOf(externalKey: string): number {
    let low = 0;
    for (let high = this.#blocks.length - 1; low < high; ) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#blocks[middle] as Block).key(0) <= externalKey) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #replace(start: number, end: number, people: readonly Person[]): void {
    const made: Block[] = [];
    const count = Math.ceil(people.length / MAX_ROWS);
    const rows = Math.ceil(people.length / count);
    for (let i = 0; i < people.length; i += rows) made.push(new Block(people.slice(i, i + rows)));
    for (const { size, bytes } of this.#blocks.slice(start, end)) {
      this.#people -= size;
      this.#bytes -= bytes;
    }
    for (const { size, bytes } of made) {
      this.#people += size;
      this.#bytes += bytes;
    }
    this.#blocks = [...this.#blocks.slice(0, start), ...made, ...this.#blocks.slice(end)];
  }

  async page({ sort, isDescending, filter, after, limit }: PeopleQuery): Promise<PeoplePage> {
    if (filter !== undefined && !PRINTABLE.test(filter)) return { people: [], total: 0 };
    const turn = new Turn();
    const first = new FirstOf(limit, isDescending);
    const text = filter?.toLowerCase();
    const blocks = isDescending ? this.#blocks.toReversed() : this.#blocks;
    let total = 0;
    for (const block of blocks) {
      const rows = block.matching(text);
      const count = rows?.length ?? block.size;
      total += count;
      const column = block.column(sort);
      const [before, behind] = after ? block.around(after.externalKey) : [0, 0];
      for (let i = 0; i < count; i++) {
        const place = isDescending ? count - 1 - i : i;
        const row = rows ? (rows[place] as number) : place;
        const value = column ? (column[row] as number) : 0;
        if (after) {
          const ahead = (value - after.value) * (isDescending ? -1 : 1);
          if (ahead < 0) continue;
          if (ahead === 0 && !(isDescending ? row < before : row >= behind)) continue;
        }
        first.add(value, block, row);
      }
      if (turn.isOver) await turn.next();
    }
    return { people: first.people(), total };
  }
}
