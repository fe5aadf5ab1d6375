import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { assertAccessible, assertFits, Dashboard, PHONE, screenshot } from '../../testing/dashboard.ts';
import { nobody, photograph, portrait } from '../../testing/photographs.ts';

const run = promisify(execFile);

let dashboard: Dashboard;

before(async () => {
  const webcam = await sharp(await portrait('annaElsewhere'))
    .resize(640, 480, { fit: 'contain', background: '#888' })
    .jpeg()
    .toBuffer();
  dashboard = await Dashboard.open({ webcam });
  await dashboard.post('/v1/collection/create', { collectionId: 'staff', storeThumbnails: true });
  await dashboard.post('/v1/face/enroll-batch', {
    collectionId: 'staff',
    faces: await Promise.all(
      (['anna', 'bea'] as const).map(async (externalKey) => ({
        externalKey,
        image: { bytes: (await portrait(externalKey)).toString('base64') },
      })),
    ),
  });
});
after(() => dashboard?.stop());
afterEach(() => dashboard.endTest());

async function choose(page: Page, name: string, buffer: Buffer): Promise<void> {
  await page.locator('input[type=file]').first().setInputFiles({ name, mimeType: 'image/jpeg', buffer });
}

const matches = (page: Page) => page.getByRole('region', { name: 'Best matches' });

describe('Try it', () => {
  test('shows each face of an image with its quality, liveness and best matches', async () => {
    const page = await dashboard.loggedIn('/try-it?collection=staff');
    await choose(page, 'friends.jpg', photograph(1));
    await page.getByText('3 faces found.').waitFor();
    await page.getByRole('heading', { name: 'Face 1 of 3' }).waitFor();
    assert.equal((await page.locator('main svg circle').count()) >= 15, true, 'five points of each face');
    const names = new Set<string>();
    for (let face = 0; face < 3; face++) {
      const links = await matches(page).getByRole('link').allInnerTexts();
      for (const name of links) names.add(name);
      await page.getByRole('button', { name: 'Next face' }).click();
    }
    assert.deepEqual([...names].sort(), ['anna', 'bea']);
    await page.getByText(/ quality, \d+$/).waitFor();
    await page.getByText(/% sure$/).waitFor();
    await screenshot(page, 'dashboard-try-it');
    await assertAccessible(page, 'try it');
    await page.getByRole('button', { name: 'anna', exact: true }).click();
    await matches(page).getByRole('link', { name: 'anna', exact: true }).waitFor();
    await page.setViewportSize(PHONE);
    await assertFits(page, 'try it');
    await assertAccessible(page, 'try it on a phone');
  });

  test('says in words what the threshold means, and searches again below it', async () => {
    const page = await dashboard.loggedIn('/try-it?collection=staff');
    await page.getByText('About 1 in 5,000 strangers would match someone.').waitFor();
    await choose(page, 'cleo.jpg', await portrait('cleo'));
    await page.getByText('No one reaches 80.0.', { exact: false }).waitFor();
    const slider = page.getByRole('slider', { name: 'Similarity threshold' });
    await slider.focus();
    for (let step = 0; step < 5; step++) await page.keyboard.press('ArrowRight');
    await page.getByText('About 1 in 16,000 strangers would match someone.').waitFor();
    const searched = page.waitForRequest((request) => request.url().includes('faceMatchThreshold=40'));
    await page.keyboard.press('Home');
    await searched;
    await page.getByText('About 99 of 100 strangers would match someone.').waitFor();
  });

  test('starts at the error rate of a collection that has one instead of a threshold', async () => {
    const rate = { collectionId: 'guests', maxFalsePositiveRate: 0.00002 };
    await dashboard.post('/v1/collection/create', rate);
    const image = { bytes: (await portrait('bea')).toString('base64') };
    await dashboard.post('/v1/face/enroll', { collectionId: 'guests', externalKey: 'bea', image });
    const page = await dashboard.loggedIn('/try-it?collection=guests');
    await page
      .getByText(/at most 1 in 50,000 strangers match \(0\.002%\): a threshold of 87, rounded up/)
      .waitFor();
    assert.equal(await page.getByRole('slider', { name: 'Similarity threshold' }).inputValue(), '87');
    const { faceMatchThreshold } = await dashboard.post('/v1/face/identify', {
      collectionId: 'guests',
      image,
    });
    assert.ok(faceMatchThreshold > 86 && faceMatchThreshold <= 87, String(faceMatchThreshold));
  });

  test('takes a photo with the webcam', async () => {
    const page = await dashboard.loggedIn('/try-it?collection=staff');
    await page.getByRole('button', { name: 'Use webcam' }).click();
    await page.getByRole('button', { name: 'Take photo' }).click();
    await matches(page).getByRole('link', { name: 'anna', exact: true }).waitFor();
  });

  test('says why an image without a face or a broken file gives nothing', async () => {
    const page = await dashboard.loggedIn('/try-it?collection=staff');
    await choose(page, 'wall.jpg', await nobody());
    await page.getByText('No face found', { exact: true }).waitFor();
    await choose(page, 'broken.jpg', Buffer.from('no image'));
    await page.getByRole('alert').waitFor();
    await page.getByRole('button', { name: 'Try again' }).waitFor();
  });

  test('shows the request in curl, Python and TypeScript without a secret, and they work', async () => {
    const page = await dashboard.loggedIn('/try-it?collection=staff');
    await choose(page, "anna's photo.jpg", await portrait('anna'));
    await matches(page).getByRole('link', { name: 'anna', exact: true }).waitFor();
    const code = async (language: string) => {
      await page.getByRole('radio', { name: language }).click();
      return page.getByRole('figure', { name: language }).locator('pre').innerText();
    };
    const folder = mkdtempSync(join(tmpdir(), 'visage-code-'));
    try {
      writeFileSync(join(folder, "anna's photo.jpg"), await portrait('anna'));
      const { key } = await dashboard.service.key();
      const options = { cwd: folder, env: { ...process.env, VISAGE_API_KEY: key } };
      const curl = await run('sh', ['-c', `${await code('curl')} -s`], options);
      assert.equal(JSON.parse(curl.stdout).faces[0].matches[0].externalKey, 'anna');
      const typescript = await code('TypeScript');
      const node = await run(process.execPath, ['--input-type=module', '-e', typescript], options);
      assert.match(node.stdout, /externalKey: 'anna'/);
      const python = await code('Python');
      await run('python3', ['-c', `compile(${JSON.stringify(python)}, 'code', 'exec')`], options);
      for (const text of [typescript, python]) assert.ok(!text.includes('fr_live_'), text);
    } finally {
      rmSync(folder, { recursive: true });
    }
    // The desktop browser allows it to a page that is clicked.
    await page.context().grantPermissions(['clipboard-write']);
    await page.getByRole('button', { name: 'Copy Python' }).click();
    await page.getByText('Copied').first().waitFor({ state: 'attached' });
  });

  test('finds faces without a collection', async () => {
    const page = await dashboard.loggedIn('/try-it', {}, await dashboard.member('member'));
    await page.route('**/v1/collection/get-all*', (route) =>
      route.fulfill({ json: { collections: [], nextCursor: null } }),
    );
    await page.reload();
    await page.getByText('Without a collection, Visage finds faces but no matches.').waitFor();
    await choose(page, 'bea.jpg', await portrait('bea'));
    await page.getByText('1 face found.').waitFor();
  });
});

describe('A browser without a webcam', () => {
  test('says so', async () => {
    const page = await dashboard.loggedIn('/try-it?collection=staff');
    await page.evaluate(`
      navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotFoundError'));
    `);
    await page.getByRole('button', { name: 'Use webcam' }).click();
    await page.getByText('There is no webcam').waitFor();
    await assertAccessible(page, 'no webcam');
  });
});
