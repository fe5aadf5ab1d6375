import { setTimeout as wait } from 'node:timers/promises';
import { mapInTurns, sortedInTurns, Turn } from '../base/turns.ts';
import type { GalleryIndexes } from '../gallery/gallery-indexes.ts';
import type { GalleryIndex, Row } from '../native/gallery-index.ts';
import type { Store } from '../store/store.ts';
import type { Recognizer } from '../vision/recognizer.ts';
import {
  type Compared,
  deviationOf,
  type Findings,
  FindingWriter,
  MAX_FINDINGS,
  type MixedKey,
  type Node,
} from './examination-findings.ts';
import { Nearest, type Pair } from './examination-pairs.ts';
import { ExaminedPeople } from './examination-people.ts';
import {
  logFalseMatchRate,
  mostCertain,
  NEIGHBOURS,
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

const MAX_JUDGED = 50_000;
/** Expected shares of wrong findings. */
const DUPLICATE_ERRORS = 0.02;
const MIXED_ERRORS = 0.04;
/** Lowest similarity of two keys of one person; the second where the pack's calibration judges. */
const LEAST_DUPLICATE = 70;
const LEAST_CALIBRATED = 90;
const MAX_FACES = 48;
/** People whose scores are the sample of strangers. */
const SAMPLE = 600;
/** Groups of a key are one person if a smaller share of strangers is as near. */
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

/**
 * Each person's mean template searches an index of all people's mean templates. Yields to the event loop, and
 * to the callers' work on the native threads.
 */
export class Examination {
  readonly #parts: ExaminationParts;
  readonly #gallery: ExaminedGallery;
  readonly #templates: StoredTemplates;
  readonly #isEnded: () => boolean;
  readonly #onProgress: (share: number) => void;
  readonly #turn = new Turn();
  readonly #people = new ExaminedPeople();

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
    await this.#people.read(this.#parts.store.faces, this.#gallery.gallery, () => this.#yield());
    this.#onProgress(0.05);
    const mixed = await this.#mixedKeys();
    this.#onProgress(0.2);
    const nodes = await this.#nodes(mixed);
    const { recognizer, threshold, gallery } = this.#gallery;
    const faceIdOf = (label: number) => this.#parts.store.faces.get({ gallery, label })?.faceId ?? null;
    const writer = new FindingWriter(this.#people, recognizer.similarity, threshold, faceIdOf);
    return writer.findings(nodes, mixed, await this.#compare(nodes));
  }

  async #yield(): Promise<void> {
    if (!this.#turn.isOver) return;
    await this.#turn.next();
    this.#checkEnd();
  }

  #checkEnd(): void {
    if (this.#isEnded()) throw new Error('the examination has ended');
  }

  async #strangers(): Promise<StrangerSample> {
    const { space, similarity } = this.#gallery.recognizer;
    const step = Math.max(1, this.#people.all.length / SAMPLE);
    const sample: SampledPerson[] = [];
    for (let at = 0; at < this.#people.all.length; at += step) {
      const person = Math.floor(at);
      const [label] = this.#people.all[person]?.labels ?? [];
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
    for (const [person, { externalKey, labels }] of this.#people.all.entries()) {
      if (externalKey === null || labels.length < 2) continue;
      several++;
      const { groups, nearest } = await this.#divide(person, labels, strangers);
      if (!nearest) continue;
      divided.push({ person, groups: groups.map((group) => group.labels), ...nearest });
    }
    const ordered = await sortedInTurns(divided, (a, b) => b.share - a.share);
    const sorted = await mapInTurns(ordered, (key) => ({
      ...key,
      expectedWrong: several * soundBeyond(key.share),
    }));
    return mostCertain(sorted.slice(0, MAX_JUDGED), MIXED_ERRORS);
  }

  /** Of a key with many faces, some are divided, and the others follow. */
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
    for (const [person, { labels }] of this.#people.all.entries()) {
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
    const unlikely = similarity.toScore(this.#gallery.threshold) - deviationOf(similarity);
    for (const pair of nearest.pairs()) {
      if (pair.score >= least) {
        const log = logExpected(pair);
        if (log < 0) judged.push({ ...pair, expectedWrong: (nodes.length * 10 ** log) / 2 });
      }
      if (pair.score >= unlikely) lookAlikes.add(pair);
      await this.#yield();
    }
    const sorted = await sortedInTurns(judged, (a, b) => a.expectedWrong - b.expectedWrong);
    const duplicates = await mostCertain(sorted.slice(0, MAX_JUDGED), DUPLICATE_ERRORS);
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

  async #politely(): Promise<void> {
    const until = performance.now() + BUSY_MS;
    while (!this.#parts.indexes.isIdle && performance.now() < until) await wait(POLL_MS);
    this.#checkEnd();
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

function spread<T>(items: readonly T[], most: number): readonly T[] {
  if (items.length <= most) return items;
  return Array.from({ length: most }, (_, i) => items[Math.floor((i * items.length) / most)] as T);
}
