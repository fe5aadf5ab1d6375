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

interface Pairs {
  readonly people: number;
  reaching(score: number): readonly (readonly [number, number])[];
  readonly excluded: readonly (readonly [number, number])[];
}

export function reportGroups(
  templates: readonly AgedTemplate[],
  { excludes }: ModelPack,
  scale: SimilarityScale,
): void {
  if (templates.length === 0) return;
  const found = templates.filter(({ template }) => template);
  const groups = new Map<string, AgedTemplate[]>();
  for (const each of found) {
    const name = each.group ?? `age ${each.age}`;
    groups.set(name, [...(groups.get(name) ?? []), each]);
  }
  console.log(
    `\nFairFace           ${templates.length} people, no face found in ${templates.length - found.length}`,
  );
  console.log('false match rate among strangers of one group (95 % interval)');
  console.log(
    `  ${'group'.padEnd(26)}people   ${SIMILARITIES.map((at) => `at ${at}`.padEnd(34))
      .join('')
      .trimEnd()}`,
  );
  const adults: number[][] = SIMILARITIES.map(() => []);
  for (const [name, members] of [...groups].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const pairs = pairsOf(members, excludes, scale.toScore(SIMILARITIES[0]));
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

function pairsOf(members: readonly AgedTemplate[], excludes: ModelPack['excludes'], least: number): Pairs {
  const scored: { readonly pair: readonly [number, number]; readonly score: number }[] = [];
  const excluded: [number, number][] = [];
  for (const [i, first] of members.entries()) {
    for (let j = i + 1; j < members.length; j++) {
      const second = members[j] as AgedTemplate;
      if (excludes(first.person, second.person)) {
        excluded.push([i, j]);
        continue;
      }
      const score = scoreOf(first.template as Float32Array, second.template as Float32Array);
      if (score >= least) scored.push({ pair: [i, j], score });
    }
  }
  const reaching = (score: number) => scored.filter((each) => each.score >= score).map(({ pair }) => pair);
  return { people: members.length, reaching, excluded };
}

interface Rate {
  readonly rate: number;
  readonly low: number;
  readonly high: number;
}

function rateOf(pairs: Pairs, score: number): Rate {
  const reaching = pairs.reaching(score);
  const whole = new Float64Array(pairs.people).fill(1);
  const uniform = uniforms(1);
  const sampled = Array.from({ length: SAMPLES }, () => {
    const times = new Float64Array(pairs.people);
    for (let i = 0; i < pairs.people; i++) {
      const at = Math.floor(uniform() * pairs.people);
      times[at] = (times[at] as number) + 1;
    }
    return weighted(pairs, reaching, times);
  }).sort((a, b) => a - b);
  const at = (share: number) => sampled[Math.min(SAMPLES - 1, Math.floor(share * SAMPLES))] as number;
  return { rate: weighted(pairs, reaching, whole), low: at(TAIL), high: at(1 - TAIL) };
}

/** @param times how often each person counts. */
function weighted(
  { excluded }: Pairs,
  reaching: readonly (readonly [number, number])[],
  times: Float64Array,
): number {
  const of = ([i, j]: readonly [number, number]) => (times[i] as number) * (times[j] as number);
  const sum = (pairs: readonly (readonly [number, number])[]) =>
    pairs.reduce((all, pair) => all + of(pair), 0);
  const [total, squares] = times.reduce(([all, own], each) => [all + each, own + each * each], [0, 0]);
  return sum(reaching) / ((total * total - squares) / 2 - sum(excluded));
}

function textOf({ rate, low, high }: Rate): string {
  return `${rate.toExponential(1)} (${low.toExponential(1)} to ${high.toExponential(1)})`.padEnd(34);
}
