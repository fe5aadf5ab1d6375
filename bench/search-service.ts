import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { type Child, ROOT, startChild, visagectl } from '../testing/service.ts';
import { HttpClient } from './http-client.ts';

const SAMPLES = join(ROOT, 'node_modules/@vladmandic/face-api/demo');
const COLLECTION = 'bench';

export interface Body {
  readonly name: string;
  readonly type: string;
  readonly query: string;
  readonly data: Buffer;
}

export interface SearchService {
  readonly child: Child;
  readonly folder: string;
  search(body: Body): Promise<number>;
  stop(): Promise<void>;
}

/** @param environment of its process, besides. */
export async function startSearchService(environment: Record<string, string> = {}): Promise<SearchService> {
  const folder = await mkdtemp(join(tmpdir(), 'visage-bench-'));
  const child = await startChild(folder, environment);
  const made = await visagectl(['keys', 'create', '--name', 'bench'], { VISAGE_DATA_DIR: folder });
  const client = new HttpClient();
  const authorization = `ApiKey ${made.stdout.trim()}`;
  const call = (path: string, type: string, data: Buffer) =>
    client.post(`${child.url}${path}`, { authorization, 'content-type': type }, data);
  const prepare = async (path: string, type: string, data: Buffer) => {
    const status = await call(path, type, data);
    if (status !== 200) throw new Error(`POST ${path} answered ${status}`);
  };
  const settings = Buffer.from(JSON.stringify({ collectionId: COLLECTION }));
  await prepare('/v1/collection/create', 'application/json', settings);
  for (let i = 1; i <= 6; i++) {
    const jpeg = await sample(i, 640, 480).jpeg({ quality: 90 }).toBuffer();
    await prepare(`/v1/face/index?collectionId=${COLLECTION}`, 'image/jpeg', jpeg);
  }
  return {
    child,
    folder,
    search: ({ type, query, data }) => call(`/v1/face/search${query}`, type, data),
    stop: async () => {
      client.close();
      await child.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A sample photograph, 1 to 6, cut to a size. */
export function sample(number: number, width: number, height: number): Sharp {
  return sharp(join(SAMPLES, `sample${number}.jpg`)).resize(width, height);
}

export function bodiesOf(file: Buffer, type = 'image/jpeg'): readonly [Body, Body, Body] {
  const edge = 'visage-bench-form';
  const form = Buffer.concat([
    Buffer.from(
      `--${edge}\r\nContent-Disposition: form-data; name="collectionId"\r\n\r\n${COLLECTION}\r\n` +
        `--${edge}\r\nContent-Disposition: form-data; name="image"; filename="a"\r\nContent-Type: ${type}\r\n\r\n`,
    ),
    file,
    Buffer.from(`\r\n--${edge}--\r\n`),
  ]);
  const json = JSON.stringify({ collectionId: COLLECTION, image: { bytes: file.toString('base64') } });
  return [
    { name: 'image body', type, query: `?collectionId=${COLLECTION}`, data: file },
    { name: 'multipart', type: `multipart/form-data; boundary=${edge}`, query: '', data: form },
    { name: 'base64 in JSON', type: 'application/json', query: '', data: Buffer.from(json) },
  ];
}
