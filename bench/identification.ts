/**
 * Open-set identification (ISO/IEC 19795-1): a probe is searched for in a gallery that may or may not hold its person.
 */
import { uniforms } from '../src/base/random.ts';
import { innerProduct, NormalisedTemplate, scoreOf } from '../src/vision/impostors.ts';
import type { LabelledTemplate } from '../src/vision/labelled-templates.ts';

export interface Enrolled {
  readonly person: string;
  readonly templates: readonly Float32Array[];
}

export type Fusion = (probe: Float32Array, enrolled: Enrolled) => number;

export const bestOf: Fusion = (probe, { templates }) =>
  templates.reduce((best, template) => Math.max(best, scoreOf(probe, template)), -1);

export const meanScore: Fusion = (probe, { templates }) =>
  templates.reduce((sum, template) => sum + scoreOf(probe, template), 0) / templates.length;

export function meanTemplate(): Fusion {
  const means = new Map<Enrolled, Float32Array>();
  return (probe, enrolled) => {
    let mean = means.get(enrolled);
    if (!mean) {
      mean = unitMean(enrolled.templates);
      means.set(enrolled, mean);
    }
    return scoreOf(probe, mean);
  };
}

export function asServed(onePerson: number): Fusion {
  const middles = new Map<Enrolled, Float32Array | null>();
  return (probe, enrolled) => {
    let middle = middles.get(enrolled);
    if (middle === undefined) {
      middle = normalizedMean(enrolled.templates, onePerson);
      middles.set(enrolled, middle);
    }
    return middle ? scoreOf(probe, middle) : bestOf(probe, enrolled);
  };
}

/** A probe without a face scores -1 everywhere. */
export interface Searches {
  readonly mated: readonly { readonly score: number; readonly isFirst: boolean }[];
  readonly nonMated: readonly number[];
}

/**
 * @param mated images of enrolled people, other than the enrolled images.
 * @param nonMated each is searched for without its own person.
 * @param isSamePerson names that stand for one person: such an entry is passed over.
 */
export function search(
  gallery: readonly Enrolled[],
  probes: { readonly mated: readonly LabelledTemplate[]; readonly nonMated: readonly LabelledTemplate[] },
  isSamePerson: (first: string, second: string) => boolean,
  fusion: Fusion = bestOf,
): Searches {
  const strangers = ({ person, template }: LabelledTemplate) => {
    let best = -1;
    if (!template) return best;
    for (const enrolled of gallery) {
      if (enrolled.person === person || isSamePerson(enrolled.person, person)) continue;
      best = Math.max(best, fusion(template, enrolled));
    }
    return best;
  };
  const byPerson = new Map(gallery.map((enrolled) => [enrolled.person, enrolled]));
  return {
    mated: probes.mated.map((probe) => {
      const mate = byPerson.get(probe.person);
      if (!mate) throw new Error(`${probe.person} is not enrolled`);
      const score = probe.template ? fusion(probe.template, mate) : -1;
      return { score, isFirst: score > strangers(probe) };
    }),
    nonMated: probes.nonMated.map(strangers),
  };
}

export function rankOne({ mated }: Searches): number {
  return mated.filter(({ isFirst }) => isFirst).length / mated.length;
}

export function identificationThreshold({ nonMated }: Searches, fpir: number): number {
  const sorted = [...nonMated].sort((a, b) => b - a);
  const first = sorted[Math.floor(fpir * sorted.length)];
  return first === undefined ? -1 : first + Number.EPSILON;
}

export function falseNegativeRate({ mated }: Searches, threshold: number): number {
  return mated.filter(({ score, isFirst }) => !isFirst || score < threshold).length / mated.length;
}

export function draw<T>(items: readonly T[], count: number, seed: number): T[] {
  const random = uniforms(seed);
  const pool = [...items];
  for (let i = 0; i < count; i++) {
    const other = i + Math.floor(random() * (pool.length - i));
    [pool[i], pool[other]] = [pool[other] as T, pool[i] as T];
  }
  return pool.slice(0, count);
}

function unitMean(templates: readonly Float32Array[]): Float32Array {
  const sum = new Float32Array(templates[0]?.length ?? 0);
  for (const template of templates) {
    for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (template[i] as number);
  }
  const length = Math.sqrt(innerProduct(sum, sum));
  return withOffset(
    sum.map((value) => value / length),
    templates,
  );
}

function withOffset(mean: Float32Array, templates: readonly Float32Array[]): Float32Array {
  const offsets = templates.map((template) => (template instanceof NormalisedTemplate ? template.offset : 0));
  const result = new NormalisedTemplate(mean);
  result.offset = offsets.reduce((sum, offset) => sum + offset, 0) / offsets.length;
  return result;
}

/**
 * @param templates unit vectors, at least one.
 * @param samePersonScore positive; minimum average of the pairs, and of each template with the others' mean.
 */
function normalizedMean(templates: readonly Float32Array[], samePersonScore: number): Float32Array | null {
  const [first] = templates;
  if (!first || templates.length === 1) return first ?? null;
  const sum = Float32Array.from(first, (_, i) =>
    templates.reduce((total, template) => total + (template[i] ?? 0), 0),
  );
  const square = innerProduct(sum, sum);
  const count = templates.length;
  // The sum's squared length is twice every pair's score, plus 1 per template.
  const meanScore = (square - count) / (count * (count - 1));
  const isOutlier = (template: Float32Array) => {
    const withAll = innerProduct(template, sum);
    const others = Math.sqrt(Math.max(0, square - 2 * withAll + 1));
    return withAll - 1 < samePersonScore * others;
  };
  if (meanScore < samePersonScore || templates.some(isOutlier)) return null;
  return withOffset(
    sum.map((value) => value / Math.sqrt(square)),
    templates,
  );
}
