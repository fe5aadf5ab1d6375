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
