/**
 * `node server.js NAME`: one recogniser behind a minimal HTTP server. Prints its port.
 *
 * `POST /` takes a JPEG and answers with the length of its template. `POST /run?clients=N&seconds=S` makes
 * templates of the sample photographs, and answers with images a second.
 */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { availableParallelism } from 'node:os';
import { buffer } from 'node:stream/consumers';
import { createExecutor } from '../../src/native/executor.ts';
import { createLog } from '../../src/ops/log.ts';
import { openModelPack } from '../../src/vision/model-pack.ts';
import { Recognizer } from '../../src/vision/recognizer.ts';
import { DEFAULT_PACK } from '../as-served.ts';
import { peerRequire } from '../peer-packages.ts';
import { pictures } from './pictures.ts';
import { plain } from './plain.ts';
import { rateOf } from './rate.ts';
import type { Recogniser } from './recogniser.ts';
import { faceApi, human } from './tensorflow.ts';

const RECOGNISERS: Readonly<Record<string, (argument: string) => Promise<Recogniser>>> = {
  addon,
  'face-api': () => faceApi(peerRequire()),
  human: () => human(peerRequire()),
  plain: (runs) => {
    const [landmarks = 1, embedder = 1] = runs.split(',').map(Number);
    return plain({ landmarks, embedder });
  },
};

async function addon(folder: string): Promise<Recogniser> {
  const executor = createExecutor({ threads: availableParallelism(), maxQueue: 64 });
  const pack = await openModelPack(DEFAULT_PACK);
  const recognizer = await Recognizer.load(pack, executor, { folder, log: createLog('warn') });
  return async (jpeg) => (await recognizer.analyze(jpeg, 'binary')).template;
}

const [name = '', argument = ''] = process.argv.slice(2);
const make = RECOGNISERS[name];
if (!make) {
  console.error(`Usage: server.js ${Object.keys(RECOGNISERS).join('|')} [argument]`);
  process.exit(64);
}
const recogniser = await make(argument);
const samples = await pictures();
for (const jpeg of samples) {
  if (!(await recogniser(jpeg))) console.error(`${name} finds no face in one of the pictures`);
}

async function answerTo(message: IncomingMessage): Promise<object> {
  const { pathname, searchParams } = new URL(message.url ?? '/', 'http://localhost');
  if (pathname !== '/run') {
    const template = await recogniser(await buffer(message));
    return { length: template?.length ?? 0 };
  }
  const number = (key: string) => Number(searchParams.get(key));
  return { rate: await rateOf(recogniser, samples, number('clients'), number('seconds')) };
}

const server = createServer(async (message, response) => {
  try {
    response.end(JSON.stringify(await answerTo(message)));
  } catch (error) {
    console.error(error);
    response.writeHead(500).end();
  }
});
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
