import { setTimeout as wait } from 'node:timers/promises';
import { sortedInTurns, Turn } from '../base/turns.ts';
import type { GalleryIndexes } from '../gallery/gallery-indexes.ts';
import type { GalleryIndex, Row } from '../native/gallery-index.ts';
import type { QualityRecord } from '../store/records.ts';
import type { Store } from '../store/store.ts';
import type { Recognizer } from '../vision/recognizer.ts';
import { joined, Nearest, type Pair } from './examination-pairs.ts';
import {
  logFalseMatchRate,
  mostCertain,
  NEIGHBOURS,
  normalShare,
  partition,
  StrangerTail,
  soundBeyond,
} from './examination-statistics.ts';
import {
  type GroupedImages,
  GroupJoiner,
  type SampledPerson,
  StrangerSample,
} from './examination-strangers.ts';
import { StoredTemplates } from './stored-templates.ts';

export const FINDING_KINDS = ['duplicate', 'mixed', 'look-alike', 'low-quality'] as const;
export type FindingKind = (typeof FINDING_KINDS)[number];

export interface FoundGroup {
  readonly externalKey: string | null;
  readonly labels: readonly number[];
  readonly newExternalKey: string | null;
  readonly isNewKey: boolean;
}

export interface Finding {
  readonly kind: FindingKind;
  readonly groups: readonly FoundGroup[];
  /** 0..100, of the groups with each other; null for one group. */
  readonly similarity: number | null;
  /** Expected share of wrong findings among those at least as certain; null where the kind has none. */
  readonly errorRate: number | null;
  /** Of a look-alike: chance that an image of one person matches the other. */
  readonly falseAlarms: number | null;
  readonly quality: QualityRecord | null;
}

export interface Findings {
  readonly faces: number;
  readonly people: number;
  /** At most {@link MAX_FINDINGS} of a kind, the most certain or worst first. */
  readonly found: readonly Finding[];
  readonly counts: Readonly<Record<FindingKind, number>>;
}

const MAX_FINDINGS = 1000;
const MAX_JUDGED = 50_000;
/** Expected shares of wrong findings. */
const DUPLICATE_ERRORS = 0.02;
const MIXED_ERRORS = 0.04;
/** Lowest similarity of two keys of one person; the second where the pack's calibration judges. */
const LEAST_DUPLICATE = 70;
const LEAST_CALIBRATED = 90;
const LOW_QUALITY = 25;
const MAX_FACES = 48;
/** People whose scores are the sample of strangers in this gallery. */
const SAMPLE = 600;
/** Two groups of a key are one person if a smaller share of strangers is as near. */
const STRANGERS_NEARER = 0.01;
/** Similarity from which images of a key are one person. */
const ONE_PERSON = 70;
const ONE_GROUP: GroupedImages = { groups: [], nearest: null };
const LEAST_PEOPLE = NEIGHBOURS + 1;
const MORE = 4;
const PAGE = 256;

/** How long a batch waits for threads that work for callers. */
const BUSY_MS = 25;
const POLL_MS = 2;

export interface ExaminedGallery {
  readonly gallery: number;
  readonly recognizer: Pick<Recognizer, 'similarity' | 'space'>;
  /** 0..100, of the collection's searches. */
  readonly threshold: number;
}

export interface ExaminationParts {
  readonly store: Pick<Store, 'faces'>;
  readonly indexes: Pick<GalleryIndexes, 'scratch' | 'isIdle' | 'threads'>;
}

interface Person {
  readonly externalKey: string | null;
  readonly labels: number[];
}

interface Node {
  readonly person: number;
  readonly labels: readonly number[];
}

interface MixedKey {
  readonly person: number;
  readonly groups: readonly (readonly number[])[];
  readonly score: number;
  /** Of strangers who are as near to the groups. */
  readonly share: number;
  readonly expectedWrong: number;
}

interface Compared {
  readonly duplicates: readonly (Pair & { readonly errorRate: number })[];
  /** The highest scores first, at most {@link MAX_FINDINGS}. */
  readonly lookAlikes: readonly Pair[];
  readonly count: number;
}

/**
 * Examines a gallery: each person's mean template searches an index of all people's mean templates. Yields to
 * the event loop, and to the callers' work on the native threads.
 */
export class Examination {
  readonly #parts: ExaminationParts;
  readonly #gallery: ExaminedGallery;
  readonly #templates: StoredTemplates;
  readonly #isEnded: () => boolean;
  readonly #onProgress: (share: number) => void;
  readonly #turn = new Turn();
  readonly #people: Person[] = [];
  readonly #byKey = new Map<string, number>();
  readonly #lowQuality: {
    readonly person: number;
    readonly label: number;
    readonly quality: QualityRecord;
  }[] = [];
  #faces = 0;

  constructor(
    parts: ExaminationParts,
    gallery: ExaminedGallery,
    isEnded: () => boolean,
    onProgress: (share: number) => void = () => {},
  ) {
    this.#parts = parts;
    this.#gallery = gallery;
    this.#templates = new StoredTemplates(parts.store.faces, gallery.gallery, gallery.recognizer.space);
    this.#isEnded = isEnded;
    this.#onProgress = onProgress;
  }

  /** @throws Error once ended. */
  async run(): Promise<Findings> {
    await this.#readPeople();
    this.#onProgress(0.05);
    const mixed = await this.#mixedKeys();
    this.#onProgress(0.2);
    const nodes = await this.#nodes(mixed);
    return this.#findings(nodes, mixed, await this.#compare(nodes));
  }

  async #yield(): Promise<void> {
    if (!this.#turn.isOver) return;
    await this.#turn.next();
    this.#checkEnd();
  }

  #checkEnd(): void {
    if (this.#isEnded()) throw new Error('the examination has ended');
  }

  async #readPeople(): Promise<void> {
    const { faces } = this.#parts.store;
    const { gallery } = this.#gallery;
    for (let after = 0, isLast = false; !isLast; ) {
      const page = faces.list(gallery, after, PAGE);
      for (const { label, face } of page) {
        const person = this.#personOf(face.externalKey);
        (this.#people[person] as Person).labels.push(label);
        if (face.quality && face.quality.score < LOW_QUALITY) {
          this.#lowQuality.push({ person, label, quality: face.quality });
        }
        after = label;
      }
      this.#faces += page.length;
      isLast = page.length < PAGE;
      await this.#yield();
    }
  }

  #personOf(externalKey: string | null): number {
    const known = externalKey === null ? undefined : this.#byKey.get(externalKey);
    if (known !== undefined) return known;
    const person = this.#people.push({ externalKey, labels: [] }) - 1;
    if (externalKey !== null) this.#byKey.set(externalKey, person);
    return person;
  }

  async #strangers(): Promise<StrangerSample> {
    const { space, similarity } = this.#gallery.recognizer;
    const step = Math.max(1, this.#people.length / SAMPLE);
    const sample: SampledPerson[] = [];
    for (let at = 0; at < this.#people.length; at += step) {
      const person = Math.floor(at);
      const [label] = this.#people[person]?.labels ?? [];
      const row = label === undefined ? null : this.#templates.mean([label]);
      if (row) sample.push({ person, row });
      await this.#yield();
    }
    return new StrangerSample(space, similarity, sample);
  }

  async #mixedKeys(): Promise<MixedKey[]> {
    const strangers = await this.#strangers();
    const divided: Omit<MixedKey, 'expectedWrong'>[] = [];
    let several = 0;
    for (const [person, { externalKey, labels }] of this.#people.entries()) {
      if (externalKey === null || labels.length < 2) continue;
      several++;
      const { groups, nearest } = await this.#divide(person, labels, strangers);
      if (!nearest) continue;
      divided.push({ person, groups: groups.map((group) => group.labels), ...nearest });
    }
    const sorted = (await sortedInTurns(divided, (a, b) => b.share - a.share)).map((key) => ({
      ...key,
      expectedWrong: several * soundBeyond(key.share),
    }));
    return mostCertain(sorted.slice(0, MAX_JUDGED), MIXED_ERRORS);
  }

  /** Of a key with many faces, those that stand for it are divided, and the others follow. */
  async #divide(
    person: number,
    labels: readonly number[],
    strangers: StrangerSample,
  ): Promise<GroupedImages> {
    const { space, similarity } = this.#gallery.recognizer;
    const shown = spread(labels, MAX_FACES);
    const templates = this.#templates.read(shown);
    await this.#yield();
    if (templates.length < shown.length) return ONE_GROUP;
    const matrix = await this.#templates.scoresAmong(templates);
    const { groups } = partition(matrix, similarity.toScore(ONE_PERSON));
    await this.#yield();
    if (groups.length === 1) return ONE_GROUP;
    const apart = groups.flatMap((group) => {
      const own = group.map((i) => shown[i] as number);
      const mean = this.#templates.mean(own);
      return mean ? [{ labels: own, mean }] : [];
    });
    if (apart.length < groups.length) return ONE_GROUP;
    const joiner = new GroupJoiner(
      apart,
      space,
      (mean) => strangers.sharesOf(person, mean),
      (own) => this.#templates.mean(own),
    );
    let found: GroupedImages | null = null;
    while (!found) {
      found = joiner.step(STRANGERS_NEARER);
      await this.#yield();
    }
    if (!found.nearest || shown.length === labels.length) return found;
    const isShown = new Set(shown);
    const means = found.groups.map(({ mean }) => mean);
    const all = found.groups.map((group) => [...group.labels]);
    for (const label of labels) {
      if (isShown.has(label)) continue;
      const [template] = this.#templates.read([label]);
      if (!template) continue;
      const scores = Array.from(space.compare(template, means));
      all[scores.indexOf(Math.max(...scores))]?.push(label);
      await this.#yield();
    }
    return { ...found, groups: found.groups.map((group, i) => ({ ...group, labels: all[i] as number[] })) };
  }

  async #nodes(mixed: readonly MixedKey[]): Promise<Node[]> {
    const divided = new Map(mixed.map(({ person, groups }) => [person, groups]));
    const nodes: Node[] = [];
    for (const [person, { labels }] of this.#people.entries()) {
      for (const own of divided.get(person) ?? [labels]) nodes.push({ person, labels: own });
      await this.#yield();
    }
    return nodes;
  }

  async #compare(nodes: readonly Node[]): Promise<Compared> {
    const index = await this.#indexOf(nodes);
    const nearest = new Nearest(nodes.length);
    const k = Math.min(nodes.length, NEIGHBOURS + MORE);
    const batch = 2 * this.#parts.indexes.threads;
    for (let from = 0; from < nodes.length; from += batch) {
      await this.#politely();
      const size = Math.min(batch, nodes.length - from);
      const searches = Array.from({ length: size }, (_, i) =>
        this.#search(index, nodes, from + i, k, nearest),
      );
      await Promise.all(searches);
      this.#onProgress(0.3 + (0.7 * from) / nodes.length);
      await this.#yield();
    }
    return this.#judge(nodes, nearest);
  }

  async #judge(nodes: readonly Node[], nearest: Nearest): Promise<Compared> {
    const { similarity } = this.#gallery.recognizer;
    const tail = nodes.length > LEAST_PEOPLE ? new StrangerTail(nodes.length, nearest.excesses) : null;
    const logExpected = ({ first, second, score }: Pair) =>
      tail
        ? tail.logExpected(score, (nearest.startOf(first) + nearest.startOf(second)) / 2)
        : Math.log10(nodes.length) + logFalseMatchRate(similarity, score);
    const least = similarity.toScore(tail ? LEAST_DUPLICATE : LEAST_CALIBRATED);
    const judged: (Pair & { readonly expectedWrong: number })[] = [];
    const lookAlikes = new Best<Pair>(MAX_FINDINGS, (pair) => pair.score);
    const unlikely = similarity.toScore(this.#gallery.threshold) - this.#deviation;
    for (const pair of nearest.pairs()) {
      if (pair.score >= least) {
        const log = logExpected(pair);
        if (log < 0) judged.push({ ...pair, expectedWrong: (nodes.length * 10 ** log) / 2 });
      }
      if (pair.score >= unlikely) lookAlikes.add(pair);
      await this.#yield();
    }
    const sorted = await sortedInTurns(judged, (a, b) => a.expectedWrong - b.expectedWrong);
    const duplicates = mostCertain(sorted.slice(0, MAX_JUDGED), DUPLICATE_ERRORS);
    const others = new Map(lookAlikes.take().map((pair) => [`${pair.first} ${pair.second}`, pair]));
    for (const { first, second } of duplicates) {
      others.delete(`${first} ${second}`);
      await this.#yield();
    }
    return {
      duplicates,
      lookAlikes: [...others.values()],
      count: lookAlikes.count - duplicates.length,
    };
  }

  async #indexOf(nodes: readonly Node[]): Promise<GalleryIndex> {
    const { space } = this.#gallery.recognizer;
    const index = this.#parts.indexes.scratch(space);
    for (let from = 0; from < nodes.length; from += PAGE) {
      await this.#politely();
      const ids: bigint[] = [];
      const means: Row[] = [];
      for (let node = from; node < Math.min(from + PAGE, nodes.length); node++) {
        const mean = this.#meanOf(nodes[node] as Node);
        if (!mean) continue;
        ids.push(BigInt(node));
        means.push(mean);
        await this.#yield();
      }
      if (ids.length > 0) await index.add(BigInt64Array.from(ids), Buffer.concat(means));
      this.#onProgress(0.2 + (0.1 * from) / nodes.length);
    }
    return index;
  }

  #meanOf({ labels }: Node): Row | null {
    return this.#templates.mean(spread(labels, MAX_FACES));
  }

  async #search(index: GalleryIndex, nodes: readonly Node[], node: number, k: number, nearest: Nearest) {
    const own = nodes[node] as Node;
    const mean = this.#meanOf(own);
    if (!mean) return;
    const { ids, scores } = await index.search(mean, k);
    const found: { nodes: number[]; scores: number[] } = { nodes: [], scores: [] };
    for (const [i, id] of ids.entries()) {
      const other = Number(id);
      if (nodes[other]?.person === own.person) continue;
      found.nodes.push(other);
      found.scores.push(scores[i] as number);
    }
    nearest.set(node, found.nodes, found.scores);
  }

  get #deviation(): number {
    const { similarity } = this.#gallery.recognizer;
    return similarity.toScore(80) - similarity.toScore(70);
  }

  async #politely(): Promise<void> {
    const until = performance.now() + BUSY_MS;
    while (!this.#parts.indexes.isIdle && performance.now() < until) await wait(POLL_MS);
    this.#checkEnd();
  }

  async #findings(
    nodes: readonly Node[],
    mixed: readonly (MixedKey & { readonly errorRate?: number })[],
    { duplicates, lookAlikes, count }: Compared,
  ): Promise<Findings> {
    const { similarity } = this.#gallery.recognizer;
    const parts = new Map(mixed.map(({ person, groups }) => [person, groups]));
    const isPart = ({ person, labels }: Node) => (parts.get(person) ?? [labels])[0] !== labels;
    const homes = new Map<readonly number[], number>();
    const whole: (Pair & { readonly errorRate: number })[] = [];
    for (const pair of duplicates) {
      const [first, second] = [nodes[pair.first] as Node, nodes[pair.second] as Node];
      if (isPart(first) || isPart(second)) {
        if (isPart(first) && !isPart(second)) homes.set(first.labels, second.person);
        if (isPart(second) && !isPart(first)) homes.set(second.labels, first.person);
      } else whole.push(pair);
      await this.#yield();
    }
    const merges = await joined(whole);
    const poor = await sortedInTurns(this.#lowQuality, (a, b) => a.quality.score - b.quality.score);
    const found: Record<FindingKind, Finding[]> = {
      duplicate: merges.slice(0, MAX_FINDINGS).map(({ members, score, errorRate }) => ({
        ...NOTHING,
        kind: 'duplicate',
        groups: this.#merged(members.map((node) => nodes[node] as Node)),
        similarity: similarity.toSimilarity(score),
        errorRate,
      })),
      mixed: mixed.slice(0, MAX_FINDINGS).map(({ person, groups, score, errorRate = null }) => ({
        ...NOTHING,
        kind: 'mixed',
        groups: this.#split(person, groups, homes),
        similarity: similarity.toSimilarity(score),
        errorRate,
      })),
      'look-alike': this.#lookAlikes(nodes, lookAlikes),
      'low-quality': poor.slice(0, MAX_FINDINGS).map(({ person, label, quality }) => ({
        ...NOTHING,
        kind: 'low-quality',
        groups: [this.#group(person, [label], null)],
        quality,
      })),
    };
    return {
      faces: this.#faces,
      people: this.#people.length,
      found: FINDING_KINDS.flatMap((kind) => found[kind]),
      counts: {
        ...{ duplicate: merges.length, mixed: mixed.length, 'low-quality': poor.length },
        'look-alike': Math.max(0, count),
      },
    };
  }

  #lookAlikes(nodes: readonly Node[], pairs: readonly Pair[]): Finding[] {
    const { similarity } = this.#gallery.recognizer;
    const threshold = similarity.toScore(this.#gallery.threshold);
    return pairs
      .map((pair) => ({ ...pair, falseAlarms: normalShare((pair.score - threshold) / this.#deviation) }))
      .map(({ first, second, score, falseAlarms }) => ({
        ...NOTHING,
        kind: 'look-alike',
        groups: [first, second].map((node) => {
          const { person, labels } = nodes[node] as Node;
          return this.#group(person, labels, this.#people[person]?.externalKey ?? null);
        }),
        similarity: similarity.toSimilarity(score),
        falseAlarms: Math.round(falseAlarms * 1000) / 1000,
      }));
  }

  #group(person: number, labels: readonly number[], newExternalKey: string | null): FoundGroup {
    const { externalKey = null } = this.#people[person] ?? {};
    const isNewKey = newExternalKey !== null && !this.#byKey.has(newExternalKey);
    return { externalKey, labels, newExternalKey, isNewKey };
  }

  /** The key with the most faces stays; of equal ones, the oldest. */
  #merged(members: readonly Node[]): FoundGroup[] {
    const named = members.filter(({ person }) => this.#people[person]?.externalKey !== null);
    const order = (a: Node, b: Node) =>
      b.labels.length - a.labels.length || (a.labels[0] as number) - (b.labels[0] as number);
    const [kept] = [...(named.length > 0 ? named : members)].sort(order) as [Node];
    const key = this.#people[kept.person]?.externalKey ?? this.#faceIdOf(kept);
    return [kept, ...members.filter((node) => node !== kept).sort(order)].map(({ person, labels }) =>
      this.#group(person, labels, key),
    );
  }

  #faceIdOf({ labels }: Node): string | null {
    const { gallery } = this.#gallery;
    return this.#parts.store.faces.get({ gallery, label: labels[0] as number })?.faceId ?? null;
  }

  #split(
    person: number,
    [kept, ...others]: readonly (readonly number[])[],
    homes: ReadonlyMap<readonly number[], number>,
  ): FoundGroup[] {
    const key = this.#people[person]?.externalKey as string;
    let number = 2;
    const names = others.map((labels) => {
      const home = this.#people[homes.get(labels) ?? -1]?.externalKey;
      if (home) return home;
      while (this.#byKey.has(`${key}.${number}`)) number++;
      return `${key}.${number++}`;
    });
    return [
      this.#group(person, kept ?? [], key),
      ...others.map((labels, i) => this.#group(person, labels, names[i] ?? null)),
    ];
  }
}

class Best<T> {
  count = 0;
  readonly #most: number;
  readonly #value: (item: T) => number;
  #items: T[] = [];

  constructor(most: number, value: (item: T) => number) {
    this.#most = most;
    this.#value = value;
  }

  add(item: T): void {
    this.count++;
    if (this.#items.push(item) >= 2 * this.#most) this.#items = this.take();
  }

  take(): T[] {
    return this.#items.sort((a, b) => this.#value(b) - this.#value(a)).slice(0, this.#most);
  }
}

const NOTHING = { similarity: null, errorRate: null, falseAlarms: null, quality: null } as const;

function spread<T>(items: readonly T[], most: number): readonly T[] {
  if (items.length <= most) return items;
  return Array.from({ length: most }, (_, i) => items[Math.floor((i * items.length) / most)] as T);
}
