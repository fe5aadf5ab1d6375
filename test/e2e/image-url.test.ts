import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startChild, temporaryFolder, visagectl } from '../../testing/service.ts';

const OFF = 'This appliance fetches no images by URL: send the image itself in image.bytes.';
const INSIDE = 'image.url leads to no address that images may be fetched from.';

test('A service that fetches pictures does so when it is told to, and not from itself or inside', async (t) => {
  const folder = await temporaryFolder();
  t.after(() => folder.remove());
  const file = join(folder.path, 'visage.toml');
  const details: string[][] = [];
  for (const enabled of [false, true]) {
    const allow = '[[image_url.allow]]\naccount = "acc_1"\nnetwork = "127.0.0.0/8"\nport = 80\n';
    writeFileSync(file, `[image_url]\nenabled = ${enabled}\n${allow}`);
    const child = await startChild(join(folder.path, 'data'), { VISAGE_CONFIG: file });
    try {
      const settings = { VISAGE_DATA_DIR: join(folder.path, 'data') };
      const key = (await visagectl(['keys', 'create', '--name', 'k'], settings)).stdout.trim();
      const said: string[] = [];
      for (const url of [`${child.url}/v1/healthz`, 'http://localhost/', 'http://169.254.169.254/']) {
        const answer = await fetch(`${child.url}/v1/face/search`, {
          method: 'POST',
          headers: { 'X-API-Key': key, 'Content-Type': 'application/json' },
          body: JSON.stringify({ collectionId: 'people', image: { url } }),
        });
        const { code, detail } = (await answer.json()) as { code: string; detail: string };
        assert.deepEqual([answer.status, code], [400, 'IMAGE_URL_FORBIDDEN']);
        said.push(detail);
      }
      details.push(said);
    } finally {
      await child.stop();
    }
  }
  assert.deepEqual(details, [
    [OFF, OFF, OFF],
    [INSIDE, INSIDE, INSIDE],
  ]);
});
