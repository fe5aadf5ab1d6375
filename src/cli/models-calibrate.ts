import { readFile, rename, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { createExecutor } from '../native/executor.ts';
import { loadPipeline } from '../native/pipeline.ts';
import { EXIT, ExitError } from '../ops/exit-codes.ts';
import { type Calibration, calibrate } from '../vision/calibration.ts';
import { readLabelledTemplates } from '../vision/labelled-templates.ts';
import { type ModelPack, openModelPack } from '../vision/model-pack.ts';
import { command } from './command.ts';
import { tell } from './output.ts';

export const modelsCalibrate = command({
  name: 'models calibrate',
  summary: "Compute a model pack's similarity scale from FOLDER/<person>/<image>.",
  operands: [
    { name: 'FOLDER', completion: 'folder', about: 'A folder with one subfolder of images per person.' },
  ],
  options: {
    pack: { type: 'string', value: 'NAME|PATH', default: 'faceplugin', about: 'Calibrate this model pack.' },
    write: { type: 'boolean', about: "Write the scale to the pack's manifest instead of printing it." },
  },
  async run(values, [folder]) {
    const pack = await openModelPack(values.pack).catch((error: Error) => {
      throw new ExitError(EXIT.config, error.message);
    });
    const calibration = await calibrateOn(pack, folder);
    if (values.write) await writeCalibration(pack, calibration);
    else process.stdout.write(`${JSON.stringify(calibration, null, 2)}\n`);
  },
});

async function calibrateOn(pack: ModelPack, folder: string): Promise<Calibration> {
  const threads = availableParallelism();
  const executor = createExecutor({ threads, maxQueue: 4 * threads });
  try {
    const pipeline = await loadPipeline(executor, pack.pipeline);
    const templates = await readLabelledTemplates(pipeline, folder, 2 * threads, (done, total) => {
      if (done % 500 === 0 || done === total) tell`Embedded ${done} of ${total} images.`;
    });
    tell`Comparing all pairs.`;
    return calibrate(templates);
  } catch (error) {
    throw new ExitError(EXIT.data, error instanceof Error ? error.message : String(error));
  } finally {
    await executor.close();
  }
}

async function writeCalibration(pack: ModelPack, calibration: Calibration): Promise<void> {
  const file = join(pack.folder, 'manifest.json');
  const manifest = { ...JSON.parse(await readFile(file, 'utf8')), calibration };
  await writeFile(`${file}.new`, `${JSON.stringify(manifest, null, 2)}\n`);
  await rename(`${file}.new`, file);
  tell`Wrote the scale to ${file}. Restart the service to use it.`;
}
