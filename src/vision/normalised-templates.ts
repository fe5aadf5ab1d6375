import { openSearchSpace, type Row, type SearchSpace } from '../native/gallery-index.ts';
import { innerProduct, NormalisedTemplate } from './impostors.ts';
import type { LabelledTemplate } from './labelled-templates.ts';
import type { ModelPack } from './model-pack.ts';

/** With the templates that the pack compares. */
export function asServed<Entry extends LabelledTemplate>(
  { searchSpace, cohort, pipeline }: ModelPack,
  entries: readonly Entry[],
): Entry[] {
  const space = openSearchSpace(searchSpace ?? pipeline.embedder.dimension, cohort ?? undefined);
  return entries.map((entry) => ({
    ...entry,
    template: entry.template && normalised(space, entry.template),
  }));
}

export function normalised(space: SearchSpace, template: Float32Array): NormalisedTemplate {
  return templateOfRow(space, space.row(template));
}

function templateOfRow({ rank, isNormalised }: SearchSpace, row: Row): NormalisedTemplate {
  const bytes = Buffer.from(row.buffer, row.byteOffset, row.byteLength);
  const template = new NormalisedTemplate(rank);
  for (let i = 0; i < rank; i++) template[i] = fromHalf(bytes.readUInt16LE(2 * i));
  const length = Math.sqrt(innerProduct(template, template));
  for (let i = 0; i < rank; i++) template[i] = (template[i] as number) / length;
  if (isNormalised) template.offset = bytes.readFloatLE(2 * rank);
  return template;
}

/** IEEE 754 binary16, finite. */
function fromHalf(half: number): number {
  const [exponent, fraction] = [(half >> 10) & 31, half & 1023];
  const magnitude = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
  return half & 0x8000 ? -magnitude : magnitude;
}
