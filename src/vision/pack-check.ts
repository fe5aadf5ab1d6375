/** Reports problems in the order of fixing them. */
import type { Executor } from '../native/executor.ts';
import { loadPipeline, type Pipeline } from '../native/pipeline.ts';
import type { PipelineOptions } from '../native/pipeline-options.ts';
import { parseCohort } from './cohort.ts';
import { ImpostorScores, innerProduct } from './impostors.ts';
import {
  type LabelledImage,
  type LabelledTemplate,
  labelledImages,
  labelledTemplates,
} from './labelled-templates.ts';
import { checkFile, type ModelPack, openModelPack, packFolder, readManifest } from './model-pack.ts';
import { asServed } from './normalised-templates.ts';
import { ENERGY_KEPT, energyKept, parseSearchSpace, type SearchSpace } from './search-space.ts';
import { selfInference } from './self-inference.ts';

export interface Finding {
  readonly kind: 'ok' | 'note' | 'problem';
  readonly subject:
    | 'manifest'
    | 'files'
    | 'networks'
    | 'detector'
    | 'embedder'
    | 'scale'
    | 'search'
    | 'cohort';
  readonly text: string;
}

const PEOPLE = 200;
const MIN_PEOPLE = 20;
const MIN_DETECTION_RATE = 0.9;
const MIN_D_PRIME = 3;
const SWAP_GAIN = 1.05;
const RATE_FACTOR = 3;
/** Non-mated pairs needed to judge a rate of 1e-3. */
const MIN_PAIRS = 10_000;

/**
 * With `images` (`<person>/<image>`), also tests detection, separation and scale.
 * @param tell receives findings, up to the first fatal problem.
 */
export async function checkPack(
  nameOrPath: string,
  images: string | undefined,
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
  tell({ kind: 'ok', subject: 'networks', text: 'load, have the expected shapes, and run' });
  if (!pack.similarity) {
    tell({
      kind: 'problem',
      subject: 'scale',
      text: 'is missing: create it with `visagectl models calibrate FOLDER --pack PACK --write`',
    });
  }
  const space = pack.searchSpace && parseSearchSpace(pack.searchSpace);
  tell(spaceFinding(space));
  tell(cohortFinding(pack));
  if (images === undefined) {
    const text = 'was not tested on faces: pass --pictures FOLDER to check whether it tells people apart';
    tell({ kind: 'note', subject: 'embedder', text });
    return;
  }
  await checkOnImages(pack, space, pipeline, images, executor, tell);
}

function spaceFinding(space: SearchSpace | null): Finding {
  if (!space) {
    const text =
      'has no search space, so search is exact at every size: create one with `visagectl models basis PACK --faces FOLDER --write`';
    return { kind: 'note', subject: 'search', text };
  }
  const text = `${space.rank} of ${space.dimension} dimensions, ${space.subquantizers} codes of 4 bits`;
  return { kind: 'ok', subject: 'search', text };
}

function cohortFinding({ cohort }: ModelPack): Finding {
  if (cohort) {
    const { vectors, nearest } = parseCohort(cohort);
    const text = `${vectors.length} averages over people normalise scores, the nearest ${nearest} each face's`;
    return { kind: 'ok', subject: 'cohort', text };
  }
  const text =
    'has no cohort, so strangers of some groups match far more often than others: create one with `visagectl models cohort FOLDER --pack PACK --write`';
  return { kind: 'note', subject: 'cohort', text };
}

function energyFinding(space: SearchSpace, templates: readonly LabelledTemplate[]): Finding {
  const energies = templates.flatMap(({ template }) => (template ? [energyKept(space, template)] : []));
  const worst = Math.min(...energies);
  const mean = energies.reduce((sum, energy) => sum + energy, 0) / energies.length;
  const text = `rows keep ${percentOfEnergy(mean)} of a template's energy in the mean, ${percentOfEnergy(worst)} at worst`;
  if (worst >= ENERGY_KEPT) return { kind: 'ok', subject: 'search', text };
  const expected = `expected at least ${percentOfEnergy(ENERGY_KEPT)}: make the search space of images like yours, with \`visagectl models basis\``;
  return { kind: mean < ENERGY_KEPT ? 'problem' : 'note', subject: 'search', text: `${text}, ${expected}` };
}

function percentOfEnergy(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
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
    tell({ kind: 'ok', subject: 'files', text: `${files.length} match their size and SHA-256` });
    return await openModelPack(nameOrPath);
  } catch (error) {
    tell({ kind: 'problem', subject: 'manifest', text: (error as Error).message });
    return null;
  }
}

async function checkOnImages(
  pack: ModelPack,
  space: SearchSpace | null,
  pipeline: Pipeline,
  folder: string,
  executor: Executor,
  tell: (finding: Finding) => void,
): Promise<void> {
  const chosen = twoOfEach(await labelledImages(folder));
  if (chosen.length < 2 * MIN_PEOPLE) {
    const text = `needs at least ${MIN_PEOPLE} people with two images each in ${folder}/<person>/<image>, got ${chosen.length / 2}`;
    tell({ kind: 'problem', subject: 'embedder', text });
    return;
  }
  const parallel = 2 * executor.stats().threads;
  const templates = await labelledTemplates(pipeline, folder, chosen, parallel);
  const found = templates.filter(({ template }) => template).length / templates.length;
  const findsFaces = found >= MIN_DETECTION_RATE;
  tell({
    kind: findsFaces ? 'ok' : 'problem',
    subject: 'detector',
    text:
      `finds a face in ${percent(found)} of ${templates.length} images` +
      (findsFaces ? '' : ': check that channels, mean, scale and scoreThreshold match its training'),
  });

  const apart = separation(templates);
  const swapped = await withSwappedChannels(pack.pipeline, executor);
  const other = swapped && separation(await labelledTemplates(swapped.pipeline, folder, chosen, parallel));
  if (swapped && other && other >= MIN_D_PRIME && other > SWAP_GAIN * apart) {
    const text = `tells people apart better with its channels as ${swapped.channels} (d' ${other.toFixed(1)} against ${apart.toFixed(1)}): check their order`;
    tell({ kind: 'problem', subject: 'embedder', text });
  } else if (!(apart >= MIN_D_PRIME)) {
    const text = `does not tell people apart (d' ${apart.toFixed(1)}): check that alignment, channels, mean and scale match its training`;
    tell({ kind: 'problem', subject: 'embedder', text });
  } else {
    tell({ kind: 'ok', subject: 'embedder', text: `tells people apart: d' ${apart.toFixed(1)}` });
  }
  if (space && found > 0) tell(energyFinding(space, templates));
  if (pack.similarity) tell(scaleFinding(asServed(pack, templates), pack.similarity.toScore(70)));
}

function twoOfEach(images: readonly LabelledImage[]): LabelledImage[] {
  const pairs = images.flatMap((first, i) => {
    const second = images[i + 1];
    const isFirst = images[i - 1]?.person !== first.person;
    return isFirst && second?.person === first.person ? [[first, second]] : [];
  });
  return pairs.slice(0, PEOPLE).flat();
}

/** Sensitivity index d' of mated and non-mated scores; NaN with too few faces. */
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
  const met = `similarity 70 stands for a false match rate of 1e-3, and ${impostors.pairs} pairs show ${rate.toExponential(1)}`;
  if (impostors.pairs < MIN_PAIRS) {
    const text = `needs at least ${MIN_PAIRS} pairs of images of different people, got ${impostors.pairs}: add people`;
    return { kind: 'note', subject: 'scale', text };
  }
  if (rate <= RATE_FACTOR * 1e-3) return { kind: 'ok', subject: 'scale', text: met };
  const text = `${met}: calibrate it on images like yours, with \`visagectl models calibrate\``;
  return { kind: 'problem', subject: 'scale', text };
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
