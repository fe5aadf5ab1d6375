import { cohortFile } from '../vision/cohort.ts';
import { type TrainedCohort, trainCohort } from '../vision/cohort-training.ts';
import type { ModelPack } from '../vision/model-pack.ts';
import { parseSearchSpace, project } from '../vision/search-space.ts';
import { variedTemplates } from '../vision/varied-templates.ts';
import { columns, command, JSON_OPTION, print } from './command.ts';
import { tell } from './output.ts';
import { openPack, withPipeline, writePackFile } from './pack-access.ts';

const FILE = 'cohort.bin';
const MIN_IMAGES = 2_000;

export const modelsCohort = command({
  name: 'models cohort',
  summary: 'Compute the cohort that normalises the scores of a model pack, from images of many people.',
  details: [
    'With a cohort, strangers of every group of people match about equally rarely. The cohort holds averages over at ' +
      'least eight people each, and over degraded faces; it holds no template of a person.',
    'Use one image of each of some thousand people, of all ages and origins. Scores change: give the pack a new version, ' +
      'and calibrate it again with `visagectl models calibrate`.',
  ],
  examples: ['models cohort ./faces --pack ./my-pack --write'],
  operands: [
    { name: 'FOLDER', completion: 'folder', about: 'The images, one a person, also in subfolders.' },
  ],
  options: {
    pack: {
      type: 'string',
      value: 'NAME|PATH',
      default: 'yunet',
      about: 'Compute the cohort of this model pack.',
    },
    write: { type: 'boolean', about: 'Write the cohort to the pack, and remove the similarity scale.' },
    ...JSON_OPTION,
  },
  async run({ pack: nameOrPath, write, json }, [folder]) {
    const pack = await openPack(nameOrPath);
    const { images, trained } = await trainOn(pack, folder);
    print(reportOf(trained, images), json, textOf);
    if (!write) return;
    tell`Wrote the cohort to ${await writeCohort(pack, cohortFile(trained.cohort))}. Calibrate the pack before you use it.`;
  },
});

async function trainOn(pack: ModelPack, folder: string) {
  return withPipeline(pack, folder, async (pipeline, executor) => {
    const found = await variedTemplates(pipeline, executor, folder, { degraded: true }, (done, total) => {
      if (done % 500 === 0 || done === total) tell`Embedded ${done} of ${total} images.`;
    });
    const faces = found.flatMap(({ plain }) => plain ?? []);
    if (faces.length < MIN_IMAGES) {
      throw new Error(
        `A cohort needs at least ${MIN_IMAGES} images with a face below ${folder}, got ${faces.length}.`,
      );
    }
    const degraded = found.flatMap((each) => each.degraded ?? []);
    tell`Grouping ${faces.length + degraded.length} templates.`;
    const space = pack.searchSpace && parseSearchSpace(pack.searchSpace);
    const trained = trainCohort(faces, degraded, {
      ...(space && { coordinates: (template: Float32Array) => project(space, template) }),
    });
    return { images: { faces: faces.length, degraded: degraded.length }, trained };
  });
}

interface Report {
  readonly faces: number;
  readonly people: number;
  readonly degradedFaces: number;
  readonly vectors: number;
  readonly vectorsOfFaces: number;
  readonly leastMembers: number;
  readonly bytes: number;
}

function reportOf(
  { cohort, people, faces, leastMembers }: TrainedCohort,
  images: { readonly faces: number; readonly degraded: number },
): Report {
  return {
    faces: images.faces,
    people,
    degradedFaces: images.degraded,
    vectors: cohort.vectors.length,
    vectorsOfFaces: faces,
    leastMembers,
    bytes: cohortFile(cohort).length,
  };
}

function textOf({
  faces,
  people,
  degradedFaces,
  vectors,
  vectorsOfFaces,
  leastMembers,
  bytes,
}: Report): string {
  return columns([
    ['templates', `${faces} of faces (${people} people), ${degradedFaces} of degraded faces`],
    ['vectors', `${vectors}, ${vectorsOfFaces} of them of faces`],
    ['members', `at least ${leastMembers} templates a vector`],
    ['file', `${bytes} bytes`],
  ]);
}

/** Also removes the earlier scores' scale. */
export function writeCohort(pack: ModelPack, content: Uint8Array): Promise<string> {
  return writePackFile(pack, FILE, content, { cohort: { file: FILE }, calibration: undefined });
}
