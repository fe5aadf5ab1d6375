import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import type { Locator } from 'playwright-core';
import sharp from 'sharp';
import { assertAccessible, assertFits, Dashboard, PHONE, screenshot } from '../../testing/dashboard.ts';
import { portrait } from '../../testing/photographs.ts';

let dashboard: Dashboard;

before(async () => {
  dashboard = await Dashboard.open();
});
after(() => dashboard?.stop());
afterEach(() => dashboard.endTest());

interface Known {
  readonly description: string | null;
  readonly minQuality: number;
  readonly faceMatchThreshold: number | null;
  readonly maxFalsePositiveRate: number | null;
  readonly maxFalseMatchRate: number | null;
  readonly storeThumbnails: boolean;
  readonly eventCropDays: number | null;
  readonly faceCount: number;
}

async function known(collectionId: string): Promise<Known | null> {
  const headers = { Authorization: `Bearer ${await dashboard.token()}` };
  const response = await fetch(`${dashboard.url}/v1/collection/get?collectionId=${collectionId}`, {
    headers,
  });
  if (response.status === 404) return null;
  return ((await response.json()) as { recognitionCollection: Known }).recognitionCollection;
}

const enrol = (collectionId: string, externalKey: string, image: Buffer) => {
  const face = { collectionId, externalKey, allowDuplicates: true };
  return dashboard.post('/v1/face/enroll', { ...face, image: { bytes: image.toString('base64') } });
};

/** Anna under two keys, two people under bea, and a blurred face. */
async function plantMistakes(collectionId: string): Promise<void> {
  await dashboard.post('/v1/collection/create', { collectionId, storeThumbnails: true, minQuality: 0 });
  const bea = await portrait('bea');
  await enrol(collectionId, 'anna', await portrait('anna'));
  await enrol(collectionId, 'a.smith', await portrait('annaElsewhere'));
  await enrol(collectionId, 'bea', bea);
  await enrol(collectionId, 'bea', await sharp(bea).flop().jpeg().toBuffer());
  await enrol(collectionId, 'bea', await portrait('dora'));
  await enrol(collectionId, 'cleo', await portrait('cleo'));
  const emma = sharp(await portrait('emma')).resize(64);
  await enrol(collectionId, 'emma', await emma.blur(2).jpeg({ quality: 40 }).toBuffer());
}

/** Number of faces by external key. */
async function keysOf(collectionId: string): Promise<Record<string, number>> {
  const { people } = await dashboard.get(`/v1/external-key/list?collectionId=${collectionId}`);
  const pairs = people as readonly { readonly externalKey: string; readonly faceCount: number }[];
  return Object.fromEntries(pairs.map(({ externalKey, faceCount }) => [externalKey, faceCount]));
}

async function assertCrops(within: Locator, count: number): Promise<void> {
  const images = within.locator('img');
  await images.nth(count - 1).waitFor();
  assert.equal(await images.count(), count);
}

describe('The collections', () => {
  test('begin empty, and create one with its defaults', async () => {
    const page = await dashboard.loggedIn('/collections');
    await page.getByRole('heading', { name: 'No collections yet' }).waitFor();
    await assertAccessible(page, 'no collections');
    await page.getByRole('button', { name: 'New collection' }).first().click();
    const create = page.getByRole('button', { name: 'Create collection' });
    await page.getByLabel('Collection id').fill('Gäste');
    await page.getByText(/^Use only letters/).waitFor();
    assert.ok(await create.isDisabled());
    await page.getByLabel('Collection id').fill('guests');
    await page.getByLabel('Match threshold').fill('0.8');
    await page.getByText(/0\.8 on other products is about 80 here/).waitFor();
    assert.ok(await create.isDisabled());
    await page.getByLabel('Match threshold').fill('90');
    await page.getByLabel('Least quality').fill('40');
    await page.getByLabel('Description').fill('Hotel guests');
    await page.getByText('Face images').click();
    await assertAccessible(page, 'a new collection');
    await create.click();
    await page.getByRole('heading', { level: 2, name: 'guests' }).waitFor();
    const { description, minQuality, faceMatchThreshold, storeThumbnails } = (await known('guests')) as Known;
    assert.deepEqual(
      { description, minQuality, faceMatchThreshold, storeThumbnails },
      { description: 'Hotel guests', minQuality: 40, faceMatchThreshold: 90, storeThumbnails: true },
    );
    await assertAccessible(page, 'collections');
    await screenshot(page, 'dashboard-collections');
  });

  test('keep images of events for the days that the appliance allows, or fewer', async () => {
    const page = await dashboard.loggedIn('/collections');
    const fact = (value: string) =>
      page.locator('dl > div', { hasText: 'Images of events' }).getByText(value);
    const edit = async (days: string) => {
      await page.getByRole('button', { name: 'Actions of guests' }).click();
      await page.getByRole('menuitem', { name: 'Edit' }).click();
      await page.getByLabel('Days of event images').fill(days);
    };
    const save = page.getByRole('button', { name: 'Save' });
    await fact('1 day').waitFor();
    await edit('2');
    await page.getByText(/^Expected a whole number of days, at most 1,/).waitFor();
    assert.ok(await save.isDisabled());
    await assertAccessible(page, 'too many days');
    await page.getByLabel('Days of event images').fill('0');
    await save.click();
    await fact('Off').waitFor();
    assert.equal((await known('guests'))?.eventCropDays, 0);
    await edit('');
    await save.click();
    await fact('1 day').waitFor();
    assert.equal((await known('guests'))?.eventCropDays, null);
  });

  test('have error rates in place of a threshold, not beside it', async () => {
    const page = await dashboard.loggedIn('/collections');
    await page.getByRole('button', { name: 'Actions of guests' }).click();
    await page.getByRole('menuitem', { name: 'Edit' }).click();
    const save = page.getByRole('button', { name: 'Save' });
    await page.getByLabel('Error rate of searches').fill('0.001');
    await page.getByText(/^Clear the match threshold first/).waitFor();
    assert.ok(await save.isDisabled());
    await page.getByLabel('Match threshold').fill('');
    await page.getByLabel('Error rate of comparisons').fill('0.5');
    await page.getByText(/^Expected a number from 0\.000001 to 0\.1/).waitFor();
    await assertAccessible(page, 'error rates');
    await page.getByLabel('Error rate of comparisons').fill('0.000001');
    await save.click();
    await page.locator('dl > div', { hasText: 'Error rate of comparisons' }).getByText('0.0001%').waitFor();
    const set = (await known('guests')) as Known;
    assert.deepEqual(
      [set.faceMatchThreshold, set.maxFalsePositiveRate, set.maxFalseMatchRate],
      [null, 0.001, 0.000001],
    );
    await page.getByRole('button', { name: 'Actions of guests' }).click();
    await page.getByRole('menuitem', { name: 'Edit' }).click();
    assert.equal(await page.getByLabel('Error rate of comparisons').inputValue(), '0.000001');
    await page.getByLabel('Error rate of comparisons').fill('');
    await page.getByLabel('Error rate of searches').fill('');
    await page.getByLabel('Match threshold').fill('90');
    await save.click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    const back = (await known('guests')) as Known;
    assert.deepEqual([back.faceMatchThreshold, back.maxFalsePositiveRate], [90, null]);
  });

  test('warn before saving erases face images', async () => {
    const page = await dashboard.loggedIn('/collections');
    await page.getByRole('button', { name: 'Actions of guests' }).click();
    await page.getByRole('menuitem', { name: 'Edit' }).click();
    await page.getByRole('dialog').getByText('Face images').click();
    await page.getByText(/^Saving erases the images/).waitFor();
    await page.getByLabel('Match threshold').fill('');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    const { faceMatchThreshold, storeThumbnails, minQuality } = (await known('guests')) as Known;
    assert.deepEqual([faceMatchThreshold, storeThumbnails, minQuality], [null, false, 40]);
  });

  test('reset and delete a collection only after its id is typed', async () => {
    const bytes = (await portrait('anna')).toString('base64');
    await dashboard.post('/v1/face/index', { collectionId: 'guests', image: { bytes }, minQuality: 0 });
    const page = await dashboard.loggedIn('/collections');
    await page.getByRole('button', { name: 'Actions of guests' }).click();
    await page.getByRole('menuitem', { name: 'Delete all faces' }).click();
    await page.getByText(/^Deletes 1 face /).waitFor();
    const reset = page.getByRole('button', { name: 'Delete all faces' });
    await page.getByLabel('Type guests to confirm').fill('guest');
    assert.ok(await reset.isDisabled());
    await page.getByLabel('Type guests to confirm').fill('guests');
    await reset.click();
    await page.getByText('guests has no faces now.').waitFor();
    assert.equal((await known('guests'))?.faceCount, 0);
    await page.getByRole('button', { name: 'Actions of guests' }).click();
    await page.getByRole('menuitem', { name: 'Delete collection' }).click();
    await page.getByLabel('Type guests to confirm').fill('guests');
    await page.getByRole('button', { name: 'Delete collection' }).click();
    await page.getByRole('heading', { name: 'No collections yet' }).waitFor();
    assert.equal(await known('guests'), null);
  });

  test('show who is in them twice, and merge with undo', async () => {
    await plantMistakes('staff');
    const page = await dashboard.loggedIn('/collections');
    await page.getByRole('link', { name: 'Check for mistakes' }).click();
    await page.getByRole('heading', { level: 1, name: 'Mistakes in staff' }).waitFor();
    const twice = page.getByRole('article', { name: 'anna and a.smith look like one person' });
    const merge = twice.getByRole('button', { name: 'Merge' });
    await merge.waitFor();
    await assertCrops(twice, 2);
    await screenshot(page, 'dashboard-mistakes');
    await assertAccessible(page, 'mistakes');
    await merge.focus();
    await page.keyboard.press('Enter');
    await twice.getByText('Merged', { exact: true }).waitFor();
    assert.deepEqual(await keysOf('staff'), { anna: 2, bea: 3, cleo: 1, emma: 1 });
    await page.getByRole('button', { name: 'Undo', exact: true }).last().click();
    await merge.waitFor();
    assert.deepEqual(await keysOf('staff'), { 'a.smith': 1, anna: 1, bea: 3, cleo: 1, emma: 1 });
    await merge.click();
    await twice.getByText('Merged', { exact: true }).waitFor();
    // Another administrator changes the faces: nothing to undo any more.
    await enrol('staff', 'anna', await portrait('anna'));
    await page.getByRole('button', { name: /^Undo: Merged / }).click();
    await page.getByText(/^Not undone: Someone else changed this/).waitFor();
    await page.getByRole('button', { name: 'Check again' }).click();
    await page.getByRole('tab', { name: 'Same person twice (0)' }).waitFor();
  });

  test('split two people, and remove a poor face until a reload undoes it', async () => {
    const page = await dashboard.loggedIn('/collections/check?collection=staff');
    await page.getByRole('tab', { name: 'Several people under one name (1)' }).click();
    const mixed = page.getByRole('article', { name: 'bea looks like 2 people' });
    await mixed.getByText('becomes bea.2').waitFor();
    await assertCrops(mixed, 3);
    await assertAccessible(page, 'a mixed name');
    await mixed.getByRole('button', { name: 'Split' }).click();
    await mixed.getByText('Split', { exact: true }).waitFor();
    assert.equal((await keysOf('staff'))['bea.2'], 1);
    await page.keyboard.press('Tab');
    await page.getByRole('tab', { name: /^Several/ }).focus();
    await page.keyboard.press('ArrowRight');
    const poor = page.getByRole('article', { name: 'Poor image of emma' });
    await poor.getByText('The face is blurred').waitFor();
    await poor.getByRole('button', { name: 'Remove face' }).click();
    await poor.getByText('Removed', { exact: true }).waitFor();
    assert.equal((await keysOf('staff')).emma, undefined);
    await page.reload();
    await page.getByRole('button', { name: 'Undo: Removed a poor image of emma' }).click();
    await page.getByText('Everything is as it was').waitFor();
    assert.equal((await keysOf('staff')).emma, 1);
  });

  test('mark a finding as no mistake, and show it again', async () => {
    const page = await dashboard.loggedIn('/collections/check?collection=staff');
    const tab = page.getByRole('tab', { name: /^Poor images/ });
    await tab.click();
    const before = await tab.textContent();
    const poor = page.getByRole('article', { name: 'Poor image of emma' });
    await poor.getByRole('button', { name: 'Not a mistake' }).click();
    await poor.getByRole('button', { name: 'Show again' }).waitFor();
    await page.getByRole('button', { name: 'Check again' }).click();
    await tab.click();
    await page.getByText('The last 1 is marked as no mistake.').waitFor();
    assert.notEqual(await tab.textContent(), before);
    await assertAccessible(page, 'a dismissed finding');
    await poor.getByRole('button', { name: 'Show again' }).click();
    await poor.getByRole('button', { name: 'Not a mistake' }).waitFor();
    await page.getByRole('button', { name: 'Check again' }).click();
    await tab.and(page.getByText(before ?? '', { exact: true })).waitFor();
  });

  test('say that the check runs, found nothing, or failed; in German on a phone too', async () => {
    const page = await dashboard.loggedIn('/');
    await page.setViewportSize(PHONE);
    await page.evaluate(`localStorage.setItem('visage.language', 'de')`);
    await page.goto(`${dashboard.url}/collections`);
    let answer: object | number = { state: 'running', progress: 0.42, startedAt: null, endedAt: null };
    await page.route('**/v1/collection/examine?*', async (route) => {
      if (typeof answer === 'number') return route.fulfill({ status: answer, json: { code: 'NOT_READY' } });
      const real = await (await route.fetch()).json();
      return route.fulfill({ json: { ...real, ...answer } });
    });
    await page.getByRole('link', { name: 'Auf Fehler prüfen' }).click();
    await page.getByRole('progressbar', { name: 'Auf Fehler prüfen' }).waitFor();
    await assertAccessible(page, 'a check that runs');
    answer = { counts: { duplicate: 0, mixed: 0, 'look-alike': 0, 'low-quality': 0 } };
    await page.getByRole('heading', { name: 'Keine Fehler gefunden' }).waitFor();
    await assertFits(page, 'no mistakes');
    answer = { state: 'failed' };
    await page.reload();
    await page.getByText('Die Prüfung wurde nicht fertig').waitFor();
    answer = 409;
    await page.reload();
    await page.getByRole('button', { name: 'Erneut versuchen' }).waitFor();
    answer = {};
    await page.getByRole('button', { name: 'Erneut versuchen' }).click();
    await page.getByRole('tab', { name: /^Schlechte Bilder/ }).click();
    await page.getByRole('article', { name: 'Schlechtes Bild von emma' }).waitFor();
    await assertFits(page, 'mistakes');
    await assertAccessible(page, 'mistakes on a phone');
  });

  test('fit a phone', async () => {
    await dashboard.post('/v1/collection/create', { collectionId: 'a'.repeat(60) });
    const page = await dashboard.loggedIn('/collections');
    await page.setViewportSize(PHONE);
    await page.getByRole('heading', { level: 2, name: /^aaa/ }).waitFor();
    await assertFits(page, 'collections');
    await assertAccessible(page, 'collections on a phone');
  });
});
