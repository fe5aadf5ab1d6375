import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import {
  assertAccessible,
  assertFits,
  Dashboard,
  OWNER,
  PHONE,
  screenshot,
} from '../../testing/dashboard.ts';
import { nobody, portrait } from '../../testing/photographs.ts';
import { setupCodeOf } from '../../testing/service.ts';

let dashboard: Dashboard;
let page: Page;

before(async () => {
  dashboard = await Dashboard.open({ hasOwner: false, webcam: await portrait('anna') });
  page = await dashboard.page();
});
after(() => dashboard?.stop());
afterEach(() => assert.deepEqual(dashboard.faults.splice(0), []));

const title = (name: string) => page.getByRole('heading', { level: 1, name }).waitFor();
const press = (name: string) => page.getByRole('button', { name, exact: true }).click();

async function choose(name: string, buffer: Buffer): Promise<void> {
  const chooser = page.waitForEvent('filechooser');
  await press('Choose image');
  await (await chooser).setFiles({ name, mimeType: 'image/jpeg', buffer });
}

describe('The first run', () => {
  test('asks for the set-up code and refuses a wrong one', async () => {
    await page.goto(`${dashboard.url}/people`);
    await title('Set up Visage');
    await page.getByLabel('Set-up code').fill('WRONG-WRONG-WRONG');
    await page.getByLabel('Your name').fill(OWNER.name);
    await page.getByLabel('E-mail').fill(OWNER.email);
    await page.getByLabel('Password').fill(OWNER.password);
    await press('Create the owner');
    await page.getByText('This is not the set-up code of this appliance.').waitFor();
    await assertAccessible(page, 'owner');
  });

  test('makes the owner and logs them in', async () => {
    await page.getByLabel('Set-up code').fill(await setupCodeOf(dashboard.service.child));
    await press('Create the owner');
    await title('Create a collection');
    const records = page.getByRole('switch', { name: 'Record events for 1 day: who was recognised' });
    assert.equal(await records.isChecked(), true);
    await assertAccessible(page, 'collection');
  });

  test('continues at the same step after the page is loaded again', async () => {
    await page.reload();
    await title('Create a collection');
  });

  test('makes the first collection, with small images where the owner wants them', async () => {
    await page.getByLabel('Name').fill('not a name');
    await page.getByText('Use 1 to 255 letters').waitFor();
    await page.getByLabel('Name').fill('staff');
    await page.getByText('Keep a small image of each face').click();
    await page.getByText('Record events for 1 day').click();
    assert.equal((await dashboard.get('/v1/events/recording')).enabled, true);
    await press('Create the collection');
    await title('Create an API key');
    assert.equal((await dashboard.get('/v1/events/recording')).enabled, false);
    await assertAccessible(page, 'API key');
  });

  test('makes the first key and shows it once', async () => {
    await press('Create the key');
    await page.getByText('Copy it now').waitFor();
    assert.match(String(await page.locator('code').first().textContent()), /^fr_live_[0-9a-f]{32}$/);
    await assertAccessible(page, 'the new key');
    await press('I have copied it');
    await title('Find yourself');
  });

  test('says that a photo has no face', async () => {
    await choose('wall.jpg', await nobody());
    await page.getByText('No face in this photo.').waitFor();
  });

  test("adds the owner by webcam, and finds them in another photo, in a stranger's not", async () => {
    await page.getByLabel('Name').fill('grace');
    await press('Use webcam');
    await press('Take photo');
    await page.getByText('Visage knows grace now.').waitFor();
    await choose('elsewhere.jpg', await portrait('annaElsewhere'));
    await page.getByRole('status').getByText('grace', { exact: true }).waitFor();
    await page.getByRole('meter', { name: 'Similarity' }).waitFor();
    await screenshot(page, 'first-run');
    await assertAccessible(page, 'match');
    await page.setViewportSize(PHONE);
    await assertFits(page, 'match on a phone');
    await page.setViewportSize({ width: 1280, height: 800 });
    await choose('bea.jpg', await portrait('bea'));
    await page.getByText('Nobody that this collection knows').waitFor();
  });

  test('shows a curl command that does the same', async () => {
    const folder = dashboard.service.folder;
    writeFileSync(join(folder, 'photo.jpg'), await portrait('annaElsewhere'));
    const command = String(await page.locator('figure pre').textContent());
    const { stdout } = await promisify(execFile)('sh', ['-c', command], { cwd: folder });
    assert.equal(JSON.parse(stdout).matches[0].externalKey, 'grace');
  });

  test('ends in the dashboard, and does not come again', async () => {
    await press('Open the dashboard');
    await title('Overview');
    assert.equal(new URL(page.url()).pathname, '/');
    await page.reload();
    await title('Overview');
    const { collections } = await dashboard.get('/v1/collection/get-all');
    assert.deepEqual(
      collections.map(({ collectionId, storeThumbnails }: Record<string, unknown>) => [
        collectionId,
        storeThumbnails,
      ]),
      [['staff', true]],
    );
  });

  test('recorded no event where the owner chose so, which Live says, until an admin records them', async () => {
    assert.deepEqual((await dashboard.get('/v1/events')).events, []);
    const member = await dashboard.loggedIn('/live', {}, await dashboard.member('member'));
    await member.getByRole('heading', { name: 'Events are not recorded' }).waitFor();
    await member.getByText('An admin can turn them on.').waitFor();
    assert.equal(await member.getByRole('button', { name: 'Record events' }).count(), 0);
    await page.goto(`${dashboard.url}/live`);
    await page.getByRole('heading', { name: 'Events are not recorded' }).waitFor();
    await assertAccessible(page, 'events off');
    await press('Record events');
    await page.getByRole('heading', { name: 'No events yet' }).waitFor();
    assert.deepEqual(await dashboard.get('/v1/events/recording'), { enabled: true, days: 1, cropDays: 1 });
  });
});

describe('Plain HTTP beyond localhost', () => {
  test('shows how to turn TLS on in place of a log-in that could not work', async () => {
    const far = await Dashboard.open({ host: 'visage.test' });
    try {
      const other = await far.page();
      await other.goto(far.url.replace('127.0.0.1', 'visage.test'));
      await other.getByRole('heading', { name: 'This page needs HTTPS' }).waitFor();
      await other.getByText('systemctl enable --now visage-https.socket').waitFor();
      assert.equal(await other.getByLabel('Password').count(), 0);
      await assertAccessible(other, 'plain HTTP');
    } finally {
      await far.stop();
    }
  });
});
