import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { formatFile } from '../../../testing/images/format-files.ts';
import { photograph } from '../../../testing/images/images.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const OPTIONAL = ['colour.cc', 'icc.cc', 'tiff.cc', 'jpeg2000.cc', 'hevc.cc', 'av1.cc'];

const folder = mkdtempSync(join(tmpdir(), 'visage-decode-'));
after(() => rmSync(folder, { recursive: true }));

test('a build without the optional libraries reads the other formats, and names those', async () => {
  const decoder = join(ROOT, 'native/decode');
  const sources = readdirSync(decoder).filter((name) => name.endsWith('.cc') && !OPTIONAL.includes(name));
  const program = join(folder, 'decode_files');
  await run(process.env.CXX ?? 'g++', [
    ...['-std=c++20', '-O0', `-I${join(ROOT, 'native')}`, '-o', program],
    join(ROOT, 'test/native/programs/decode_files.cc'),
    ...sources.map((name) => join(decoder, name)),
    ...['-ljpeg', '-lpng', '-lwebpdemux', '-lwebp', '-lz'],
  ]);
  const files = {
    'p3.jpg': await photograph().withIccProfile('p3').jpeg().toBuffer(),
    'lzw.tif': await photograph().tiff({ compression: 'lzw' }).toBuffer(),
    'plain.jp2': formatFile('plain.jp2'),
    'plain.heic': formatFile('plain.heic'),
    'grid.avif': formatFile('grid.avif'),
  };
  for (const [name, file] of Object.entries(files)) writeFileSync(join(folder, name), file);
  const { stdout } = await run(program, Object.keys(files), { cwd: folder });
  const refused = (format: string) =>
    `UNSUPPORTED_IMAGE: The image is in the format ${format}, for which this installation of Visage has no decoder.`;
  assert.deepEqual(stdout.trim().split('\n'), [
    '97 x 75',
    ...['TIFF', 'JPEG 2000', 'HEIC', 'AVIF'].map(refused),
  ]);
});
