import { uniforms } from '../src/base/random.ts';
import type { GroupedTemplate } from '../src/vision/calibration.ts';
import { scoreOf } from '../src/vision/impostors.ts';
import type { ModelPack } from '../src/vision/model-pack.ts';
import type { SimilarityScale } from '../src/vision/similarity.ts';

export type AgedTemplate = GroupedTemplate & { readonly age: string };

const SIMILARITIES = [70, 80] as const;
const SAMPLES = 400;
/** 95 %. */
const TAIL = 0.025;

export interface Pairs {
  readonly people: number;
  reaching(score: number): readonly (readonly [number, number])[];
}

export function groupNameOf({ group, age }: AgedTemplate): string {
  return group ?? `age ${age}`;
}

/** Of images that the scale excludes as one person, one counts. */
export function reportGroups(
  templates: readonly AgedTemplate[],
  { excludes }: ModelPack,
  scale: SimilarityScale,
): void {
  if (templates.length === 0) return;
  const found = templates.filter(({ template }) => template);
  const people: AgedTemplate[] = [];
  for (const each of found) {
    if (!people.some(({ person }) => excludes(person, each.person))) people.push(each);
  }
  const groups = new Map<string, AgedTemplate[]>();
  for (const each of people) {
    const name = groupNameOf(each);
    groups.set(name, [...(groups.get(name) ?? []), each]);
  }
  console.log(
    `\nFairFace           ${templates.length} images of ${people.length} people, no face found in ${templates.length - found.length}`,
  );
  console.log('false match rate among strangers of one group (95 % interval)');
  console.log(
    `  ${'group'.padEnd(26)}people   ${SIMILARITIES.map((at) => `at ${at}`.padEnd(34))
      .join('')
      .trimEnd()}`,
  );
  const adults: number[][] = SIMILARITIES.map(() => []);
  for (const [name, members] of [...groups].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const pairs = pairsOf(members, scale.toScore(SIMILARITIES[0]));
    const rates = SIMILARITIES.map((similarity) => rateOf(pairs, scale.toScore(similarity)));
    if (!name.startsWith('age ')) for (const [i, { rate }] of rates.entries()) adults[i]?.push(rate);
    console.log(
      `  ${name.padEnd(26)}${`${members.length}`.padEnd(9)}${rates.map(textOf).join('').trimEnd()}`,
    );
  }
  for (const [name, value] of [
    [
      'mean of the adult groups',
      (rates: number[]) => rates.reduce((sum, rate) => sum + rate, 0) / rates.length,
    ],
    ['worst adult group', (rates: number[]) => Math.max(...rates)],
  ] as const) {
    const values = adults.map((rates) => value(rates).toExponential(1).padEnd(34));
    console.log(`  ${name.padEnd(35)}${values.join('').trimEnd()}`);
  }
}

function pairsOf(members: readonly AgedTemplate[], least: number): Pairs {
  const scored: { readonly pair: readonly [number, number]; readonly score: number }[] = [];
  for (const [i, first] of members.entries()) {
    for (let j = i + 1; j < members.length; j++) {
      const second = members[j] as AgedTemplate;
      const score = scoreOf(first.template as Float32Array, second.template as Float32Array);
      if (score >= least) scored.push({ pair: [i, j], score });
    }
  }
  const reaching = (score: number) => scored.filter((each) => each.score >= score).map(({ pair }) => pair);
  return { people: members.length, reaching };
}

export interface Rate {
  readonly rate: number;
  readonly low: number;
  readonly high: number;
}

/** With a bootstrap over people. */
export function rateOf(pairs: Pairs, score: number): Rate {
  const reaching = pairs.reaching(score);
  const whole = new Float64Array(pairs.people).fill(1);
  const uniform = uniforms(1);
  const sampled = Array.from({ length: SAMPLES }, () => {
    const times = new Float64Array(pairs.people);
    for (let i = 0; i < pairs.people; i++) {
      const at = Math.floor(uniform() * pairs.people);
      times[at] = (times[at] as number) + 1;
    }
    return weighted(reaching, times);
  }).sort((a, b) => a - b);
  const at = (share: number) => sampled[Math.min(SAMPLES - 1, Math.floor(share * SAMPLES))] as number;
  return { rate: weighted(reaching, whole), low: at(TAIL), high: at(1 - TAIL) };
}

/** @param times how often each person counts. */
function weighted(reaching: readonly (readonly [number, number])[], times: Float64Array): number {
  const matched = reaching.reduce((all, [i, j]) => all + (times[i] as number) * (times[j] as number), 0);
  const [total, squares] = times.reduce(([all, own], each) => [all + each, own + each * each], [0, 0]);
  return matched / ((total * total - squares) / 2);
}

export function textOf({ rate, low, high }: Rate): string {
  return `${rate.toExponential(1)} (${low.toExponential(1)} to ${high.toExponential(1)})`.padEnd(34);
}
