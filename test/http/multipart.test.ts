import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { parseForm } from '../../src/http/multipart.ts';

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
  const [seen] = files.image as readonly [Buffer];
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
      const [seen, second] = files.images as readonly [Buffer, Buffer];
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
  assert.equal(files.image?.[0]?.length, 40_400_000);
  assert.ok(turns >= 4, `the event loop turned ${turns} times`);
});
