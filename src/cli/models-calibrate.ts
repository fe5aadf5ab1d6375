import { type Calibration, calibrate } from '../vision/calibration.ts';
import { readLabelledTemplates } from '../vision/labelled-templates.ts';
import type { ModelPack } from '../vision/model-pack.ts';
import { command } from './command.ts';
import { tell } from './output.ts';
import { changeManifest, openPack, withPipeline } from './pack-access.ts';

export const modelsCalibrate = command({
  name: 'models calibrate',
  summary: "Compute a model pack's similarity scale from FOLDER/<person>/<image>.",
  operands: [
    { name: 'FOLDER', completion: 'folder', about: 'A folder with one subfolder of images per person.' },
  ],
  options: {
    pack: { type: 'string', value: 'NAME|PATH', default: 'yunet', about: 'Calibrate this model pack.' },
    write: { type: 'boolean', about: "Write the scale to the pack's manifest instead of printing it." },
  },
  async run(values, [folder]) {
    const pack = await openPack(values.pack);
    const calibration = await calibrateOn(pack, folder);
    if (!values.write) {
      process.stdout.write(`${JSON.stringify(calibration, null, 2)}\n`);
      return;
    }
    const file = await changeManifest(pack, () => ({ calibration }));
    tell`Wrote the scale to ${file}. Restart the service to use it.`;
  },
});

async function calibrateOn(pack: ModelPack, folder: string): Promise<Calibration> {
  return withPipeline(pack, async (pipeline, executor) => {
    const parallel = 2 * executor.stats().threads;
    const templates = await readLabelledTemplates(pipeline, folder, parallel, (done, total) => {
      if (done % 500 === 0 || done === total) tell`Embedded ${done} of ${total} images.`;
    });
    tell`Comparing all pairs.`;
    return calibrate(templates);
  });
}
