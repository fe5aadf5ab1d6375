import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { bmpFile } from '../../../testing/images/bmp-file.ts';
import { assertRefused, assertSamePicture, photograph, useDecoder } from '../../../testing/images/images.ts';

const decode = useDecoder();

const SIDE = 64;

const spelling = fc.record({
  urlSafe: fc.boolean(),
  escaped: fc.boolean(),
  byCode: fc.constantFrom(false, false, false, true),
  space: fc.constantFrom('', '', '', ' ', '\n', '\r\n', '\t', '\\r\\n', '\\u000a'),
});

const prefix = fc.constantFrom(
  '',
  'data:image/jpeg;base64,',
  'data:image\\/png;charset=x;base64,',
  ' DATA:;BASE64,',
  'data:image/jpeg; base64,',
  'data:image/jpeg;charset=utf-8; Base64 ,',
  'data:image/jpeg;base64;name=a.jpg,',
);

function spelt(
  base64: string,
  spellings: readonly (typeof spelling extends fc.Arbitrary<infer T> ? T : never)[],
) {
  return [...base64]
    .map((c, i) => {
      const {
        urlSafe = false,
        escaped = false,
        byCode = false,
        space = '',
      } = spellings[i % spellings.length] ?? {};
      if (byCode) return `\\u00${c.charCodeAt(0).toString(16)}${space}`;
      if (c === '+') return `${urlSafe ? '-' : '+'}${space}`;
      if (c === '/') return `${urlSafe ? '_' : escaped ? '\\/' : '/'}${space}`;
      return `${c}${space}`;
    })
    .join('');
}

describe('base64', () => {
  test('gives back the bytes in every spelling', async () => {
    const bytes = fc.uint8Array({ minLength: SIDE * SIDE * 3, maxLength: SIDE * SIDE * 3 });
    const spellings = fc.array(spelling, { minLength: 1, maxLength: 50 });
    await fc.assert(
      fc.asyncProperty(
        bytes,
        fc.nat(2),
        prefix,
        spellings,
        fc.boolean(),
        async (pixels, gap, head, how, padded) => {
          // A gap of 0, 1 or 2 bytes makes all three lengths of the last group.
          const file = bmpFile({ width: SIDE, height: SIDE, bits: 24, pixels, gap });
          const base64 = file.toString('base64');
          const text = head + spelt(padded ? base64 : base64.replace(/=+$/, ''), how);
          assertSamePicture(await decode(Buffer.from(text), 'base64'), await decode(file), 0);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('reads the percent escapes of a data URL, and of nothing else', async () => {
    const file = bmpFile({
      width: SIDE,
      height: SIDE,
      bits: 24,
      pixels: Buffer.alloc(SIDE * SIDE * 3, 0xfb),
    });
    const text = encodeURIComponent(file.toString('base64'));
    assert.match(text, /%2B|%2F/);
    const url = Buffer.from(`data:image/bmp;base64,${text}`);
    assertSamePicture(await decode(url, 'base64'), await decode(file), 0);
    await assertRefused(decode(Buffer.from(text), 'base64'), 'INVALID_IMAGE', /base64/);
    for (const wrong of ['%', '%2', '%2g', '%00', '%252B']) {
      await assertRefused(
        decode(Buffer.from(`data:;base64,AAAA${wrong}`), 'base64'),
        'INVALID_IMAGE',
        /base64/,
      );
    }
  });

  test('refuses characters of no alphabet, wrong padding and a lone last character', async () => {
    const sound = (await photograph().jpeg().toBuffer()).toString('base64').replace(/=+$/, '');
    const whole = sound.slice(0, sound.length - (sound.length % 4));
    const wrong = [
      `${whole.slice(0, 40)}*${whole.slice(40)}`,
      `${whole.slice(0, 40)}\\${whole.slice(40).replace(/^\//, 'A')}`,
      `${whole}\u00e9`,
      ...['\\u00e9', '\\u0141', '\\u004', '\\u00g1', '\\"', '\\b', '\\\\', '\\'].map(
        (escaped) => whole + escaped,
      ),
      `${whole.slice(0, 40)}\\u0000${whole.slice(40)}`,
      `${whole.slice(0, 39)}=${whole.slice(40)}`,
      `${whole}A`,
      `${whole}A=`,
      `${whole}AA=`,
      `${whole}AAA==`,
      `${whole}=`,
      `${whole}====`,
      `data:image/jpeg,${whole}`,
      'data:image/jpeg;base64',
      `data:image/jpeg;base65,${whole}`,
      `data:base64,${whole}`,
    ];
    for (const text of wrong) await assertRefused(decode(Buffer.from(text), 'base64'), 'INVALID_IMAGE');
  });

  test('of nothing is no picture', async () => {
    for (const text of ['', ' \n', 'data:image/png;base64,']) {
      await assertRefused(decode(Buffer.from(text), 'base64'), 'INVALID_IMAGE', /no bytes/);
    }
  });
});
