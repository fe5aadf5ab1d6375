/**
 * False match rates among the people that a pack's cohort was made of, and others: a cohort that was made without both
 * normalises each pair. Smaller cohorts have smaller offsets, so offsets are raised by the mean difference that this makes
 * for people of the same group outside all cohorts.
 */
import { uniforms } from '../src/base/random.ts';
import { openSearchSpace } from '../src/native/gallery-index.ts';
import { fitTail } from '../src/vision/calibration.ts';
import { cohortFile } from '../src/vision/cohort.ts';
import { trainCohort } from '../src/vision/cohort-training.ts';
import { ImpostorScores, innerProduct, type NormalisedTemplate } from '../src/vision/impostors.ts';
import type { ModelPack } from '../src/vision/model-pack.ts';
import { normalised } from '../src/vision/normalised-templates.ts';
import type { SimilarityScale } from '../src/vision/similarity.ts';
import { type AgedTemplate, groupNameOf, rateOf, textOf } from './groups.ts';

const PARTS = 5;
/** Images of this similarity show one person, directly or through other images: FairFace shows some people many times. */
const ONE_PERSON = 95;
/** Below the score of a false match rate of 1e-2, from which tails are fitted. */
const LEAST_SIMILARITY = 55;
const SIMILARITIES = [70, 80] as const;
const RARE = [80, 90, 95] as const;

interface Person {
  readonly group: string;
  readonly coordinates: NormalisedTemplate;
  /** Null: not in the pack's cohort. */
  readonly part: number | null;
  /** By the cohort without the person's own part and this one. */
  readonly offsets: Float64Array;
}

interface ScoredPairs {
  readonly first: number[];
  readonly second: number[];
  readonly scores: number[];
}

/** @param trained images of the people in the pack's cohort. @param others of different people. Whole templates. */
export function reportCrossFitted(
  trained: readonly AgedTemplate[],
  others: readonly AgedTemplate[],
  pack: ModelPack,
  scale: SimilarityScale,
): void {
  const images = peopleOf(trained, others, pack);
  const found = pairsAbove(images, scale.toScore(LEAST_SIMILARITY));
  const isCounted = onePersonEach(images.length, found, scale.toScore(ONE_PERSON));
  const people = images.filter((_, i) => isCounted[i]).length;
  console.log(
    `\nand the people of the cohort: ${images.length} images of ${people} people; ${PARTS} parts, each pair normalised by a cohort without both`,
  );
  console.log(
    `  ${'group'.padEnd(26)}people   ${SIMILARITIES.map((at) => `at ${at}`.padEnd(34)).join('')}at 80, tail`,
  );
  const rows: number[][] = [];
  for (const name of [...new Set(images.map(({ group }) => group))].sort()) {
    const members = images.flatMap((image, i) => (image.group === name && isCounted[i] ? [i] : []));
    const placeOf = new Map(members.map((image, place) => [image, place]));
    const scored = found.scores.flatMap((score, p) => {
      const [a, b] = [placeOf.get(found.first[p] as number), placeOf.get(found.second[p] as number)];
      return a === undefined || b === undefined ? [] : [{ pair: [a, b] as const, score }];
    });
    const pairs = (members.length * (members.length - 1)) / 2;
    const tail = fitTail(
      ImpostorScores.ofBest(
        scored.map(({ score }) => score),
        pairs,
      ),
    );
    const rates = SIMILARITIES.map((similarity) =>
      rateOf(
        {
          people: members.length,
          reaching: (score) => scored.filter((each) => each.score >= score).map(({ pair }) => pair),
        },
        scale.toScore(similarity),
      ),
    );
    const extrapolated = tail.rateAt(scale.toScore(80));
    if (!name.startsWith('age ')) rows.push([...rates.map(({ rate }) => rate), extrapolated]);
    console.log(
      `  ${name.padEnd(26)}${`${members.length}`.padEnd(9)}${rates.map(textOf).join('')}${extrapolated.toExponential(1)}`,
    );
  }
  for (const [name, value] of [
    [
      'mean of the adult groups',
      (rates: number[]) => rates.reduce((sum, rate) => sum + rate, 0) / rates.length,
    ],
    ['worst adult group', (rates: number[]) => Math.max(...rates)],
    ['best adult group', (rates: number[]) => Math.min(...rates)],
  ] as const) {
    const cells = [0, 1, 2].map((column) =>
      value(rows.map((row) => row[column] as number))
        .toExponential(1)
        .padEnd(34),
    );
    console.log(`  ${name.padEnd(35)}${cells.join('').trimEnd()}`);
  }
  reportAll(found, isCounted, people, scale);
}

function reportAll(
  { first, second, scores }: ScoredPairs,
  isCounted: readonly boolean[],
  people: number,
  scale: SimilarityScale,
): void {
  const pairs = (people * (people - 1)) / 2;
  const counted = scores.filter((_, p) => isCounted[first[p] as number] && isCounted[second[p] as number]);
  const impostors = ImpostorScores.ofBest(counted, pairs);
  const tail = fitTail(impostors);
  console.log(`false match rate among all of them, ${pairs} pairs`);
  for (const similarity of RARE) {
    const score = scale.toScore(similarity);
    const cells = [impostors.falseMatchRate(score), tail.rateAt(score)].map((rate) => rate.toExponential(1));
    console.log(`${`  at ${similarity}`.padEnd(37)}${cells[0]} counted, ${cells[1]} by the tail`);
  }
}

function peopleOf(
  trained: readonly AgedTemplate[],
  others: readonly AgedTemplate[],
  pack: ModelPack,
): Person[] {
  const dimension = pack.searchSpace ?? pack.pipeline.embedder.dimension;
  const shipped = openSearchSpace(dimension, pack.cohort ?? undefined);
  const uniform = uniforms(1);
  const person = (each: AgedTemplate, part: number | null) =>
    each.template
      ? [
          {
            template: each.template,
            group: groupNameOf(each),
            coordinates: normalised(shipped, each.template),
            part,
            offsets: new Float64Array(PARTS),
          },
        ]
      : [];
  const own = trained.flatMap((each) => person(each, Math.floor(PARTS * uniform())));
  const outside = others.flatMap((each) => person(each, null));
  const coordinates = new Map([...own, ...outside].map((each) => [each.template, each.coordinates]));
  const missing = new Map<string, number>();
  for (let a = 0; a < PARTS; a++) {
    for (let b = a + 1; b < PARTS; b++) {
      const rest = own.filter(({ part }) => part !== a && part !== b).map(({ template }) => template);
      const { cohort } = trainCohort(rest, [], {
        coordinates: (template) => coordinates.get(template) ?? template.subarray(0, shipped.rank),
      });
      const space = openSearchSpace(dimension, cohortFile(cohort));
      for (const each of own) {
        if (each.part === a) each.offsets[b] = normalised(space, each.template).offset;
        if (each.part === b) each.offsets[a] = normalised(space, each.template).offset;
      }
      const isNext = (b - a) % PARTS === 1 || (a - b + PARTS) % PARTS === 1;
      for (const each of outside) {
        const { offset } = normalised(space, each.template);
        missing.set(each.group, (missing.get(each.group) ?? 0) + each.coordinates.offset - offset);
        if (isNext) each.offsets[(b - a) % PARTS === 1 ? a : b] = offset;
      }
      console.error(`made the cohort without parts ${a + 1} and ${b + 1}`);
    }
  }
  for (const each of own) {
    const { part } = each;
    each.offsets[part as number] = each.offsets[((part as number) + 1) % PARTS] as number;
  }
  const cohorts = (PARTS * (PARTS - 1)) / 2;
  for (const { group, offsets } of [...own, ...outside]) {
    const members = outside.filter((each) => each.group === group).length;
    const difference = (missing.get(group) ?? 0) / Math.max(1, cohorts * members);
    for (let part = 0; part < PARTS; part++) offsets[part] = (offsets[part] as number) + difference;
  }
  return [...own, ...outside];
}

function pairsAbove(people: readonly Person[], least: number): ScoredPairs {
  const found: ScoredPairs = { first: [], second: [], scores: [] };
  for (const [i, one] of people.entries()) {
    for (let j = i + 1; j < people.length; j++) {
      const other = people[j] as Person;
      const score =
        innerProduct(one.coordinates, other.coordinates) - offsetOf(one, other) - offsetOf(other, one);
      if (score < least) continue;
      found.first.push(i);
      found.second.push(j);
      found.scores.push(score);
    }
  }
  return found;
}

function offsetOf(one: Person, other: Person): number {
  const part = other.part ?? one.part;
  return part === null ? one.coordinates.offset : (one.offsets[part] as number);
}

/** Whether an image is the first of its person. */
function onePersonEach(images: number, { first, second, scores }: ScoredPairs, least: number): boolean[] {
  const firstOf = Array.from({ length: images }, (_, i) => i);
  const rootOf = (image: number): number => {
    let root = image;
    while (firstOf[root] !== root) root = firstOf[root] as number;
    return root;
  };
  for (const [p, score] of scores.entries()) {
    if (score < least) continue;
    const [a, b] = [rootOf(first[p] as number), rootOf(second[p] as number)];
    firstOf[Math.max(a, b)] = Math.min(a, b);
  }
  return firstOf.map((root, image) => root === image);
}
