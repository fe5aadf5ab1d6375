import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type FormFile, parseForm } from '../../src/http/multipart.ts';

test('A file of a form is a view of the body, not a copy', async () => {
  const file = randomBytes(1_000_000);
  const body = Buffer.concat([
    Buffer.from('--edge\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'),
    file,
    Buffer.from('\r\n--edge--\r\n'),
  ]);
  const { files } = await parseForm(body, 'multipart/form-data; boundary=edge', {
    files: { image: 1 },
    repeated: [],
  });
  const [{ data: seen }] = files.image as readonly [FormFile];
  assert.ok(seen.equals(file));
  assert.equal(seen.buffer, body.buffer);
});

test('Files keep every byte, whatever looks like a boundary where the parser is given the next slice', async () => {
  const slice = 16 * 1024;
  const near = [
    '\r',
    '\r\n',
    '\r\n-',
    '\r\n--',
    '\r\n--e',
    '\r\n--edg',
    '\r\n--edg\r\n--edg',
    '--edge',
    '\n',
  ];
  for (const text of near) {
    for (const back of [0, 1, 3, 7]) {
      const head = '--edge\r\nContent-Disposition: form-data; name="images"; filename="a"\r\n\r\n';
      const file = Buffer.alloc(slice * 2 + 100, text);
      const lead = Buffer.alloc(Math.max(0, slice - head.length - text.length + back), 'x');
      const first = Buffer.concat([lead, Buffer.from(text), file]);
      const body = Buffer.concat([
        Buffer.from(head),
        first,
        Buffer.from(`\r\n${head}`),
        Buffer.from('b'),
        Buffer.from('\r\n--edge--\r\n'),
      ]);
      const { files } = await parseForm(body, 'multipart/form-data; boundary=edge', {
        files: { images: 2 },
        repeated: [],
      });
      const [seen, second] = (files.images ?? []).map(({ data }) => data) as [Buffer, Buffer];
      assert.ok(seen.equals(first), `${JSON.stringify(text)} ${back}`);
      assert.equal(seen.buffer, body.buffer);
      assert.equal(second.toString(), 'b');
    }
  }
});

test('A form of full size that is nearly all boundaries is taken apart in several turns', async () => {
  let turns = 0;
  let isOver = false;
  const tick = () => {
    turns++;
    if (!isOver) setImmediate(tick);
  };
  setImmediate(tick);
  const head = '--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n';
  const body = Buffer.concat([
    Buffer.from(head),
    Buffer.alloc(40_400_000, '\r\n--a'),
    Buffer.from('\r\n--b--\r\n'),
  ]);
  const limits = { files: { image: 1 }, repeated: [] };
  const { files } = await parseForm(body, 'multipart/form-data; boundary=b', limits);
  isOver = true;
  assert.equal(files.image?.[0]?.data.length, 40_400_000);
  assert.ok(turns >= 4, `the event loop turned ${turns} times`);
});

const FORM = { files: { image: 1, images: 3 }, repeated: ['externalKey'] };
const PHOTO = Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16]), randomBytes(3000)]);

function bodyOf(...pieces: readonly (string | Buffer)[]): Buffer {
  return Buffer.concat(pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece)));
}

async function imageOf(body: Buffer, contentType = 'multipart/form-data; boundary=X'): Promise<FormFile> {
  const { files } = await parseForm(body, contentType, FORM);
  const [file] = files.image ?? [];
  assert.ok(file, 'the form has no image');
  return file;
}

test('A form that a program sent without file name is read', async () => {
  const body = readFileSync(
    new URL('../../../test/fixtures/wild/form-part-without-filename/body.bin', import.meta.url),
  );
  const { data, encoding } = await imageOf(body);
  assert.deepEqual(
    [encoding, data.readUInt16BE(), data.readUInt16BE(data.length - 2)],
    ['binary', 0xffd8, 0xffd9],
  );
});

const HEADS = {
  'without file name': 'Content-Disposition: form-data; name="image"\r\nContent-Type: image/jpeg',
  'without file name and media type': 'Content-Disposition: form-data; name="image"',
  'with a media type in upper case':
    'Content-Disposition: form-data; name="image"\r\nContent-Type: IMAGE/JPEG',
  'with an extended file name only':
    'Content-Disposition: form-data; name="image"; filename*=UTF-8\'\'%e2%82%ac.jpg\r\nContent-Type: text/plain',
  'with an empty file name': 'Content-Disposition: form-data; name="image"; filename=""',
  'with names without quotes': 'Content-Disposition: form-data; name=image; filename=a.jpg',
  'with the file name first': 'Content-Disposition: form-data; filename="a;b.jpg"; name="image"',
  'with an escaped quote': 'Content-Disposition: form-data; filename="a\\"; name=\\"b.jpg"; name="image"',
  'with a path of Windows': 'Content-Disposition: form-data; filename="C:\\new\\a.jpg"; name="image"',
  'with names of headers in capitals': 'CONTENT-DISPOSITION:FORM-DATA;NAME="image";FILENAME="a"',
  'with a folded header': 'Content-Disposition: form-data;\r\n name="image";\r\n\tfilename="a"',
  'with more headers':
    'Content-Length: 3006\r\nX-A: b\r\nContent-Disposition: form-data; name="image"; filename="a"',
};

for (const [kind, head] of Object.entries(HEADS)) {
  test(`A part ${kind} is the image`, async () => {
    const { data } = await imageOf(bodyOf('--X\r\n', head, '\r\n\r\n', PHOTO, '\r\n--X--\r\n'));
    assert.ok(data.equals(PHOTO));
  });
}

const HEAD = 'Content-Disposition: form-data; name="image"; filename="a"';
const FRAMES = {
  'after a preamble, before an epilogue': [
    'To those who read this: --X is a boundary.\r\n--X\r\n',
    '\r\n\r\n',
    '\r\n--X--\r\nThe end.\r\n--X\r\n',
  ],
  'with line breaks of LF': ['--X\n', '\n\n', '\n--X--\n'],
  'with blanks behind the boundary': ['--X \t\r\n', '\r\n\r\n', '\r\n--X--'],
  'that ends with its last boundary': ['--X\r\n', '\r\n\r\n', '\r\n--X--'],
  'after an empty line': ['\r\n--X\r\n', '\r\n\r\n', '\r\n--X--\r\n'],
} as const;

for (const [kind, [before, blank, after]] of Object.entries(FRAMES)) {
  test(`A form ${kind} is read`, async () => {
    const { data } = await imageOf(bodyOf(before, HEAD, blank, PHOTO, after));
    assert.ok(data.equals(PHOTO));
  });
}

for (const [boundary, contentType] of [
  ['X', 'Multipart/Form-Data; Boundary="X"'],
  ['a b:c?=', 'multipart/form-data; boundary="a b:c?="'],
  ['gc0p4Jq0M2Yt08j34c0p==/(:)', 'multipart/form-data; boundary=gc0p4Jq0M2Yt08j34c0p==/(:)'],
  ['X', 'multipart/form-data; charset=utf-8; boundary=X; x=y'],
  ['-'.repeat(70), `multipart/form-data; boundary=${'-'.repeat(70)}`],
] as const) {
  test(`The boundary of ${contentType} is found`, async () => {
    const body = bodyOf(`--${boundary}\r\n`, HEAD, '\r\n\r\n', PHOTO, `\r\n--${boundary}--\r\n`);
    assert.ok((await imageOf(body, contentType)).data.equals(PHOTO));
  });
}

test('A file may hold lines that begin like the boundary, in bounds', async () => {
  const file = bodyOf(PHOTO, '\r\n--Xy\r\n'.repeat(1000), '\n--X\n');
  const whole = (content: Buffer) => bodyOf('--X\r\n', HEAD, '\r\n\r\n', content, '\r\n--X--\r\n');
  assert.ok((await imageOf(whole(file))).data.equals(file));
  await assert.rejects(imageOf(whole(bodyOf(file, '\r\n--Xy\r\n'))), /must not hold its boundary/);
});

test('A part in base64 is left to the decoder', async () => {
  const head = `${HEAD}\r\nContent-Transfer-Encoding: BASE64`;
  const text = PHOTO.toString('base64').replace(/.{76}/g, '$&\r\n');
  const file = await imageOf(bodyOf('--X\r\n', head, '\r\n\r\n', text, '\r\n--X--\r\n'));
  assert.deepEqual([file.encoding, file.data.toString()], ['base64', text]);
});

test('A file part without a chosen file counts as absent', async () => {
  const empty =
    '--X\r\nContent-Disposition: form-data; name="image"; filename=""\r\nContent-Type: application/octet-stream\r\n\r\n\r\n--X--';
  const { files } = await parseForm(bodyOf(empty), 'multipart/form-data; boundary=X', FORM);
  assert.deepEqual(Object.keys(files), []);
});

test('An empty part may lack the line break before its boundary', async () => {
  const body = bodyOf(
    '--X\r\nContent-Disposition: form-data; name="a"\r\n\r\n--X\r\n',
    HEAD,
    '\r\n\r\n',
    PHOTO,
    '\r\n--X--',
  );
  const { fields, files } = await parseForm(body, 'multipart/form-data; boundary=X', FORM);
  assert.deepEqual({ ...fields }, { a: '' });
  assert.ok(files.image?.[0]?.data.equals(PHOTO));
});

test('Fields keep their text, and those that repeat their order', async () => {
  const field = (name: string, value: string) =>
    `--X\r\nContent-Disposition: form-data; name="${name}"\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n${value}\r\n`;
  const body = bodyOf(field('a', ''), field('externalKey', 'é€'), field('externalKey', 'b\r\nc'), '--X--');
  const { fields, lists } = await parseForm(body, 'multipart/form-data; boundary=X', FORM);
  assert.deepEqual({ ...fields }, { a: '' });
  assert.deepEqual({ ...lists }, { externalKey: ['é€', 'b\r\nc'] });
});

for (const [kind, body, message] of [
  [
    'text in place of a file',
    `--X\r\n${HEADS['without file name and media type']}\r\n\r\nphoto.jpg\r\n--X--`,
    /write @/,
  ],
  ['no last boundary', `--X\r\n${HEAD}\r\n\r\nabc\r\n`, /complete/],
  ['nothing', '', /complete/],
  [
    'a part without name',
    '--X\r\nContent-Disposition: form-data; filename="a"\r\n\r\nabc\r\n--X--',
    /a name/,
  ],
  [
    'a part without disposition',
    '--X\r\nContent-Type: image/jpeg\r\n\r\nabc\r\n--X--',
    /Content-Disposition/,
  ],
  ['a part without an end of its head', `--X\r\n${HEAD}${' '.repeat(5000)}\r\n\r\nabc\r\n--X--`, /head/],
  ['a file too many', `${`--X\r\n${HEAD}\r\n\r\nabc\r\n`.repeat(2)}--X--`, /too often/],
  ['another file', `--X\r\n${HEAD.replace('image', 'img')}\r\n\r\nabc\r\n--X--`, /expected image or images/],
  [
    'too many parts',
    `${'--X\r\nContent-Disposition: form-data; name="externalKey"\r\n\r\na\r\n'.repeat(28)}--X--`,
    /too many parts/,
  ],
  ['a long name', `--X\r\n${HEAD.replace('image', 'i'.repeat(65))}\r\n\r\nabc\r\n--X--`, /too long/],
] as const) {
  test(`A form with ${kind} is refused`, async () => {
    await assert.rejects(parseForm(Buffer.from(body), 'multipart/form-data; boundary=X', FORM), message);
  });
}
