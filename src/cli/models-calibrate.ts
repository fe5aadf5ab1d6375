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

/** Makes a pack's similarity scale from pictures that the buyer has. */
export const modelsCalibrate = command({
  name: 'models calibrate',
  summary: "Make a model pack's similarity scale from FOLDER/<person>/<picture>.",
  operands: [{ name: 'FOLDER', completion: 'folder', about: 'a folder for each person, with pictures' }],
  options: {
    pack: { type: 'string', value: 'NAME|PATH', default: 'faceplugin', about: 'the model pack' },
    write: { type: 'boolean', about: "put the scale into the pack's manifest in place of printing it" },
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
      if (done % 500 === 0 || done === total) process.stderr.write(`embedded ${done} of ${total} pictures\n`);
    });
    process.stderr.write('comparing all pairs\n');
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
  process.stderr.write(`Wrote the scale into ${file}. Restart the service to use it.\n`);
}
