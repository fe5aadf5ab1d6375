import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { assertAccessible, assertFits, Dashboard, OWNER } from '../../testing/dashboard.ts';
import { portrait } from '../../testing/photographs.ts';

const WIDE = { width: 2560, height: 1440 };

const SCREENS = [
  ['/', 'Overview', 'Übersicht', 'Anlage'],
  ['/live', 'Live', 'Live', 'Alle Ergebnisse'],
  ['/people', 'People', 'Personen', '2 Personen'],
  ['/people/person?key=anna', 'anna', 'anna', 'Umbenennen'],
  ['/people/add', 'Add people', 'Personen hinzufügen', 'Ordner wählen'],
  ['/try-it', 'Try it', 'Ausprobieren', 'Bild wählen'],
  ['/collections', 'Collections', 'Sammlungen', 'Gesichtsbilder'],
  ['/api-keys', 'API keys', 'API-Schlüssel', 'Neuer Schlüssel'],
  ['/members', 'Members', 'Mitglieder', /^Personen, die sich hier anmelden/],
  ['/audit', 'Audit', 'Protokoll', 'Sammlung erstellt'],
  ['/billing', 'Billing', 'Abrechnung', 'Aufrufe'],
  ['/system', 'System', 'System', 'Sicherung starten'],
] as const;

let dashboard: Dashboard;

before(async () => {
  dashboard = await Dashboard.open();
  await dashboard.post('/v1/collection/create', { collectionId: 'staff', storeThumbnails: true });
  for (const externalKey of ['anna', 'bea'] as const) {
    const image = { bytes: (await portrait(externalKey)).toString('base64') };
    await dashboard.post('/v1/face/enroll', { collectionId: 'staff', externalKey, image });
    await dashboard.post('/v1/face/search', { collectionId: 'staff', source: 'front door', image });
  }
  await dashboard.post('/v1/auth/api-keys', { name: 'entrance', collection_id: 'staff' });
});
after(() => dashboard?.stop());
afterEach(() => dashboard.endTest());

const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name, exact: true });

async function everyScreen(
  page: Page,
  look: (path: string, german: string | RegExp) => Promise<void>,
): Promise<void> {
  const isGerman = (await page.evaluate('document.documentElement.lang')) === 'de';
  for (const [path, english, german, text] of SCREENS) {
    await page.goto(dashboard.url + path);
    await heading(page, isGerman ? german : english).waitFor();
    await page
      .locator('[role=status][aria-label=Loading], [role=status][aria-label="Wird geladen"]')
      .first()
      .waitFor({ state: 'detached' });
    await look(path, text);
  }
}

describe('Every screen', () => {
  test('uses 2,560 pixels without scrolling sideways or reading lines that are too long', async () => {
    const page = await dashboard.loggedIn('/', { viewport: WIDE });
    await everyScreen(page, async (path) => {
      await assertFits(page, `${path}, wide`);
      await assertAccessible(page, `${path}, wide`);
      const widest = (await page.evaluate(
        `Math.max(0, ...[...document.querySelectorAll('main p')].map((each) => {
          const range = document.createRange();
          range.selectNodeContents(each);
          return range.getBoundingClientRect().width / parseFloat(getComputedStyle(each).fontSize);
        }))`,
      )) as number;
      assert.ok(widest < 75, `${path}: a paragraph of ${Math.round(widest)} em`);
    });
  });

  test('stays legible in forced colours: nothing scrolls sideways, and what is chosen and focused shows', async () => {
    const page = await dashboard.loggedIn('/');
    await page.emulateMedia({ forcedColors: 'active' });
    await everyScreen(page, async (path) => {
      await assertFits(page, `${path}, forced colours`);
      await assertAccessible(page, `${path}, forced colours`, ['color-contrast']);
      const [current, other] = (await page.evaluate(
        `['[aria-current=page]', ':not([aria-current])'].map((which) =>
          getComputedStyle(document.querySelector('nav a' + which)).backgroundColor)`,
      )) as [string, string];
      assert.notEqual(current, other, path);
      const unmarked = (await page.evaluate(
        `[...document.querySelectorAll('main button, main a, main input:not([type=file], .react-aria-NumberField *)')]
          .filter((each) => each.checkVisibility() && !each.disabled && each.getClientRects()[0]?.width > 4)
          .filter((each) => {
            each.focus({ focusVisible: true });
            if (document.activeElement !== each) return false;
            const marks = [each, each.closest('label'), ...(each.closest('label')?.children ?? [])];
            return !marks.some((mark) => mark && getComputedStyle(mark).outlineStyle !== 'none');
          }).map((each) => each.outerHTML.slice(0, 200))`,
      )) as string[];
      assert.deepEqual(unmarked, [], path);
    });
  });

  test('has more contrast on demand, without a fault', async () => {
    const page = await dashboard.loggedIn('/');
    await page.emulateMedia({ contrast: 'more' });
    await everyScreen(page, async (path) => assertAccessible(page, `${path}, more contrast`));
  });

  test('speaks German, and German fits', async () => {
    const page = await dashboard.page({ locale: 'de-DE' });
    await page.goto(dashboard.url);
    await page.getByLabel('E-Mail').fill(OWNER.email);
    await page.getByLabel('Passwort').fill(OWNER.password);
    await page.keyboard.press('Enter');
    await heading(page, 'Übersicht').waitFor();
    await everyScreen(page, async (path, german) => {
      await page.getByText(german).filter({ visible: true }).first().waitFor();
      await assertFits(page, `${path}, German`);
    });
    await page.setViewportSize({ width: 360, height: 740 });
    await everyScreen(page, async (path) => assertFits(page, `${path}, German on a phone`));
  });
});
