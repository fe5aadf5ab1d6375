import { uniforms } from '../base/random.ts';
import { type Cohort, cohortOf } from './cohort.ts';
import { innerProduct } from './impostors.ts';

/** Minimum of templates that a vector averages, so that it shows no person. */
export const LEAST_MEMBERS = 8;
/** docs/experiments.md compares other numbers. */
const NEAREST = 2;
const WEIGHT = 0.5;
/**
 * Cosine, less half of both means of the 8 best cosines with a first cohort, from which two faces count as one person. It
 * is rarer than 1e-5 among strangers.
 */
const ONE_PERSON = 0.35;
const NEAREST_OF_FIRST = 8;
const ITERATIONS = 15;
/** Iterations in which groups may be small, because they may grow. */
const FREE_ITERATIONS = 11;

export interface TrainedCohort {
  readonly cohort: Cohort;
  readonly people: number;
  readonly faces: number;
  readonly leastMembers: number;
}

/**
 * Spherical k-means (I. Dhillon and D. Modha, Machine Learning 42, 2001), separately for faces and degraded
 * faces. Groups of fewer than `LEAST_MEMBERS` dissolve into the others. Of faces that a first cohort tells to
 * be one person, one counts.
 * @param faces unit vectors, mostly of different people; at least 8 times `LEAST_MEMBERS`.
 * @param degraded unit vectors, or none.
 * @param options `coordinates` projects templates into the pack's search space, for speed.
 */
export function trainCohort(
  faces: readonly Float32Array[],
  degraded: readonly Float32Array[],
  { seed = 1, coordinates = (template: Float32Array) => template } = {},
): TrainedCohort {
  const people = distinct(faces, groupsOf(faces, coordinates, seed), coordinates);
  const ofFaces = groupsOf(people, coordinates, seed);
  const ofDegraded = degraded.length < LEAST_MEMBERS ? [] : groupsOf(degraded, coordinates, seed + 1);
  const groups = [...ofFaces, ...ofDegraded];
  if (groups.length < NEAREST_OF_FIRST) {
    throw new Error(
      `Expected templates for at least ${NEAREST_OF_FIRST} groups of ${LEAST_MEMBERS}, got ${groups.length} groups.`,
    );
  }
  return {
    cohort: cohortOf(
      groups.map(({ centre }) => centre),
      NEAREST,
      WEIGHT,
    ),
    people: people.length,
    faces: ofFaces.length,
    leastMembers: Math.min(...groups.map(({ members }) => members)),
  };
}

interface Group {
  /** Unit vector. */
  readonly centre: Float32Array;
  readonly members: number;
}

type Projection = (template: Float32Array) => Float32Array;

function groupsOf(templates: readonly Float32Array[], coordinates: Projection, seed: number): Group[] {
  const members = templates.map((template) => ({ template, row: coordinates(template) }));
  const uniform = uniforms(seed);
  const count = Math.max(1, Math.floor(templates.length / LEAST_MEMBERS));
  const left = [...templates];
  let groups = Array.from({ length: count }, (): Group => {
    const [centre] = left.splice(Math.floor(uniform() * left.length), 1);
    return { centre: centre as Float32Array, members: 1 };
  });
  for (let iteration = 1; iteration <= ITERATIONS; iteration++) {
    const least = iteration <= FREE_ITERATIONS ? 1 : LEAST_MEMBERS;
    groups = regrouped(members, groups, coordinates).filter((group) => group.members >= least);
  }
  return groups;
}

function distinct(
  faces: readonly Float32Array[],
  groups: readonly Group[],
  coordinates: Projection,
): Float32Array[] {
  const centres = groups.map(({ centre }) => coordinates(centre));
  const kept: { readonly face: Float32Array; readonly row: Float32Array; readonly offset: number }[] = [];
  for (const face of faces) {
    const row = coordinates(face);
    const cosines = Float64Array.from(centres, (centre) => innerProduct(row, centre)).sort();
    const nearest = cosines.subarray(-NEAREST_OF_FIRST);
    const offset = nearest.reduce((sum, cosine) => sum + cosine, 0) / (2 * nearest.length);
    const isKnown = kept.some((other) => innerProduct(row, other.row) - offset - other.offset > ONE_PERSON);
    if (!isKnown) kept.push({ face, row, offset });
  }
  return kept.map(({ face }) => face);
}

function regrouped(
  templates: readonly { readonly template: Float32Array; readonly row: Float32Array }[],
  groups: readonly Group[],
  coordinates: Projection,
): Group[] {
  const centres = groups.map(({ centre }) => coordinates(centre));
  const sums = groups.map(({ centre }) => new Float64Array(centre.length));
  const members = groups.map(() => 0);
  for (const { template, row } of templates) {
    let best = 0;
    let highest = Number.NEGATIVE_INFINITY;
    for (const [i, centre] of centres.entries()) {
      const cosine = innerProduct(row, centre);
      if (cosine > highest) [best, highest] = [i, cosine];
    }
    members[best] = (members[best] as number) + 1;
    const sum = sums[best] as Float64Array;
    for (const [i, value] of template.entries()) sum[i] = (sum[i] as number) + value;
  }
  return sums.map((sum, i) => {
    const length = Math.hypot(...sum);
    return { centre: Float32Array.from(sum, (value) => value / length), members: members[i] as number };
  });
}
