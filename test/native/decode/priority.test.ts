import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import sharp from 'sharp';
import { formatFile } from '../../../testing/images/format-files.ts';
import { useDecoder } from '../../../testing/images/images.ts';

const decode = useDecoder();

const LARGE = { width: 4000, height: 3000, channels: 3, background: 'teal' } as const;
const LOW = 10;

/** Niceness of each thread of this process. */
function niceness(): number[] {
  return readdirSync('/proc/self/task').flatMap((id) => {
    try {
      const fields = readFileSync(`/proc/self/task/${id}/stat`, 'latin1')
        .replace(/^.*\) /, '')
        .split(' ');
      return Number(fields[16]);
    } catch {
      return [];
    }
  });
}

async function lowThreadsDuring(work: Promise<unknown>): Promise<number> {
  let most = 0;
  let isDone = false;
  const look = () => {
    most = Math.max(most, niceness().filter((nice) => nice === LOW).length);
    if (!isDone) setImmediate(look);
  };
  look();
  await work.finally(() => {
    isDone = true;
  });
  return most;
}

describe('An image that its library decodes in one go', () => {
  const files: Readonly<Record<string, () => Promise<Buffer> | Buffer>> = {
    HEIC: () => readFileSync(new URL('../../../../test/fixtures/wild/reported/flat.heic', import.meta.url)),
    AVIF: () => sharp({ create: LARGE }).avif({ effort: 0 }).toBuffer(),
    WebP: () => sharp({ create: LARGE }).webp({ lossless: true, effort: 0 }).toBuffer(),
    'JPEG 2000': () =>
      readFileSync(new URL('../../../../test/fixtures/wild/reported/flat.jp2', import.meta.url)),
  };
  for (const [format, make] of Object.entries(files)) {
    test(`leaves the core to other work: ${format}`, async () => {
      const file = await make();
      assert.equal(await lowThreadsDuring(decode(file)), 1);
    });
  }

  test('is decoded on the thread that has it if it is small', async () => {
    assert.equal(await lowThreadsDuring(decode(formatFile('plain.heic'))), 0);
  });
});
