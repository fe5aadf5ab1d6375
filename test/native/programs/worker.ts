import { parentPort, workerData } from 'node:worker_threads';
import { createExecutor } from '../../../src/native/executor.ts';
import { openPipeline } from '../../../testing/faces.ts';
import { photograph } from '../../../testing/photographs.ts';

const pipeline = await openPipeline(createExecutor({ threads: 2, maxQueue: 64 }));
const analyses = Array.from({ length: 3 }, () =>
  pipeline.analyze(photograph(workerData as number), 'binary'),
);
const [first] = await Promise.all(analyses);
parentPort?.postMessage(first?.faces.length);
