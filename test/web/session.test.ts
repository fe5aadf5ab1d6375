import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { assertAccessible, Dashboard, OWNER } from '../../testing/dashboard.ts';

const MINUTE_MS = 60_000;

let dashboard: Dashboard;

before(async () => {
  dashboard = await Dashboard.open();
});
after(() => dashboard?.stop());
afterEach(() => dashboard.endTest());

const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name });
const exists = async (collectionId: string) => {
  const { collections } = await dashboard.get('/v1/collection/get-all');
  return collections.some((each: { collectionId: string }) => each.collectionId === collectionId);
};

describe('An act that destroys data', () => {
  const word = (page: Page) => page.getByLabel('Type visitors to confirm');
  const confirm = (page: Page) => page.getByRole('dialog', { name: 'Confirm your password' });
  const begin = async (page: Page) => {
    await page.getByRole('button', { name: 'Actions of visitors' }).click();
    await page.getByRole('menuitem', { name: 'Delete collection' }).click();
    await word(page).fill('visitors');
    await page.getByRole('button', { name: 'Delete collection' }).click();
  };

  test('asks for the password ten minutes after the log-in, and happens only with the right one', async () => {
    await dashboard.post('/v1/collection/create', { collectionId: 'visitors' });
    const page = await dashboard.loggedIn('/collections');
    await dashboard.age(11 * MINUTE_MS);
    await page.reload();
    await begin(page);
    await confirm(page).waitFor();
    await assertAccessible(page, 'step-up');
    await page.keyboard.press('Escape');
    await page.getByText('The password was not confirmed, so nothing changed.').waitFor();
    assert.equal(await exists('visitors'), true);
    await page.getByRole('button', { name: 'Delete collection' }).click();
    await confirm(page).getByLabel('Password').fill('wrong');
    await page.keyboard.press('Enter');
    await confirm(page).getByRole('alert').waitFor();
    assert.equal(await exists('visitors'), true);
    await confirm(page).getByLabel('Password').fill(OWNER.password);
    await page.keyboard.press('Enter');
    await page.getByText('visitors is deleted.').waitFor();
    assert.equal(await exists('visitors'), false);
  });

  test('happens without another password soon after it', async () => {
    await dashboard.post('/v1/collection/create', { collectionId: 'visitors' });
    const page = await dashboard.loggedIn('/collections');
    await begin(page);
    await page.getByText('visitors is deleted.').waitFor();
    assert.equal(await confirm(page).count(), 0);
  });
});

describe('An idle session', () => {
  test('ends after half an hour without an act, although the page goes on asking; the log-in returns to it', async () => {
    const page = await dashboard.page();
    await page.clock.install();
    await dashboard.logIn(page, OWNER, '/collections');
    await heading(page, 'Collections').waitFor();
    await dashboard.age(29 * MINUTE_MS);
    const checked = page.waitForResponse(
      (response) => response.url().endsWith('/v1/auth/me') && response.ok(),
    );
    await page.clock.fastForward(MINUTE_MS / 2);
    await checked;
    assert.equal(await heading(page, 'Collections').count(), 1);
    await dashboard.age(2 * MINUTE_MS);
    await page.clock.fastForward(MINUTE_MS / 2);
    await page.getByText('Your session has ended.', { exact: false }).waitFor();
    await assertAccessible(page, 'log-in after an idle session');
    assert.equal(await heading(page, 'Collections').count(), 0);
    await page.getByLabel('E-mail').fill(OWNER.email);
    await page.getByLabel('Password').fill(OWNER.password);
    await page.keyboard.press('Enter');
    await heading(page, 'Collections').waitFor();
  });
});
