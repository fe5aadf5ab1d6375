import type { ModelPack } from '../vision/model-pack.ts';
import { searchSpaceFile } from '../vision/search-space.ts';
import {
  type TrainedSearchSpace,
  type TrainingReport,
  trainSearchSpace,
} from '../vision/search-space-training.ts';
import { variedTemplates } from '../vision/varied-templates.ts';
import { columns, command, JSON_OPTION, print } from './command.ts';
import { tell } from './output.ts';
import { openPack, withPipeline, writePackFile } from './pack-access.ts';

const FILE = 'search_space.bin';
const MIN_IMAGES = 2_000;

export const modelsBasis = command({
  name: 'models basis',
  summary: "Compute a model pack's search space from images of many people.",
  details: [
    'The search space makes rows of galleries shorter and large galleries faster to search. Without it, search is exact ' +
      'at every size. Similarity scores and stored templates stay the same.',
    'Use one image of each of some thousand people, of all ages and origins. The command also embeds a degraded copy ' +
      'of each image, so that the templates of unusual faces fit in the space too.',
  ],
  examples: ['models basis ./my-pack --faces ./faces --write'],
  operands: [
    { name: 'PACK', completion: 'folder', about: "The pack's name, or the path of its folder with a slash." },
  ],
  options: {
    faces: {
      type: 'string',
      value: 'FOLDER',
      completion: 'folder',
      required: true,
      about: 'Use the images of this folder and its subfolders.',
    },
    write: {
      type: 'boolean',
      about: 'Write the search space to the pack and list it in the manifest.',
    },
    ...JSON_OPTION,
  },
  async run({ faces, write, json }, [nameOrPath]) {
    const pack = await openPack(nameOrPath);
    const { images, trained } = await trainOn(pack, faces);
    print(reportOf(trained, images), json, textOf);
    if (!write) return;
    tell`Wrote the search space to ${await writeSpace(pack, searchSpaceFile(trained.space))}. Restart the service to use it.`;
  },
});

async function trainOn(pack: ModelPack, folder: string) {
  return withPipeline(pack, folder, async (pipeline, executor) => {
    const found = await variedTemplates(pipeline, executor, folder, { degraded: true }, (done, total) => {
      if (done % 500 === 0 || done === total) tell`Embedded ${done} of ${total} images.`;
    });
    const images = found.filter(({ plain }) => plain);
    if (images.length < MIN_IMAGES) {
      throw new Error(
        `A search space needs at least ${MIN_IMAGES} images with a face below ${folder}, got ${images.length}.`,
      );
    }
    const templates = images.flatMap(({ image, plain, degraded }) => [
      ...(plain ? [{ name: image, template: plain }] : []),
      ...(degraded ? [{ name: `a degraded copy of ${image}`, template: degraded }] : []),
    ]);
    tell`Training on ${templates.length} templates.`;
    const trained = trainSearchSpace(templates.map(({ template }) => template));
    return { images: templates.map(({ name }) => name), trained };
  });
}

interface Report {
  readonly dimension: number;
  readonly rank: number;
  readonly bytesOfCode: number;
  readonly templates: number;
  readonly energy: { readonly mean: number; readonly worst: number; readonly worstImage: string };
  readonly matches: TrainingReport['matches'];
  readonly places: TrainingReport['places'];
}

function reportOf({ space, report }: TrainedSearchSpace, images: readonly string[]): Report {
  const { mean, worst, worstIndex } = report.energy;
  return {
    dimension: space.dimension,
    rank: space.rank,
    bytesOfCode: space.subquantizers / 2,
    templates: images.length,
    energy: { mean, worst, worstImage: images[worstIndex] ?? '' },
    matches: report.matches,
    places: report.places,
  };
}

function textOf({ dimension, rank, bytesOfCode, templates, energy, matches, places }: Report): string {
  const percent = (share: number) => `${(100 * share).toFixed(3)} %`;
  return columns([
    ['templates', `${templates}`],
    ['rank', `${rank} of ${dimension} dimensions`],
    ['code', `${bytesOfCode} bytes a face`],
    ['energy', `${percent(energy.mean)} kept in the mean, ${percent(energy.worst)} of ${energy.worstImage}`],
    [
      'matches',
      `${matches.changed} of ${matches.probes} best matches changed, by a score of ${matches.worstLoss.toFixed(5)} at most`,
    ],
    [
      'codes',
      `rank the best match of ${places.probes} probes at place ${places.worst} or better among ${places.people} made-up people`,
    ],
  ]);
}

export function writeSpace(pack: ModelPack, content: Uint8Array): Promise<string> {
  return writePackFile(pack, FILE, content, { search: { file: FILE } });
}
