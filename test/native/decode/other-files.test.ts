import { describe, test } from 'node:test';
import { deflateRawSync, gzipSync } from 'node:zlib';
import { assertRefused, photograph, useDecoder } from '../../../testing/images/images.ts';

const decode = useDecoder();

function box(name: string, content: string): Buffer {
  const bytes = Buffer.from(`\0\0\0\0${name}${content}`, 'latin1');
  bytes.writeUInt32BE(bytes.length);
  return Buffer.concat([bytes, Buffer.alloc(100)]);
}

function latin1(text: string): Buffer {
  return Buffer.from(text.padEnd(100, '\0'), 'latin1');
}

const FILES: readonly (readonly [name: RegExp, file: Buffer])[] = [
  [/JPEG XL/, latin1('\xff\x0a')],
  [/JPEG XL/, latin1('\0\0\0\x0cJXL \r\n\x87\n')],
  [/camera's raw/, box('ftyp', 'crx \0\0\0\x01')],
  [/camera's raw/, latin1('FUJIFILMCCD-RAW 0201')],
  [/MP4 or QuickTime/, box('ftyp', 'isom\0\0\x02\0')],
  [/MP4 or QuickTime/, box('ftyp', 'qt  \0\0\x02\0')],
  [/WebM/, latin1('\x1a\x45\xdf\xa3')],
  [/AVI video/, latin1('RIFF\0\0\0\0AVI LIST')],
  [/H\.264/, latin1('\0\0\0\x01\x67\x42')],
  [/Dahua/, latin1('DHAV')],
  [/icon/, latin1('\0\0\x01\0\x01\0')],
  [/Photoshop/, latin1('8BPS\0\x01')],
  [/PDF/, latin1('%PDF-1.7')],
  [/ZIP/, Buffer.concat([Buffer.from('PK\x03\x04'), deflateRawSync(Buffer.alloc(100))])],
  [/gzip/, gzipSync(Buffer.alloc(100))],
  [/SVG/, Buffer.from('\ufeff<?xml version="1.0"?>\n<!-- a -->\n<svg xmlns="http://www.w3.org/2000/svg"/>')],
  [/HTML/, Buffer.from('\n<!doctype html><title>Not found</title>')],
  [/XML/, Buffer.from('<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>')],
  [/JSON/, Buffer.from('{"error":"unauthorized"}')],
];

describe('A file that is no image is named:', () => {
  for (const [name, file] of FILES) {
    test(name.source, () =>
      assertRefused(decode(file), 'UNSUPPORTED_IMAGE', new RegExp(`It is .*${name.source}.*\\.$`)),
    );
  }

  test('base64 of an image', async () => {
    for (const image of [photograph().jpeg(), photograph().png(), photograph().gif(), photograph().webp()]) {
      const text = (await image.toBuffer()).toString('base64');
      for (const file of [text, `data:image/jpeg;base64,${text}`]) {
        await assertRefused(decode(Buffer.from(file)), 'UNSUPPORTED_IMAGE', /It is base64 text/);
      }
    }
  });

  test('nothing known', () => assertRefused(decode(Buffer.alloc(100, 7)), 'UNSUPPORTED_IMAGE', /file\.$/));
});
