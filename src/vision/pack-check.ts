/** What can be wrong with a model pack that somebody brings, said in the order in which it is mended. */
import type { Executor } from '../native/executor.ts';
import { loadPipeline, type Pipeline } from '../native/pipeline.ts';
import type { PipelineOptions } from '../native/pipeline-options.ts';
import { ImpostorScores, innerProduct } from './impostors.ts';
import {
  type LabelledPicture,
  type LabelledTemplate,
  labelledPictures,
  labelledTemplates,
} from './labelled-templates.ts';
import { checkFile, type ModelPack, openModelPack, packFolder, readManifest } from './model-pack.ts';
import { selfInference } from './self-inference.ts';

/** One thing that was looked at. */
export interface Finding {
  /** A `problem` keeps the pack from working as it should; a `note` is for the operator to judge. */
  readonly kind: 'ok' | 'note' | 'problem';
  readonly subject: 'manifest' | 'files' | 'networks' | 'detector' | 'embedder' | 'scale';
  readonly text: string;
}

/** People looked at, two pictures of each: enough to see what is wrong, quick enough to try again. */
const PEOPLE = 200;
const LEAST_PEOPLE = 20;
/** Share of pictures with a face below which the detector is taken to be described wrongly. */
const LEAST_FOUND = 0.9;
/** d' (mean difference of mated and non-mated scores, over their deviation) below which people are not told apart. */
const LEAST_SEPARATION = 3;
/** How much better another description must be to be taken for the right one. */
const BETTER = 1.05;
/** A false match rate may be this many times what the scale claims before it is called wrong. */
const RATE_FACTOR = 3;
/** Non-mated pairs below which a rate of 1e-3 cannot be judged. */
const LEAST_PAIRS = 10_000;

/**
 * Reads a pack, loads its networks and runs them. With `pictures`, `<pictures>/<person>/<picture>`, it also looks at
 * whether faces are found, people told apart, and the similarity scale meets what it claims.
 * @param nameOrPath as `openModelPack` takes it.
 * @param tell called with each finding as it is made. Nothing after a problem that makes the rest pointless.
 */
export async function checkPack(
  nameOrPath: string,
  pictures: string | undefined,
  executor: Executor,
  tell: (finding: Finding) => void,
): Promise<void> {
  const pack = await openChecked(nameOrPath, tell);
  if (!pack) return;
  let pipeline: Pipeline;
  try {
    pipeline = await loadPipeline(executor, pack.pipeline);
    await selfInference(pipeline);
  } catch (error) {
    tell({ kind: 'problem', subject: 'networks', text: (error as Error).message });
    return;
  }
  tell({ kind: 'ok', subject: 'networks', text: 'load, have the shapes that their decoders need, and run' });
  if (!pack.similarity) {
    tell({
      kind: 'problem',
      subject: 'scale',
      text: 'is missing: make it with `visagectl models calibrate FOLDER --pack PACK --write`',
    });
  }
  if (pictures === undefined) {
    const text = 'was not run on a face: give --pictures FOLDER to see whether it tells people apart';
    tell({ kind: 'note', subject: 'embedder', text });
    return;
  }
  await checkOnPictures(pack, pipeline, pictures, executor, tell);
}

async function openChecked(nameOrPath: string, tell: (finding: Finding) => void): Promise<ModelPack | null> {
  const folder = packFolder(nameOrPath);
  try {
    const { name, version, files } = await readManifest(folder, nameOrPath);
    tell({ kind: 'ok', subject: 'manifest', text: `${name}, version ${version}` });
    const results = await Promise.allSettled(files.map((file) => checkFile(folder, file)));
    const failures = results.filter((result) => result.status === 'rejected');
    for (const { reason } of failures) tell({ kind: 'problem', subject: 'files', text: reason.message });
    if (failures.length > 0) return null;
    tell({ kind: 'ok', subject: 'files', text: `${files.length}, of the sizes and SHA-256 that are listed` });
    return await openModelPack(nameOrPath);
  } catch (error) {
    tell({ kind: 'problem', subject: 'manifest', text: (error as Error).message });
    return null;
  }
}

async function checkOnPictures(
  pack: ModelPack,
  pipeline: Pipeline,
  folder: string,
  executor: Executor,
  tell: (finding: Finding) => void,
): Promise<void> {
  const chosen = twoOfEach(await labelledPictures(folder));
  if (chosen.length < 2 * LEAST_PEOPLE) {
    const text = `needs at least ${LEAST_PEOPLE} people with two pictures each, as ${folder}/<person>/<picture>, and there are ${chosen.length / 2}`;
    tell({ kind: 'problem', subject: 'embedder', text });
    return;
  }
  const parallel = 2 * executor.stats().threads;
  const templates = await labelledTemplates(pipeline, folder, chosen, parallel);
  const found = templates.filter(({ template }) => template).length / templates.length;
  const findsFaces = found >= LEAST_FOUND;
  tell({
    kind: findsFaces ? 'ok' : 'problem',
    subject: 'detector',
    text:
      `finds a face in ${percent(found)} of ${templates.length} pictures` +
      (findsFaces ? '' : ': are its channels, mean, scale and least score those that it was trained with?'),
  });

  const apart = separation(templates);
  const swapped = await withSwappedChannels(pack.pipeline, executor);
  const other = swapped && separation(await labelledTemplates(swapped.pipeline, folder, chosen, parallel));
  if (swapped && other && other >= LEAST_SEPARATION && other > BETTER * apart) {
    const text = `tells people apart better with its channels as ${swapped.channels} (d' ${other.toFixed(1)} against ${apart.toFixed(1)}): is their order right?`;
    tell({ kind: 'problem', subject: 'embedder', text });
  } else if (!(apart >= LEAST_SEPARATION)) {
    const text = `does not tell people apart (d' ${apart.toFixed(1)}): are its alignment, channels, mean and scale those that it was trained with?`;
    tell({ kind: 'problem', subject: 'embedder', text });
  } else {
    tell({ kind: 'ok', subject: 'embedder', text: `tells people apart: d' ${apart.toFixed(1)}` });
  }
  if (pack.similarity) tell(scaleFinding(templates, pack.similarity.toScore(70)));
}

/** The first two pictures of each of the first people who have two. */
function twoOfEach(pictures: readonly LabelledPicture[]): LabelledPicture[] {
  const pairs = pictures.flatMap((first, i) => {
    const second = pictures[i + 1];
    const isFirst = pictures[i - 1]?.person !== first.person;
    return isFirst && second?.person === first.person ? [[first, second]] : [];
  });
  return pairs.slice(0, PEOPLE).flat();
}

/**
 * d', the sensitivity index of signal detection theory, between the scores of a person's two pictures and those of
 * neighbouring people. NaN where too few faces were found.
 */
function separation(templates: readonly LabelledTemplate[]): number {
  const mated: number[] = [];
  const nonMated: number[] = [];
  for (let i = 0; i + 1 < templates.length; i++) {
    const [a, b] = [templates[i], templates[i + 1]] as [LabelledTemplate, LabelledTemplate];
    if (!a.template || !b.template) continue;
    (a.person === b.person ? mated : nonMated).push(innerProduct(a.template, b.template));
  }
  const [same, different] = [momentsOf(mated), momentsOf(nonMated)];
  return (same.mean - different.mean) / Math.sqrt((same.variance + different.variance) / 2);
}

function momentsOf(values: readonly number[]): { mean: number; variance: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, variance: values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length };
}

async function withSwappedChannels({ embedder, ...stages }: PipelineOptions, executor: Executor) {
  const { channels } = embedder.input;
  if (channels === 'GREY') return null;
  const other = channels === 'RGB' ? ('BGR' as const) : ('RGB' as const);
  const changed = { ...stages, embedder: { ...embedder, input: { ...embedder.input, channels: other } } };
  return { channels: other, pipeline: await loadPipeline(executor, changed) };
}

function scaleFinding(templates: readonly LabelledTemplate[], score: number): Finding {
  const impostors = ImpostorScores.of(templates);
  const rate = impostors.falseMatchRate(score);
  const met = `similarity 70 claims a false match rate of 1e-3 and meets ${rate.toExponential(1)} in ${impostors.pairs} pairs`;
  if (impostors.pairs < LEAST_PAIRS) {
    const text = `cannot be judged by ${impostors.pairs} pairs of pictures of different people: bring more people`;
    return { kind: 'note', subject: 'scale', text };
  }
  if (rate <= RATE_FACTOR * 1e-3) return { kind: 'ok', subject: 'scale', text: met };
  const text = `${met}: calibrate it on pictures like yours, with \`visagectl models calibrate\``;
  return { kind: 'problem', subject: 'scale', text };
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
