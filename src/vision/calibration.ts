/**
 * Derives a `SimilarityScale` from pairs of strangers. Lists and excludes mislabelled people and images,
 * which would distort the tail of false match rates (FMR).
 */
import { type ImpostorPair, ImpostorScores, NormalisedTemplate } from './impostors.ts';
import type { LabelledTemplate } from './labelled-templates.ts';

const SCALE = [
  { similarity: 50, rate: 1e-1 },
  { similarity: 60, rate: 1e-2 },
  { similarity: 70, rate: 1e-3 },
  { similarity: 80, rate: 1e-4 },
  { similarity: 90, rate: 1e-5 },
  { similarity: 95, rate: 1e-6 },
] as const;

/** Pairs that measure a rate; a fit extrapolates lower rates. */
const COUNTED_PAIRS = 100;
/** Pairs from a score on show one person each if they exceed the fit this many times. */
const EXCESS = 20;
const EXCESS_OF_SEVERAL = 5;
const SEVERAL = 5;
const FIT_FROM = 1e-2;
/** Up to this similarity, strangers of one group meet the rate; above, all strangers do. */
const WITHIN_GROUPS = 80;
/** The group with most false matches may exceed the rate by this factor. */
const WORST_GROUP = 3;
const PAIRS_OF_GROUP = 20;
const PEOPLE_OF_GROUP = 50;
/** Share of faces that score 100 with themselves. */
const SCORE_100 = 0.99;
const LEAST_STEP = 1e-3;

export interface GroupedTemplate extends LabelledTemplate {
  /** Null: counts only among all people. */
  readonly group: string | null;
}

export interface ExcludedPeople {
  readonly people: readonly [string, string];
  readonly pairs: number;
  readonly score: number;
  readonly pictures: readonly [string, string];
}

export interface Calibration {
  readonly method: string;
  readonly pictures: number;
  readonly people: number;
  readonly impostorPairs: number;
  readonly groups?: { readonly people: number; readonly names: readonly string[]; readonly pairs: number };
  readonly excluded: readonly ExcludedPeople[];
  /** (score, similarity), both strictly increasing, similarity 0..100. */
  readonly points: readonly (readonly [number, number])[];
}

/**
 * @param grouped images of people of several groups, one each; or none.
 * @throws Error if too few pairs measure an FMR of 1e-4.
 */
export function calibrate(
  templates: readonly LabelledTemplate[],
  grouped: readonly GroupedTemplate[] = [],
): Calibration {
  const found = templates.filter((entry) => entry.template);
  const scores = ImpostorScores.of(found, true);
  if (scores.pairs < COUNTED_PAIRS / 1e-4) {
    throw new Error(
      `Calibration needs at least ${COUNTED_PAIRS / 1e-4} pairs of different people (about 1,500 people), got ${Math.round(scores.pairs)}.`,
    );
  }
  const excluded = excludeSamePeople(scores);
  const groups = grouped.length === 0 ? null : Groups.of(grouped);
  const points: [number, number][] = [[-1, 0]];
  for (const { similarity, rate } of SCALE) {
    const ofGroups = similarity <= WITHIN_GROUPS ? groups?.scoreWithin(rate) : groups?.scoreAmongAll(rate);
    const before = points.at(-1)?.[0] ?? -1;
    const score = Math.max(scoreAt(scores, rate), ofGroups ?? -1);
    if (score <= before && !groups) {
      throw new Error(
        'The scores do not increase with similarity: the model pack does not tell these people apart.',
      );
    }
    points.push([round(Math.max(score, before + LEAST_STEP)), similarity]);
  }
  points.push([topOf(points, found), 100]);
  return {
    method:
      'Scores at each false match rate among pairs of different people; each pair of people weighs the same. ' +
      (groups
        ? `The highest of the scores of three sets. Up to ${WITHIN_GROUPS}: people with names; the mean of the groups; and the ` +
          `group with most false matches, at ${WORST_GROUP} times the rate. Above: people with names, and all people of the groups. `
        : '') +
      `A rate that fewer than ${COUNTED_PAIRS} pairs reach is extrapolated: log10(FMR) as a quadratic of the score, least ` +
      `squares between FMR ${FIT_FROM} and the last rate with ${COUNTED_PAIRS} pairs. The high-scoring pairs of two people are left ` +
      `out where one of them scores so high that ${EXCESS} times as many pairs reach the score as this tail expects, or ` +
      `${EXCESS_OF_SEVERAL} times as many and at least ${SEVERAL}.`,
    pictures: found.length,
    people: new Set(found.map((entry) => entry.person)).size,
    impostorPairs: Math.round(scores.pairs),
    ...(groups && { groups: groups.summary }),
    excluded: [...excluded, ...(groups?.excluded ?? [])].sort((a, b) => b.score - a.score),
    points,
  };
}

/** Extrapolates where too few pairs reach the rate. */
function scoreAt(scores: ImpostorScores, rate: number): number {
  return rate * scores.pairs >= COUNTED_PAIRS ? scores.scoreAt(rate) : fitTail(scores).scoreAt(rate);
}

/** The score that most faces have with themselves. */
function topOf(points: readonly (readonly [number, number])[], found: readonly LabelledTemplate[]): number {
  const own = found
    .map(({ template }) => (template instanceof NormalisedTemplate ? 1 - 2 * template.offset : 1))
    .sort((a, b) => b - a);
  const least = (points.at(-1)?.[0] ?? 0) + LEAST_STEP;
  return round(Math.max(least, own[Math.floor(SCORE_100 * own.length)] ?? 1));
}

class Groups {
  readonly excluded: readonly ExcludedPeople[];
  readonly #all: ImpostorScores;
  readonly #byGroup: ReadonlyMap<string, ImpostorScores>;
  readonly #people: number;

  /** Of two images of one person, one counts. */
  static of(grouped: readonly GroupedTemplate[]): Groups {
    const found = grouped.filter(({ template }) => template);
    const excluded = excludeSamePeople(ImpostorScores.of(found));
    const repeated = new Set(excluded.map(({ people: [, second] }) => second));
    return new Groups(
      found.filter(({ person }) => !repeated.has(person)),
      excluded,
    );
  }

  private constructor(people: readonly GroupedTemplate[], excluded: readonly ExcludedPeople[]) {
    this.excluded = excluded;
    this.#people = people.length;
    this.#all = ImpostorScores.of(people);
    const byGroup = new Map<string, GroupedTemplate[]>();
    for (const each of people) {
      if (each.group !== null) byGroup.set(each.group, [...(byGroup.get(each.group) ?? []), each]);
    }
    this.#byGroup = new Map(
      [...byGroup]
        .filter(([, members]) => members.length >= PEOPLE_OF_GROUP)
        .map(([name, members]) => [name, ImpostorScores.of(members)]),
    );
    if (this.#byGroup.size === 0) {
      throw new Error(`Calibration by groups needs a group of at least ${PEOPLE_OF_GROUP} people.`);
    }
  }

  get summary(): NonNullable<Calibration['groups']> {
    const pairs = [...this.#byGroup.values()].reduce((sum, scores) => sum + scores.pairs, 0);
    return { people: this.#people, names: [...this.#byGroup.keys()].sort(), pairs };
  }

  scoreAmongAll(rate: number): number {
    return scoreAt(this.#all, rate);
  }

  scoreWithin(rate: number): number {
    const groups = [...this.#byGroup.values()];
    const together = ImpostorScores.joined(groups);
    const worst = groups
      .filter(({ pairs }) => WORST_GROUP * rate * pairs >= PAIRS_OF_GROUP)
      .map((scores) => scores.scoreAt(WORST_GROUP * rate));
    return Math.max(scoreAt(together, rate), ...worst);
  }
}

function excludeSamePeople(scores: ImpostorScores): ExcludedPeople[] {
  const excluded: ExcludedPeople[] = [];
  for (;;) {
    const tail = fitTail(scores);
    let weight = 0;
    let limit = Number.POSITIVE_INFINITY;
    for (const pair of scores.best) {
      weight += pair.weight;
      const expected = tail.rateAt(pair.score) * scores.pairs;
      if (weight >= (weight < SEVERAL ? EXCESS : EXCESS_OF_SEVERAL) * expected) limit = pair.score;
    }
    const suspects = new Set(scores.best.filter((pair) => pair.score >= limit).map(peopleOf));
    if (suspects.size === 0) return excluded.sort((a, b) => b.score - a.score);
    const byPeople = new Map<string, ImpostorPair[]>();
    for (const pair of scores.best) {
      const people = peopleOf(pair);
      if (suspects.has(people)) byPeople.set(people, [...(byPeople.get(people) ?? []), pair]);
    }
    for (const pairs of byPeople.values()) {
      const [best] = pairs as [ImpostorPair, ...ImpostorPair[]];
      excluded.push({
        people: [best.first.person, best.second.person],
        pairs: pairs.length,
        score: round(best.score),
        pictures: [best.first.image, best.second.image],
      });
      scores.without(pairs);
    }
  }
}

function peopleOf(pair: ImpostorPair): string {
  return `${pair.first.person}\n${pair.second.person}`;
}

/** log10(FMR) = a + b * score + c * score^2. */
export interface Tail {
  scoreAt(rate: number): number;
  rateAt(score: number): number;
}

/** Least squares, evenly spaced in log10(FMR). A normal distribution has a quadratic tail. */
export function fitTail(scores: ImpostorScores): Tail {
  const last = Math.log10(COUNTED_PAIRS / scores.pairs);
  const first = Math.log10(FIT_FROM);
  const steps = 40;
  const samples = Array.from({ length: steps + 1 }, (_, i) => {
    const logRate = first + ((last - first) * i) / steps;
    return { x: scores.scoreAt(10 ** logRate), y: logRate };
  });
  const [a, b, c] = fitQuadratic(samples);
  const highest = samples.at(-1)?.x ?? 1;
  return {
    scoreAt(rate) {
      const goal = Math.log10(rate);
      const discriminant = b * b - 4 * c * (a - goal);
      // The tail bends outwards: extrapolate by its slope at the last measured score.
      if (c >= 0 || discriminant < 0) {
        const slope = Math.min(b + 2 * c * highest, -1e-6);
        return highest + (goal - last) / slope;
      }
      return (-b - Math.sqrt(discriminant)) / (2 * c);
    },
    rateAt(score) {
      const slope = Math.min(b + 2 * c * highest, -1e-6);
      return 10 ** (c < 0 ? a + b * score + c * score * score : last + slope * (score - highest));
    },
  };
}

function fitQuadratic(samples: readonly { x: number; y: number }[]): [number, number, number] {
  const power = [0, 0, 0, 0, 0];
  const right = [0, 0, 0];
  for (const { x, y } of samples) {
    for (let p = 0; p <= 4; p++) power[p] = (power[p] as number) + x ** p;
    for (let p = 0; p <= 2; p++) right[p] = (right[p] as number) + y * x ** p;
  }
  const [s0, s1, s2, s3, s4] = power as [number, number, number, number, number];
  const rows = [
    [s0, s1, s2],
    [s1, s2, s3],
    [s2, s3, s4],
  ];
  const whole = determinant(rows);
  const solve = (column: number) =>
    determinant(rows.map((row, r) => row.map((value, c) => (c === column ? (right[r] as number) : value)))) /
    whole;
  return [solve(0), solve(1), solve(2)];
}

function determinant(m: readonly (readonly number[])[]): number {
  const [[a = 0, b = 0, c = 0] = [], [d = 0, e = 0, f = 0] = [], [g = 0, h = 0, i = 0] = []] = m;
  return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
}

function round(score: number): number {
  return Math.round(score * 1e4) / 1e4;
}
