import type { LabelledTemplate } from './labelled-templates.ts';

const RESOLUTION = 20_000;
const BEST_PAIRS = 50_000;

export interface ImpostorPair {
  readonly first: LabelledTemplate;
  readonly second: LabelledTemplate;
  readonly score: number;
  readonly weight: number;
}

/** Coordinates of a row with its offset, so that JavaScript scores like the service. */
export class NormalisedTemplate extends Float32Array {
  offset = 0;
}

/** Requires equal lengths. */
export function innerProduct(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

/** The cosine of unit vectors, less the offsets of normalised templates. Requires equal lengths. */
export function scoreOf(a: Float32Array, b: Float32Array): number {
  return innerProduct(a, b) - offsetOf(a) - offsetOf(b);
}

function offsetOf(template: Float32Array): number {
  return template instanceof NormalisedTemplate ? template.offset : 0;
}

export class ImpostorScores {
  pairs = 0;
  best: ImpostorPair[] = [];
  readonly #bins = new Float64Array(2 * RESOLUTION + 1);
  #reaching: Float64Array | undefined;

  /** @param byPerson every pair of people weighs 1, whatever its number of images. */
  static of(templates: readonly LabelledTemplate[], byPerson = false): ImpostorScores {
    const scores = new ImpostorScores();
    const images = new Map<string, number>();
    for (const { person, template } of templates) {
      if (template) images.set(person, (images.get(person) ?? 0) + 1);
    }
    const weightOf = ({ person }: LabelledTemplate) => (byPerson ? 1 / (images.get(person) ?? 1) : 1);
    let floor = -1;
    for (const [i, first] of templates.entries()) {
      if (!first.template) continue;
      for (let j = i + 1; j < templates.length; j++) {
        const second = templates[j] as LabelledTemplate;
        if (!second.template || second.person === first.person) continue;
        const score = scoreOf(first.template, second.template);
        const weight = weightOf(first) * weightOf(second);
        scores.#count(score, weight);
        if (score <= floor) continue;
        scores.best.push({ first, second, score, weight });
        if (scores.best.length >= 2 * BEST_PAIRS) floor = scores.#keepBest();
      }
    }
    scores.#keepBest();
    return scores;
  }

  static joined(sets: readonly ImpostorScores[]): ImpostorScores {
    const joined = new ImpostorScores();
    const pairs = sets.reduce((sum, { pairs: of }) => sum + of, 0);
    for (const set of sets) {
      for (const [i, weight] of set.#bins.entries()) {
        joined.#bins[i] = (joined.#bins[i] as number) + (weight * pairs) / (sets.length * set.pairs);
      }
    }
    joined.pairs = pairs;
    return joined;
  }

  /** @param scores the best. @param pairs their number and that of all lower ones. */
  static ofBest(scores: readonly number[], pairs: number): ImpostorScores {
    const counted = new ImpostorScores();
    for (const score of scores) counted.#count(score, 1);
    counted.#count(-1, pairs - scores.length);
    return counted;
  }

  without(excluded: readonly ImpostorPair[]): void {
    for (const pair of excluded) this.#count(pair.score, -pair.weight);
    const gone = new Set(excluded);
    this.best = this.best.filter((pair) => !gone.has(pair));
  }

  falseMatchRate(score: number): number {
    return (this.#cumulative()[bin(score)] ?? 0) / this.pairs;
  }

  /** The lowest score that at most the share `rate` of pairs reaches. */
  scoreAt(rate: number): number {
    const reaching = this.#cumulative();
    let low = 0;
    let high = reaching.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((reaching[middle] as number) <= rate * this.pairs) high = middle;
      else low = middle + 1;
    }
    return low / RESOLUTION - 1;
  }

  #count(score: number, times: number): void {
    const at = bin(score);
    this.#bins[at] = (this.#bins[at] as number) + times;
    this.pairs += times;
    this.#reaching = undefined;
  }

  #cumulative(): Float64Array {
    if (!this.#reaching) {
      this.#reaching = Float64Array.from(this.#bins);
      for (let i = this.#reaching.length - 2; i >= 0; i--) {
        this.#reaching[i] = (this.#reaching[i] as number) + (this.#reaching[i + 1] as number);
      }
    }
    return this.#reaching;
  }

  #keepBest(): number {
    this.best.sort((a, b) => b.score - a.score);
    this.best.length = Math.min(this.best.length, BEST_PAIRS);
    return this.best.length === BEST_PAIRS ? (this.best.at(-1)?.score ?? -1) : -1;
  }
}

function bin(score: number): number {
  return Math.min(2 * RESOLUTION, Math.max(0, Math.floor((score + 1) * RESOLUTION)));
}
