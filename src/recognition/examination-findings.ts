import { mapInTurns, sortedInTurns, Turn } from '../base/turns.ts';
import type { QualityRecord } from '../store/records.ts';
import type { SimilarityScale } from '../vision/similarity.ts';
import { joined, type Pair } from './examination-pairs.ts';
import type { ExaminedPeople } from './examination-people.ts';
import { normalShare } from './examination-statistics.ts';

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
  /** Expected share of wrong findings among those at least as certain; null for kinds without one. */
  readonly errorRate: number | null;
  /** Of a look-alike: chance that an image of one person matches the other. */
  readonly falseAlarms: number | null;
  readonly quality: QualityRecord | null;
}

export interface Findings {
  readonly faces: number;
  readonly people: number;
  /** At most `MAX_FINDINGS` of a kind, the most certain or worst first. */
  readonly found: readonly Finding[];
  readonly counts: Readonly<Record<FindingKind, number>>;
}

export const MAX_FINDINGS = 1000;

export interface Node {
  readonly person: number;
  readonly labels: readonly number[];
}

export interface MixedKey {
  readonly person: number;
  readonly groups: readonly (readonly number[])[];
  readonly score: number;
  /** Of strangers who are as near to the groups. */
  readonly share: number;
  readonly expectedWrong: number;
}

export interface Compared {
  readonly duplicates: readonly (Pair & { readonly errorRate: number })[];
  /** The highest scores first, at most `MAX_FINDINGS`. */
  readonly lookAlikes: readonly Pair[];
  readonly count: number;
}

const NOTHING = { similarity: null, errorRate: null, falseAlarms: null, quality: null } as const;

/** Names the people in the evidence, and proposes changes. */
export class FindingWriter {
  readonly #people: ExaminedPeople;
  readonly #similarity: SimilarityScale;
  readonly #threshold: number;
  readonly #faceIdOf: (label: number) => string | null;
  readonly #turn = new Turn();

  constructor(
    people: ExaminedPeople,
    similarity: SimilarityScale,
    threshold: number,
    faceIdOf: (label: number) => string | null,
  ) {
    this.#people = people;
    this.#similarity = similarity;
    this.#threshold = threshold;
    this.#faceIdOf = faceIdOf;
  }

  async #pause(): Promise<void> {
    if (this.#turn.isOver) await this.#turn.next();
  }

  async findings(
    nodes: readonly Node[],
    mixed: readonly (MixedKey & { readonly errorRate?: number })[],
    { duplicates, lookAlikes, count }: Compared,
  ): Promise<Findings> {
    const similarity = this.#similarity;
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
      await this.#pause();
    }
    const merges = await joined(whole);
    const poor = await sortedInTurns(this.#people.lowQuality, (a, b) => a.quality.score - b.quality.score);
    const found: Record<FindingKind, Finding[]> = {
      duplicate: await mapInTurns(merges.slice(0, MAX_FINDINGS), ({ members, score, errorRate }) => ({
        ...NOTHING,
        kind: 'duplicate',
        groups: this.#merged(members.map((node) => nodes[node] as Node)),
        similarity: similarity.toSimilarity(score),
        errorRate,
      })),
      mixed: await mapInTurns(
        mixed.slice(0, MAX_FINDINGS),
        ({ person, groups, score, errorRate = null }) => ({
          ...NOTHING,
          kind: 'mixed',
          groups: this.#split(person, groups, homes),
          similarity: similarity.toSimilarity(score),
          errorRate,
        }),
      ),
      'look-alike': await this.#lookAlikes(nodes, lookAlikes),
      'low-quality': await mapInTurns(poor.slice(0, MAX_FINDINGS), ({ person, label, quality }) => ({
        ...NOTHING,
        kind: 'low-quality',
        groups: [this.#group(person, [label], null)],
        quality,
      })),
    };
    return {
      faces: this.#people.faces,
      people: this.#people.all.length,
      found: FINDING_KINDS.flatMap((kind) => found[kind]),
      counts: {
        ...{ duplicate: merges.length, mixed: mixed.length, 'low-quality': poor.length },
        'look-alike': Math.max(0, count),
      },
    };
  }

  #lookAlikes(nodes: readonly Node[], pairs: readonly Pair[]): Promise<Finding[]> {
    const similarity = this.#similarity;
    const threshold = similarity.toScore(this.#threshold);
    return mapInTurns(pairs, ({ first, second, score }) => ({
      ...NOTHING,
      kind: 'look-alike',
      groups: [first, second].map((node) => {
        const { person, labels } = nodes[node] as Node;
        return this.#group(person, labels, this.#people.all[person]?.externalKey ?? null);
      }),
      similarity: similarity.toSimilarity(score),
      falseAlarms: Math.round(normalShare((score - threshold) / deviationOf(similarity)) * 1000) / 1000,
    }));
  }

  #group(person: number, labels: readonly number[], newExternalKey: string | null): FoundGroup {
    const { externalKey = null } = this.#people.all[person] ?? {};
    const isNewKey = newExternalKey !== null && !this.#people.hasKey(newExternalKey);
    return { externalKey, labels, newExternalKey, isNewKey };
  }

  /** The key with the most faces stays; of equal ones, the oldest. */
  #merged(members: readonly Node[]): FoundGroup[] {
    const named = members.filter(({ person }) => this.#people.all[person]?.externalKey !== null);
    const order = (a: Node, b: Node) =>
      b.labels.length - a.labels.length || (a.labels[0] as number) - (b.labels[0] as number);
    const [kept] = [...(named.length > 0 ? named : members)].sort(order) as [Node];
    const key = this.#people.all[kept.person]?.externalKey ?? this.#faceIdOf(kept.labels[0] as number);
    return [kept, ...members.filter((node) => node !== kept).sort(order)].map(({ person, labels }) =>
      this.#group(person, labels, key),
    );
  }

  #split(
    person: number,
    [kept, ...others]: readonly (readonly number[])[],
    homes: ReadonlyMap<readonly number[], number>,
  ): FoundGroup[] {
    const key = this.#people.all[person]?.externalKey as string;
    let number = 2;
    const names = others.map((labels) => {
      const home = this.#people.all[homes.get(labels) ?? -1]?.externalKey;
      if (home) return home;
      while (this.#people.hasKey(`${key}.${number}`)) number++;
      return `${key}.${number++}`;
    });
    return [
      this.#group(person, kept ?? [], key),
      ...others.map((labels, i) => this.#group(person, labels, names[i] ?? null)),
    ];
  }
}

/** Of the score of two images of a person. */
export function deviationOf(similarity: SimilarityScale): number {
  return similarity.toScore(80) - similarity.toScore(70);
}
