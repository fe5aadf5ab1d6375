import { readFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import sharp from 'sharp';
import { withEmptyScans } from './images/jpeg-file.ts';
import { photograph } from './photographs.ts';
import { ROOT } from './service.ts';

/** Just below 40 megapixels, the most that an image may have. */
const HUGE = { width: 8192, height: 4882 } as const;

const CONNECTIONS = 80;
const ADDRESSES = ['127.0.0.1', '127.0.0.2'] as const;

/** A GIF of 35 bytes: one pixel on a canvas of 40 megapixels, 114 MB when decoded. */
function tinyGif(): Buffer {
  const head = [...Buffer.from('GIF89a'), 0x00, 0x20, 0x12, 0x13, 0x80, 0, 0, 1, 2, 3, 4, 5, 6];
  return Buffer.from([...head, 0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0, 0x3b]);
}

/** A progressive JPEG of 40 megapixels. @param scans how many follow its header. */
async function manyScans(scans: number): Promise<Buffer> {
  const flat = sharp({ create: { ...HUGE, channels: 3, background: 'teal' } });
  return withEmptyScans(await flat.jpeg({ progressive: true }).toBuffer(), scans);
}

/** A photograph of 12 megapixels. */
function twelveMegapixels(): Promise<Buffer> {
  return sharp(photograph(1)).resize(4000, 3000, { fit: 'fill' }).jpeg().toBuffer();
}

/** Decoded in one call of its library. */
function hugeWebp(): Promise<Buffer> {
  return sharp({ create: { ...HUGE, channels: 3, background: 'teal' } })
    .webp({ lossless: true, effort: 0 })
    .toBuffer();
}

export interface Flood {
  /** Answers so far, by status; 0 for a connection that ended without one. */
  readonly answers: ReadonlyMap<number, number>;
  stop(): Promise<void>;
}

function hammer(
  url: string,
  path: string,
  keys: readonly string[],
  body: Buffer,
  connections = CONNECTIONS,
): Flood {
  const answers = new Map<number, number>();
  const agents = ADDRESSES.map((localAddress) => new Agent({ keepAlive: true, localAddress }));
  let stopped = false;
  const post = (key: string, agent: Agent | undefined): Promise<number> =>
    new Promise((resolve) => {
      const headers = { Authorization: `ApiKey ${key}`, 'Content-Type': 'application/octet-stream' };
      const sent = request(`${url}${path}`, { method: 'POST', headers, agent }, (response) => {
        response.resume().once('close', () => resolve(response.statusCode ?? 0));
      });
      sent.once('error', () => resolve(0)).end(body);
    });
  const loop = async (i: number): Promise<void> => {
    while (!stopped) {
      const status = await post(keys[i % keys.length] ?? '', agents[i % agents.length]);
      answers.set(status, (answers.get(status) ?? 0) + 1);
    }
  };
  const loops = Array.from({ length: connections }, (_, i) => loop(i));
  return {
    answers,
    stop: async () => {
      stopped = true;
      for (const agent of agents) agent.destroy();
      await Promise.all(loops);
    },
  };
}

function halfUploads(url: string, key: string, count: number): Flood {
  const { hostname, port } = new URL(url);
  const length = 50_000_000;
  const head = [
    'POST /v1/face/enroll-batch HTTP/1.1',
    `Host: ${hostname}`,
    `Authorization: ApiKey ${key}`,
    'Content-Type: application/json',
    `Content-Length: ${length}`,
  ].join('\r\n');
  const half = Buffer.alloc(length - 5_000_000, 0x20);
  const answers = new Map<number, number>();
  const sockets = Array.from({ length: count }, () => {
    const socket = connect(Number(port), hostname).on('error', () => {});
    socket.once('data', (bytes) => {
      const status = Number(bytes.toString('latin1', 9, 12));
      answers.set(status, (answers.get(status) ?? 0) + 1);
    });
    socket.write(`${head}\r\n\r\n`);
    socket.write(half);
    return socket;
  });
  return {
    answers,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}

const DETECT = '/v1/face/detect';
const FEW = 6;

export const FLOODS: Readonly<Record<string, (url: string, keys: readonly string[]) => Promise<Flood>>> = {
  'a 35-byte GIF of 40 megapixels': async (url, [key = '']) => hammer(url, DETECT, [key], tinyGif()),
  'that GIF with several keys of one account': async (url, keys) => hammer(url, DETECT, keys, tinyGif()),
  'that GIF searched for the smallest faces': async (url, [key = '']) =>
    hammer(url, `${DETECT}?minFaceSize=16`, [key], tinyGif()),
  'a progressive JPEG of 100 scans': async (url, [key = '']) =>
    hammer(url, DETECT, [key], await manyScans(100)),
  'photographs of 12 megapixels': async (url, [key = '']) =>
    hammer(url, DETECT, [key], await twelveMegapixels(), 64),
  'HEIC files of 12 megapixels': async (url, [key = '']) =>
    hammer(url, DETECT, [key], await readFile(join(ROOT, 'test/fixtures/wild/reported/flat.heic')), FEW),
  'WebP files of 40 megapixels': async (url, [key = '']) => hammer(url, DETECT, [key], await hugeWebp(), FEW),
  'twelve uploads of 50 MB that stop half-way': async (url, [key = '']) => halfUploads(url, key, 12),
};
