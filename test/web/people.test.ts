import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { openSearchSpace, type Row } from '../../src/native/gallery-index.ts';
import { Store } from '../../src/store/store.ts';
import { openModelPack } from '../../src/vision/model-pack.ts';
import {
  assertAccessible,
  assertFits,
  Dashboard,
  OWNER,
  PHONE,
  screenshot,
  takeSuggestion,
} from '../../testing/dashboard.ts';
import { type Person, portrait } from '../../testing/photographs.ts';

const MANY = 10_000;
const { searchSpace } = await openModelPack('faceplugin');
const DIMENSION = 512;
const space = openSearchSpace(searchSpace ?? DIMENSION);
const SENT = { timeout: 20_000 };
const FRAMES = 120;
/** Of the processor: 30 frames a second on a machine that does other work. */
const FRAME_MS = 1000 / 30;
const PEOPLE: readonly Person[] = ['anna', 'annaElsewhere', 'bea', 'cleo', 'dora', 'emma'];

let dashboard: Dashboard;

before(async () => {
  dashboard = await Dashboard.open();
  for (const collectionId of ['crowd', 'few']) {
    await dashboard.post('/v1/collection/create', { collectionId, storeThumbnails: collectionId === 'few' });
  }
  await seedCrowd();
});
after(() => dashboard?.stop());
afterEach(() => dashboard.endTest());

function rowOf(n: number): Row {
  const template = Float32Array.from({ length: DIMENSION }, (_, at) =>
    Math.sin((n + 1) * (at + 1) * 12.9898),
  );
  return space.row(template);
}

async function seedCrowd(): Promise<void> {
  await dashboard.halt();
  const store = Store.open(dashboard.service.folder);
  const owner = { accountId: store.accounts.first().accountId, environment: 'live' } as const;
  const collection = store.collections.get(owner, 'crowd');
  assert.ok(collection);
  const { pack, packVersion } = collection;
  const adding = Array.from({ length: MANY }, (_, n) => {
    const face = {
      box: { x: 0, y: 0, width: 50, height: 50 },
      confidence: 1,
      createdAt: Date.now(),
      quality: { score: n % 101, reasons: [] },
      pack,
      packVersion,
    };
    const externalKey = `person-${String(n).padStart(5, '0')}`;
    return store.faces.add(owner, 'crowd', face, rowOf(n), { externalKey, allowDuplicates: true });
  });
  await Promise.all(adding);
  await store.close();
  await dashboard.restart();
}

async function add(path: string, query: Record<string, string>, person: Person): Promise<void> {
  const response = await fetch(`${dashboard.url}${path}?${new URLSearchParams(query)}`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${await dashboard.token()}`, 'Content-Type': 'image/jpeg' },
    body: new Uint8Array(await portrait(person)),
  });
  assert.ok(response.ok, await response.text());
}

async function enrolFew(): Promise<void> {
  await dashboard.post('/v1/external-key/delete-faces', { collectionId: 'few', externalKeys: [...PEOPLE] });
  for (const person of PEOPLE) {
    await add(
      '/v1/face/enroll',
      { collectionId: 'few', externalKey: person, allowDuplicates: 'true' },
      person,
    );
  }
}

const card = (page: Page, name: string) => page.getByRole('link', { name: new RegExp(`^${name}( |$|\\d)`) });
const box = (page: Page, name: string) => page.getByRole('checkbox', { name: `Select ${name}`, exact: true });
const count = (page: Page, text: string) => page.getByText(text, { exact: true }).waitFor();

describe('The grid of 10,000 people', () => {
  test('knows the total at once, and scrolls to the end with few elements and little work a frame', async () => {
    const page = await dashboard.loggedIn('/people?collection=crowd');
    await count(page, '10,000 people');
    // Time of the processor, not of the clock: other programs must not slow the test down.
    const client = await page.context().newCDPSession(page);
    await client.send('Performance.enable', { timeDomain: 'threadTicks' });
    const busy = async () => {
      const { metrics } = await client.send('Performance.getMetrics');
      return (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? 0) * 1000;
    };
    const before = await busy();
    await page.evaluate(`new Promise((resolve) => {
      let frames = 0;
      const step = () => {
        scrollBy(0, 220);
        if (++frames < ${FRAMES}) requestAnimationFrame(step);
        else resolve();
      };
      requestAnimationFrame(step);
    })`);
    const each = ((await busy()) - before) / FRAMES;
    console.log(`# ${each.toFixed(1)} ms for a frame that scrolls by a row`);
    assert.ok(each < FRAME_MS, `${each} ms`);
    await page.keyboard.press('End');
    await card(page, 'person-09999').waitFor();
    const elements = (await page.evaluate("document.querySelectorAll('main *').length")) as number;
    assert.ok(elements < 3000, `${elements} elements`);
    assert.equal(
      await page.evaluate("document.querySelector('main li').getAttribute('aria-setsize')"),
      '10000',
    );
  });

  test('filters, sorts, and keeps both in the address', async () => {
    const page = await dashboard.loggedIn('/people?collection=crowd');
    await page.getByRole('searchbox', { name: 'Filter by name' }).fill('0042');
    await count(page, '11 people');
    await page.getByRole('button', { name: 'Sort by' }).click();
    await page.getByRole('option', { name: 'Quality' }).click();
    await page.getByText('Quality 16', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Smallest first' }).click();
    await page.getByRole('button', { name: 'Largest first' }).waitFor();
    await page.reload();
    await count(page, '11 people');
    assert.match(page.url(), /filter=0042/);
    assert.match(page.url(), /sort=quality/);
    await page.getByRole('searchbox', { name: 'Filter by name' }).fill('nobody');
    await page.getByRole('heading', { name: 'No one matches “nobody”' }).waitFor();
  });

  test('selects ranges and everything within the filter, and deletes many after the undo time', async () => {
    const page = await dashboard.loggedIn('/people?collection=crowd&filter=person-001');
    await count(page, '100 people');
    await box(page, 'person-00100').check();
    await box(page, 'person-00103').click({ modifiers: ['Shift'] });
    await page.getByText('4 selected').waitFor();
    await page.keyboard.press('Escape');
    await page.getByText('4 selected').waitFor({ state: 'detached' });
    await page.keyboard.press('Control+a');
    await page.getByText('100 selected').waitFor();
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByText('Deleted 100 people').waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await count(page, '100 people');
    await page.keyboard.press('Control+a');
    await page.getByText('100 selected').waitFor();
    await page.keyboard.press('Delete');
    const [response] = await Promise.all([
      page.waitForResponse((each) => each.url().endsWith('/v1/external-key/delete-faces'), SENT),
      page.getByText('Deleted 100 people').waitFor(),
    ]);
    assert.deepEqual(await response.json(), { deletedFaceCount: 100 });
    await page.getByRole('searchbox', { name: 'Filter by name' }).fill('');
    await count(page, '9,900 people');
  });

  test('moves with the arrow keys, opens with Enter and selects with the space bar', async () => {
    const page = await dashboard.loggedIn('/people?collection=crowd');
    await card(page, 'person-00000').focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Space');
    await page.getByText('1 selected').waitFor();
    assert.ok(await box(page, 'person-00001').isChecked());
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'person-00001' }).waitFor();
  });

  test('passes axe and fits a phone', async () => {
    const page = await dashboard.loggedIn('/people?collection=crowd');
    await count(page, '9,900 people');
    await page.keyboard.press('Control+a');
    await page.getByText('9,900 selected').waitFor();
    await assertAccessible(page, 'grid');
    await page.keyboard.press('Escape');
    await page.setViewportSize(PHONE);
    await assertFits(page, 'grid');
    await assertAccessible(page, 'grid on a phone');
  });
});

describe('A person', () => {
  test('shows crops, faces and quality in words', async () => {
    await enrolFew();
    const page = await dashboard.loggedIn('/people?collection=few');
    await count(page, '6 people');
    await page.waitForFunction(
      "[...document.querySelectorAll('main img')].filter((each) => each.naturalWidth === 224).length === 6",
    );
    await screenshot(page, 'dashboard-people');
    await card(page, 'anna').click();
    await page.getByRole('heading', { level: 1, name: 'anna', exact: true }).waitFor();
    await page
      .getByText(/ quality, \d+$/)
      .first()
      .waitFor();
    await assertAccessible(page, 'person');
    await screenshot(page, 'dashboard-person');
    await page.setViewportSize(PHONE);
    await assertFits(page, 'person');
    await assertAccessible(page, 'person on a phone');
  });

  test('sorts everyone by similarity to one of its faces', async () => {
    const page = await dashboard.loggedIn('/people/person?collection=few&key=anna');
    await page.getByRole('link', { name: 'Find similar people' }).click();
    await page.getByText('Similar to anna').waitFor();
    const first = page.getByRole('list', { name: 'People' }).getByRole('link').first();
    await first.getByText('annaElsewhere').waitFor();
    await first.getByText(/^Similarity 9\d\.\d$/).waitFor();
    await page.getByRole('button', { name: 'Show all people' }).click();
    await page.getByText('Similar to anna').waitFor({ state: 'detached' });
  });

  test('is renamed; a used name offers a merge', async () => {
    const page = await dashboard.loggedIn('/people/person?collection=few&key=bea');
    await page.getByRole('button', { name: 'Rename' }).click();
    const dialog = page.getByRole('dialog', { name: 'Rename bea' });
    await dialog.getByLabel('New name').fill('bea trice');
    await dialog.getByText('The name has a space.').waitFor();
    await dialog.getByLabel('New name').fill('beatrice');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'beatrice' }).waitFor();
    await page.getByRole('button', { name: 'Rename' }).click();
    await page.getByLabel('New name').fill('cleo');
    await page.keyboard.press('Enter');
    await page.getByText('cleo exists already').waitFor();
    await page.getByRole('button', { name: 'Merge' }).last().click();
    await page.getByRole('heading', { level: 1, name: 'cleo' }).waitFor();
    await page.getByRole('tab', { name: '2 faces' }).waitFor();
  });

  test('takes a face of another person, and lets it go again by "Undo"', async () => {
    const page = await dashboard.loggedIn('/people/person?collection=few&key=cleo');
    const move = async () => {
      await page.getByRole('button', { name: 'Actions' }).first().click();
      await page.getByRole('menuitem', { name: 'Move to another person' }).click();
      await takeSuggestion(page, 'Person', 'dora', 'dora');
      await page.getByRole('dialog').getByRole('button', { name: 'Move to another person' }).click();
      await page.getByText('Moved 1 face to dora').waitFor();
    };
    const faces = page.getByRole('checkbox', { name: /^Select Face of/ });
    await faces.nth(1).waitFor();
    await move();
    await faces.nth(1).waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Undo' }).click();
    await faces.nth(1).waitFor();
    await move();
    await page.waitForResponse((each) => each.url().endsWith('/v1/external-key/set'), SENT);
    await page.goto(`${dashboard.url}/people/person?key=dora`);
    await page.getByRole('tab', { name: '2 faces' }).waitFor();
  });

  test('merges into another one, and is deleted, both after the undo time', async () => {
    const page = await dashboard.loggedIn('/people?collection=few');
    await box(page, 'anna').check();
    await box(page, 'annaElsewhere').check();
    await page.getByRole('button', { name: 'Merge' }).click();
    await page.getByRole('dialog', { name: 'Merge 2 people' }).waitFor();
    await assertAccessible(page, 'merge');
    const into = page.getByRole('combobox', { name: 'Into' });
    await into.fill('newcomer');
    await page.getByText(/^This collection has no person newcomer yet/).waitFor();
    await page.getByRole('button', { name: 'Merge and rename' }).waitFor();
    await into.fill('anna');
    await page.getByRole('option', { name: 'annaElsewhere' }).waitFor();
    await into.press('ArrowDown');
    await into.press('Enter');
    assert.equal(await into.inputValue(), 'anna');
    await page.getByRole('dialog').getByRole('button', { name: 'Merge', exact: true }).click();
    await page.getByText('Merged 1 person into anna').waitFor();
    assert.equal(await card(page, 'annaElsewhere').count(), 0);
    await page.waitForResponse((each) => each.url().endsWith('/v1/external-key/rename'), SENT);
    await page.goto(`${dashboard.url}/people/person?key=anna`);
    await page.getByRole('tab', { name: '2 faces' }).waitFor();
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByText('Deleted anna').waitFor();
    await count(page, '3 people');
    await page.getByRole('button', { name: 'Undo' }).click();
    await count(page, '4 people');
    await card(page, 'anna').click();
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.waitForResponse((each) => each.url().includes('/v1/face/delete?'), SENT);
    await count(page, '3 people');
  });

  test('is deleted at once if the reader leaves before the undo time ends', async () => {
    await add('/v1/face/enroll', { collectionId: 'few', externalKey: 'leaver' }, 'bea');
    const page = await dashboard.loggedIn('/people/person?collection=few&key=leaver');
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByText('Deleted leaver').waitFor();
    await page.goto('about:blank');
    const again = await dashboard.loggedIn('/people?collection=few&filter=leaver');
    await again.getByRole('heading', { name: 'No one matches “leaver”' }).waitFor();
  });

  test('has its events', async () => {
    await add('/v1/face/search', { collectionId: 'few', source: 'lobby' }, 'dora');
    const page = await dashboard.loggedIn('/people/person?collection=few&key=dora');
    await page.getByRole('tab', { name: 'Events' }).click();
    await page.getByRole('cell', { name: 'lobby' }).waitFor();
    await page.getByRole('cell', { name: 'Match' }).waitFor();
    await assertAccessible(page, 'events of a person');
  });

  test('does not exist: the page says so', async () => {
    const page = await dashboard.loggedIn('/people/person?collection=few&key=no%2Fone');
    await page.getByRole('heading', { name: 'There is no such person' }).waitFor();
  });
});

describe('Faces without a name', () => {
  test('get one', async () => {
    await add('/v1/face/index', { collectionId: 'few' }, 'emma');
    const page = await dashboard.loggedIn('/people?collection=few');
    await page.getByRole('link', { name: 'Faces without a name' }).click();
    await page.getByRole('checkbox').first().check();
    await page.getByRole('button', { name: 'Name', exact: true }).click();
    await page.getByRole('combobox', { name: 'Person' }).fill('emmas-sister');
    await page.getByRole('dialog').getByRole('button', { name: 'Name', exact: true }).click();
    await page.getByText('Named 1 face emmas-sister').waitFor();
    await page.getByRole('heading', { name: 'Every face has a name' }).waitFor();
    await assertAccessible(page, 'faces without a name');
    await page.waitForResponse((each) => each.url().endsWith('/v1/external-key/set'), SENT);
    await page.goto(`${dashboard.url}/people?filter=emmas`);
    await card(page, 'emmas-sister').waitFor();
  });
});

describe('A reader in German', () => {
  test('reads German', async () => {
    const page = await dashboard.page({ locale: 'de-DE' });
    await page.goto(`${dashboard.url}/people?collection=crowd`);
    await page.getByLabel('E-Mail').fill(OWNER.email);
    await page.getByLabel('Passwort').fill(OWNER.password);
    await page.keyboard.press('Enter');
    await page.getByText('9.900 Personen', { exact: true }).waitFor();
  });
});
