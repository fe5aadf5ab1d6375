import { type Calibration, calibrate } from '../vision/calibration.ts';
import { readGroupedTemplates } from '../vision/grouped-templates.ts';
import { readLabelledTemplates } from '../vision/labelled-templates.ts';
import type { ModelPack } from '../vision/model-pack.ts';
import { asServed } from '../vision/normalised-templates.ts';
import { command } from './command.ts';
import { tell } from './output.ts';
import { changeManifest, openPack, withPipeline } from './pack-access.ts';

export const modelsCalibrate = command({
  name: 'models calibrate',
  summary: "Compute a model pack's similarity scale from FOLDER/<person>/<image>.",
  details: [
    'With --groups, similarities up to 80 hold within each group of adults, and higher ones among all people. Use people ' +
      "that are not in the pack's cohort.",
  ],
  operands: [
    { name: 'FOLDER', completion: 'folder', about: 'A folder with one subfolder of images per person.' },
  ],
  options: {
    pack: { type: 'string', value: 'NAME|PATH', default: 'yunet', about: 'Calibrate this model pack.' },
    groups: {
      type: 'string',
      value: 'FILE',
      completion: 'file',
      about: 'Also use images of different people, labelled in this CSV (file, age, gender, race).',
    },
    write: { type: 'boolean', about: "Write the scale to the pack's manifest instead of printing it." },
  },
  async run(values, [folder]) {
    const pack = await openPack(values.pack);
    const calibration = await calibrateOn(pack, folder, values.groups);
    if (!values.write) {
      process.stdout.write(`${JSON.stringify(calibration, null, 2)}\n`);
      return;
    }
    const file = await changeManifest(pack, () => ({ calibration }));
    tell`Wrote the scale to ${file}. Restart the service to use it.`;
  },
});

async function calibrateOn(
  pack: ModelPack,
  folder: string,
  groups: string | undefined,
): Promise<Calibration> {
  return withPipeline(pack, folder, async (pipeline, executor) => {
    const parallel = 2 * executor.stats().threads;
    const progress = (done: number, total: number) => {
      if (done % 500 === 0 || done === total) tell`Embedded ${done} of ${total} images.`;
    };
    const templates = await readLabelledTemplates(pipeline, folder, parallel, progress);
    const grouped =
      groups === undefined ? [] : await readGroupedTemplates(pipeline, executor, groups, progress);
    tell`Comparing all pairs.`;
    return calibrate(asServed(pack, templates), asServed(pack, grouped));
  });
}
