import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { assertAccessible, assertFits, Dashboard, PHONE, screenshot } from '../../testing/dashboard.ts';
import { portrait } from '../../testing/photographs.ts';

let dashboard: Dashboard;

before(async () => {
  dashboard = await Dashboard.open();
});
after(() => dashboard?.stop());
afterEach(() => assert.deepEqual(dashboard.faults.splice(0), []));

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

/** Null if it does not exist. */
async function known(collectionId: string): Promise<Known | null> {
  const headers = { Authorization: `Bearer ${await dashboard.token()}` };
  const response = await fetch(`${dashboard.url}/v1/collection/get?collectionId=${collectionId}`, {
    headers,
  });
  if (response.status === 404) return null;
  return ((await response.json()) as { recognitionCollection: Known }).recognitionCollection;
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

  test('fit a phone', async () => {
    await dashboard.post('/v1/collection/create', { collectionId: 'a'.repeat(60) });
    const page = await dashboard.loggedIn('/collections');
    await page.setViewportSize(PHONE);
    await page.getByRole('heading', { level: 2, name: /^aaa/ }).waitFor();
    await assertFits(page, 'collections');
    await assertAccessible(page, 'collections on a phone');
  });
});
