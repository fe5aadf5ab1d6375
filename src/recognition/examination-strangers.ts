import type { Row, SearchSpace } from '../native/gallery-index.ts';
import type { SimilarityScale } from '../vision/similarity.ts';
import { logFalseMatchRate } from './examination-statistics.ts';

const LEAST_STRANGERS = 50;

export interface SampledPerson {
  readonly person: number;
  readonly row: Row;
}

/** Some people of a gallery: how its strangers score with a group of images. */
export class StrangerSample {
  readonly #space: SearchSpace;
  readonly #similarity: SimilarityScale;
  readonly #people: readonly SampledPerson[];

  constructor(space: SearchSpace, similarity: SimilarityScale, people: readonly SampledPerson[]) {
    this.#space = space;
    this.#similarity = similarity;
    this.#people = people;
  }

  /** @returns the share of strangers, 0..1, who reach a score with the mean of one of `person`'s groups. */
  sharesOf(person: number, mean: Row): (score: number) => number {
    const others = this.#people.filter((each) => each.person !== person).map(({ row }) => row);
    if (others.length < LEAST_STRANGERS) return (score) => 10 ** logFalseMatchRate(this.#similarity, score);
    const scores = this.#space.compare(mean, others);
    return (score) => {
      let nearer = 0;
      for (const each of scores) if (each >= score) nearer++;
      return nearer / scores.length;
    };
  }
}

export interface ImageGroup {
  readonly labels: readonly number[];
  readonly mean: Row;
}

export interface GroupedImages {
  /** The largest first. */
  readonly groups: readonly ImageGroup[];
  /** Of the two nearest groups; null for one group. */
  readonly nearest: { readonly share: number; readonly score: number } | null;
}

/**
 * Joins groups of one key that are nearer to each other than nearly all strangers are to either. A bad image
 * scores low with everyone, so its own person may still be nearest.
 */
export class GroupJoiner {
  readonly #space: SearchSpace;
  readonly #sharesOf: (mean: Row) => (score: number) => number;
  readonly #meanOf: (labels: readonly number[]) => Row | null;
  readonly #shares = new Map<Row, (score: number) => number>();
  readonly #groups: ImageGroup[];

  /** @param meanOf null if the faces are gone. */
  constructor(
    groups: readonly ImageGroup[],
    space: SearchSpace,
    sharesOf: (mean: Row) => (score: number) => number,
    meanOf: (labels: readonly number[]) => Row | null,
  ) {
    this.#groups = [...groups];
    this.#space = space;
    this.#sharesOf = sharesOf;
    this.#meanOf = meanOf;
  }

  /**
   * Joins the nearest two groups.
   * @param most share of strangers below which they are one person.
   * @returns null if it joined them.
   */
  step(most: number): GroupedImages | null {
    const groups = this.#groups;
    const nearest = this.#nearest();
    if (!nearest || nearest.share >= most) {
      groups.sort((x, y) => y.labels.length - x.labels.length || (x.labels[0] ?? 0) - (y.labels[0] ?? 0));
      return { groups, nearest };
    }
    const [first, second] = [groups[nearest.first] as ImageGroup, groups[nearest.second] as ImageGroup];
    const labels = [...first.labels, ...second.labels].sort((x, y) => x - y);
    groups.splice(nearest.second, 1);
    groups[nearest.first] = { labels, mean: this.#meanOf(labels) ?? first.mean };
    return null;
  }

  #nearest() {
    let nearest: { first: number; second: number; score: number } | null = null;
    const means = this.#groups.map(({ mean }) => mean);
    for (const [second, mean] of means.entries()) {
      if (second === 0) continue;
      const scores = this.#space.compare(mean, means.slice(0, second));
      for (const [first, score] of scores.entries()) {
        if (!nearest || score > nearest.score) nearest = { first, second, score };
      }
    }
    if (!nearest) return null;
    const { first, second, score } = nearest;
    const share = (this.#share(means[first] as Row, score) + this.#share(means[second] as Row, score)) / 2;
    return { ...nearest, share };
  }

  #share(mean: Row, score: number): number {
    const shares = this.#shares.get(mean) ?? this.#sharesOf(mean);
    this.#shares.set(mean, shares);
    return shares(score);
  }
}
