import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { assertAccessible, assertFits, Dashboard, OWNER, PHONE } from '../../testing/dashboard.ts';
import { portrait } from '../../testing/photographs.ts';

const SCREENS = {
  Overview: '/',
  Live: '/live',
  People: '/people',
  'Try it': '/try-it',
  Collections: '/collections',
  'API keys': '/api-keys',
  Members: '/members',
  Audit: '/audit',
  Billing: '/billing',
  System: '/system',
};
const SCRIPT_LIMIT = 250_000;

let dashboard: Dashboard;

before(async () => {
  dashboard = await Dashboard.open();
});
after(() => dashboard?.stop());
afterEach(() => dashboard.endTest());

const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name });

describe('The log-in', () => {
  test('refuses a wrong password, says so, and lets the reader correct it', async () => {
    const page = await dashboard.page();
    await page.goto(`${dashboard.url}/people`);
    await page.getByLabel('E-mail').fill(OWNER.email);
    await page.getByLabel('Password').fill('wrong');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('The e-mail or password is wrong.').waitFor();
    assert.equal(await page.getByLabel('Password').inputValue(), '');
    await page.getByLabel('Password').fill(OWNER.password);
    await page.keyboard.press('Enter');
    await heading(page, 'People').waitFor();
  });

  test('keeps no token where scripts can read it', async () => {
    const page = await dashboard.loggedIn();
    const stored = await page.evaluate('JSON.stringify([{ ...localStorage }, { ...sessionStorage }])');
    assert.ok(!/token|session|eyJ/i.test(String(stored)), String(stored));
    assert.ok(!String(await page.evaluate('document.cookie')).includes('visage_session'));
  });

  test('comes back after the session ended elsewhere, and then shows the same page', async () => {
    const page = await dashboard.loggedIn('/api-keys');
    await heading(page, 'API keys').waitFor();
    await page.context().clearCookies();
    await page.getByRole('link', { name: 'Collections' }).click();
    await page.reload();
    await page.getByLabel('E-mail').fill(OWNER.email);
    await page.getByLabel('Password').fill(OWNER.password);
    await page.keyboard.press('Enter');
    await heading(page, 'Collections').waitFor();
  });

  test('passes axe in both themes', async () => {
    const page = await dashboard.page();
    await page.goto(dashboard.url);
    await page.getByLabel('E-mail').waitFor();
    await assertAccessible(page, 'log-in');
  });
});

describe('The frame', () => {
  test('leads to every screen, and each has its own address', async () => {
    const page = await dashboard.loggedIn();
    for (const [name, path] of Object.entries(SCREENS)) {
      await page.getByRole('link', { name, exact: true }).click();
      await heading(page, name).waitFor();
      assert.equal(new URL(page.url()).pathname, path);
      assert.match(await page.title(), new RegExp(`^${name} · Visage`));
    }
    await page.goBack();
    await heading(page, 'Billing').waitFor();
  });

  test('opens each screen by its address', async () => {
    const page = await dashboard.loggedIn();
    for (const [name, path] of Object.entries(SCREENS)) {
      await page.goto(dashboard.url + path);
      await heading(page, name).waitFor();
    }
  });

  test('shows a member without rights neither the screens nor their links', async () => {
    const page = await dashboard.loggedIn('/members', {}, await dashboard.member('member'));
    await page.getByRole('heading', { name: 'Your role does not allow this' }).waitFor();
    await page.getByRole('link', { name: 'People', exact: true }).waitFor();
    for (const name of ['Members', 'Audit', 'Billing', 'System']) {
      assert.equal(await page.getByRole('link', { name, exact: true }).count(), 0, name);
    }
  });

  test('speaks German, and remembers it', async () => {
    const page = await dashboard.loggedIn();
    await page.getByRole('button', { name: 'Account and settings' }).click();
    await page.getByRole('menuitem', { name: 'Deutsch' }).click();
    await heading(page, 'Übersicht').waitFor();
    await page.reload();
    await heading(page, 'Übersicht').waitFor();
    assert.equal(await page.evaluate('document.documentElement.lang'), 'de');
  });

  test('is German from the start in a German browser', async () => {
    const page = await dashboard.page({ locale: 'de-AT' });
    await page.goto(dashboard.url);
    await page.getByRole('button', { name: 'Anmelden' }).waitFor();
  });

  test("turns the account's events off and on, for admins alone", async () => {
    const page = await dashboard.loggedIn();
    const open = async () => {
      await page.getByRole('button', { name: 'Account and settings' }).click();
      await page.getByRole('menuitem', { name: 'Event recording' }).click();
    };
    const isOn = async () => (await dashboard.get('/v1/events/recording')).enabled;
    await open();
    const dialog = page.getByRole('dialog', { name: 'Event recording' });
    await dialog.getByText(/keeps it for 1 day\.$/).waitFor();
    await assertAccessible(page, 'event recording');
    await dialog.getByRole('button', { name: 'Turn off and erase' }).click();
    await page.getByText('No events are recorded from now on.', { exact: false }).waitFor();
    assert.equal(await isOn(), false);
    await open();
    await dialog.getByText(/^This account records no events\./).waitFor();
    await dialog.getByRole('button', { name: 'Record events' }).click();
    await page.getByText('Events are recorded from now on.', { exact: true }).waitFor();
    assert.equal(await isOn(), true);
    const other = await dashboard.loggedIn('/', {}, await dashboard.member('member', 'plain@example.com'));
    await other.getByRole('button', { name: 'Account and settings' }).click();
    await other.getByRole('menuitem', { name: 'Log out' }).waitFor();
    assert.equal(await other.getByRole('menuitem', { name: 'Event recording' }).count(), 0);
  });

  test('opens its menus by keyboard, closes them with Escape, and passes axe while they are open', async () => {
    await dashboard.post('/v1/collection/create', { collectionId: 'lobby' });
    await dashboard.post('/v1/collection/create', { collectionId: 'vault' });
    const page = await dashboard.loggedIn();
    await heading(page, 'Overview').waitFor();
    for (const name of ['Account and settings', 'Collection']) {
      const button = page.getByRole('button', { name });
      await button.focus();
      await page.keyboard.press('Enter');
      await page.getByRole('menu').waitFor();
      await assertAccessible(page, name);
      await page.keyboard.press('Escape');
      await page.getByRole('menu').waitFor({ state: 'detached' });
      await button.and(page.locator(':focus')).waitFor();
    }
    const collection = page.getByRole('button', { name: 'Collection' });
    await collection.press('ArrowDown');
    await page.getByRole('menuitem', { name: 'vault' }).focus();
    await page.keyboard.press('Enter');
    await collection.filter({ hasText: 'vault' }).waitFor();
  });

  test('becomes dark on demand, and remembers it', async () => {
    const page = await dashboard.loggedIn();
    await page.getByRole('button', { name: 'Account and settings' }).click();
    await page.getByRole('menuitem', { name: 'Dark' }).click();
    const scheme = () => page.evaluate('getComputedStyle(document.documentElement).colorScheme');
    assert.equal(await scheme(), 'dark');
    await page.reload();
    await heading(page, 'Overview').waitFor();
    assert.equal(await scheme(), 'dark');
  });

  test('passes axe in both themes, on a desk and on a phone, where nothing scrolls sideways', async () => {
    const page = await dashboard.loggedIn();
    for (const viewport of [{ width: 1280, height: 800 }, PHONE]) {
      await page.setViewportSize(viewport);
      await assertAccessible(page, `${viewport.width} px`);
      await assertFits(page, `${viewport.width} px`);
    }
    await page.getByRole('button', { name: 'Open navigation' }).click();
    await page.getByRole('dialog', { name: 'Main' }).waitFor();
    await assertAccessible(page, 'navigation of a phone');
    await page.getByRole('dialog').getByRole('link', { name: 'People', exact: true }).click();
    await heading(page, 'People').waitFor();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  });

  test('says that the service is down, and continues by itself when it is back', async () => {
    const page = await dashboard.loggedIn('/collections');
    await heading(page, 'Collections').waitFor();
    await dashboard.halt();
    await page.getByRole('link', { name: 'API keys' }).click();
    await page.getByRole('heading', { name: 'This screen could not be shown' }).waitFor();
    await page.getByRole('status').getByText('Visage does not answer.').waitFor();
    await assertAccessible(page, 'offline');
    await dashboard.restart();
    await page.getByText('Visage does not answer.').waitFor({ state: 'detached' });
    dashboard.faults.splice(0);
    await heading(page, 'API keys').waitFor();
  });

  test('goes to screens, collections and people, and changes the theme, from the command palette', async () => {
    const collectionId = 'palette';
    await dashboard.post('/v1/collection/create', { collectionId });
    const image = { bytes: (await portrait('anna')).toString('base64') };
    await dashboard.post('/v1/face/enroll', { collectionId, externalKey: 'anna.bell', image });
    const page = await dashboard.loggedIn();
    const open = async () => {
      await page.keyboard.press('Control+k');
      await page.getByPlaceholder('Screen, person').waitFor();
    };
    await open();
    await assertAccessible(page, 'command palette');
    await page.keyboard.type('audi');
    await page.keyboard.press('Enter');
    await heading(page, 'Audit').waitFor();
    await open();
    await page.keyboard.type(collectionId);
    await page.getByRole('menuitem', { name: collectionId }).click();
    await open();
    await page.keyboard.type('bell');
    await page.getByRole('menuitem', { name: 'anna.bell' }).click();
    await page.waitForURL('**/people/anna.bell');
    await open();
    await page.keyboard.type('dark th');
    await page.keyboard.press('Enter');
    await page.locator('html[data-theme=dark]').waitFor({ state: 'attached' });
  });

  test('has keys for screens and for their list, which the reader can turn off', async () => {
    const page = await dashboard.loggedIn();
    await heading(page, 'Overview').waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('k');
    await heading(page, 'API keys').waitFor();
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
    await assertAccessible(page, 'keyboard shortcuts');
    await page.getByRole('switch', { name: 'Keys without Ctrl' }).press('Space');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.keyboard.press('g');
    await page.keyboard.press('c');
    await page.keyboard.press('?');
    assert.equal(await page.getByRole('dialog').count(), 0);
    await heading(page, 'API keys').waitFor();
  });

  test(`loads at most ${SCRIPT_LIMIT / 1000} KB of compressed JavaScript for the first screen`, async () => {
    const page = await dashboard.page();
    const client = await page.context().newCDPSession(page);
    await client.send('Network.enable');
    const scripts = new Set<string>();
    let bytes = 0;
    client.on('Network.responseReceived', ({ requestId, type, response }) => {
      if (type === 'Script' || response.url.endsWith('.js')) scripts.add(requestId);
    });
    client.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
      if (scripts.has(requestId)) bytes += encodedDataLength;
    });
    await dashboard.logInByForm(page);
    await heading(page, 'Overview').waitFor();
    await page.waitForLoadState('networkidle');
    assert.ok(scripts.size > 2);
    assert.ok(bytes < SCRIPT_LIMIT, `${bytes} bytes`);
    console.log(`# ${bytes} bytes of JavaScript`);
  });
});
