/**
 * Derives a `SimilarityScale` from impostor pairs. Lists and excludes mislabelled people and images, which
 * would distort the far tail of false match rates (FMR).
 */
import { type ImpostorPair, ImpostorScores } from './impostors.ts';
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
/** If the fit expects fewer pairs at a pair's score, the pair shows one person. */
const EXPECTED_PAIRS = 0.05;
const FIT_FROM = 1e-2;

export interface ExcludedPeople {
  readonly people: readonly [string, string];
  readonly pairs: number;
  /** Highest of the pairs. */
  readonly score: number;
  readonly pictures: readonly [string, string];
}

export interface Calibration {
  readonly method: string;
  readonly pictures: number;
  readonly people: number;
  readonly impostorPairs: number;
  readonly excluded: readonly ExcludedPeople[];
  /** (score, similarity), both strictly increasing, from (-1, 0) to (1, 100). */
  readonly points: readonly (readonly [number, number])[];
}

/** @throws Error if too few pairs measure an FMR of 1e-4. */
export function calibrate(templates: readonly LabelledTemplate[]): Calibration {
  const found = templates.filter((entry) => entry.template);
  const scores = ImpostorScores.of(found);
  if (scores.pairs < COUNTED_PAIRS / 1e-4) {
    throw new Error(
      `Calibration needs at least ${COUNTED_PAIRS / 1e-4} pairs of images of different people (about 1,500 people), got ${scores.pairs}.`,
    );
  }
  const excluded = excludeSamePeople(scores);
  const tail = fitTail(scores);
  const points: [number, number][] = [[-1, 0]];
  for (const { similarity, rate } of SCALE) {
    const counted = rate * scores.pairs >= COUNTED_PAIRS;
    points.push([round(counted ? scores.scoreAt(rate) : tail.scoreAt(rate)), similarity]);
  }
  points.push([1, 100]);
  for (const [i, point] of points.entries()) {
    if (i > 0 && point[0] <= (points[i - 1]?.[0] ?? 1)) {
      throw new Error(
        'The scores do not increase with similarity: the model pack does not tell these people apart.',
      );
    }
  }
  return {
    method:
      'Scores at each false match rate among all pairs of pictures of different people. A rate that fewer than ' +
      `${COUNTED_PAIRS} pairs reach is extrapolated: log10(FMR) as a quadratic of the score, least squares between FMR ` +
      `${FIT_FROM} and the last rate with ${COUNTED_PAIRS} pairs. The high-scoring pairs of two people are left out where one of them ` +
      `scores so high that this tail expects fewer than ${EXPECTED_PAIRS} such pairs.`,
    pictures: found.length,
    people: new Set(found.map((entry) => entry.person)).size,
    impostorPairs: scores.pairs,
    excluded,
    points,
  };
}

function excludeSamePeople(scores: ImpostorScores): ExcludedPeople[] {
  const excluded: ExcludedPeople[] = [];
  for (;;) {
    const limit = fitTail(scores).scoreAt(EXPECTED_PAIRS / scores.pairs);
    const suspects = new Set(scores.best.filter((pair) => pair.score > limit).map(peopleOf));
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
interface Tail {
  scoreAt(rate: number): number;
}

/** Least squares, evenly spaced in log10(FMR). A normal distribution has a quadratic tail. */
function fitTail(scores: ImpostorScores): Tail {
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
  };
}

/** By the normal equations and Cramer's rule. */
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
