import assert from 'node:assert/strict';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { after, afterEach, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import {
  assertAccessible,
  assertFits,
  Dashboard,
  DESK,
  OWNER,
  PHONE,
  screenshot,
  takeSuggestion,
} from '../../testing/dashboard.ts';
import { differentPeople, emptyPicture } from '../../testing/sample-faces.ts';

const UNDO_MS = 10_000;

let dashboard: Dashboard;
let people: string[];
let client: Dashboard['service']['client'];

before(async () => {
  people = (await differentPeople()).map((image) => image.toString('base64'));
  dashboard = await Dashboard.open();
  ({ client } = dashboard.service);
});
after(() => dashboard?.stop());
afterEach(() => dashboard.endTest());

const image = (person: number) => ({ bytes: people[person] as string });
const rows = (page: Page) => page.getByRole('list', { name: 'Events' }).getByRole('button');
const row = (page: Page, text: string) => rows(page).filter({ hasText: text }).first();
const act = (page: Page, name: string) =>
  page.getByRole('complementary', { name: 'Event' }).getByRole('button', { name });
const isLive = (page: Page) => page.getByRole('status').getByText('Live', { exact: true }).waitFor();

async function makeCollection(collectionId: string, names: readonly string[] = [], settings = {}) {
  await client.ok('POST', '/v1/collection/create', { json: { collectionId, ...settings } });
  for (const [person, externalKey] of names.entries()) {
    await client.ok('POST', '/v1/face/enroll', { json: { collectionId, externalKey, image: image(person) } });
  }
}

const search = (collectionId: string, person: number, more = {}) =>
  client.ok('POST', '/v1/face/search', { json: { collectionId, image: image(person), ...more } });

const keyOf = async (collectionId: string, person: number): Promise<string | null> => {
  const { matches } = await client.ok('POST', '/v1/face/identify', {
    json: { collectionId, image: image(person) },
  });
  return matches[0]?.externalKey ?? null;
};

function changesOf(page: Page): string[] {
  const sent: string[] = [];
  page.on('request', (request) => {
    if (request.method() !== 'GET') sent.push(`${request.method()} ${new URL(request.url()).pathname}`);
  });
  return sent;
}

async function livePage(query = '', advances = false): Promise<Page> {
  const page = await dashboard.page();
  if (advances) await page.clock.install();
  await dashboard.logIn(page, OWNER, `/live${query}`);
  await isLive(page);
  return page;
}

describe('The live screen', () => {
  test('says what appears there before the first event', async () => {
    const page = await livePage();
    await page.getByRole('heading', { name: 'No events yet' }).waitFor();
    await assertAccessible(page, 'no events');
  });

  test('shows a match, a no-match, an image without a face and a refusal as they happen', async () => {
    await makeCollection('lobby', ['anna', 'bella'], { storeThumbnails: true });
    const page = await livePage('?in=lobby');
    await search('lobby', 0, { source: 'front door' });
    await row(page, 'Match').waitFor();
    const match = row(page, 'front door');
    for (const text of ['anna', 'Match', 'Search', 'test']) await match.getByText(text).first().waitFor();
    assert.ok(Number(await match.getByRole('meter').getAttribute('aria-valuenow')) > 80);
    await search('lobby', 5);
    await row(page, 'Unknown person').getByText('below 80.0').waitFor();
    const empty = { bytes: (await emptyPicture()).toString('base64') };
    await client.ok('POST', '/v1/face/search', { json: { collectionId: 'lobby', image: empty } });
    await row(page, 'No face').waitFor();
    const blurred = (
      await sharp(Buffer.from(people[6] as string, 'base64'))
        .blur(3)
        .jpeg()
        .toBuffer()
    ).toString('base64');
    await client.ok('POST', '/v1/face/enroll', {
      json: { collectionId: 'lobby', externalKey: 'cleo', image: { bytes: blurred }, minQuality: 100 },
    });
    await row(page, 'cleo').click();
    await page.getByText('Refused: the quality is below').waitFor();
  });

  test('names the stranger of a no-match, who then matches', async () => {
    const page = await livePage('?in=lobby&result=no_match');
    await row(page, 'Unknown person').click();
    await act(page, 'Enrol').click();
    const dialog = page.getByRole('dialog', { name: 'Enrol this person' });
    await dialog.getByRole('combobox', { name: 'External key' }).fill('dora dora');
    await dialog.getByText('no spaces', { exact: false }).last().waitFor();
    assert.ok(await dialog.getByRole('button', { name: 'Enrol', exact: true }).isDisabled());
    await dialog.locator('input[type=file]').setInputFiles({
      name: 'dora.jpg',
      mimeType: 'image/jpeg',
      buffer: Buffer.from(people[5] as string, 'base64'),
    });
    await dialog.getByRole('combobox', { name: 'External key' }).fill('dora');
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'detached' });
    await row(page, 'Enrolled as dora').waitFor();
    assert.equal(await keyOf('lobby', 5), 'dora');
    const deleted = page.waitForResponse((response) => response.url().includes('/v1/face/delete'));
    await page.getByRole('button', { name: 'Undo' }).click();
    await row(page, 'Enrolled as dora').waitFor({ state: 'detached' });
    await deleted;
    assert.equal(await keyOf('lobby', 5), null);
  });

  test('shows the faces, and enrols a stranger with the crop of the event', async () => {
    const page = await livePage('?in=lobby');
    await search('lobby', 9, { source: 'lift' });
    const stranger = row(page, 'lift');
    await stranger.click();
    const crop = page
      .getByRole('complementary', { name: 'Event' })
      .getByRole('img', { name: 'In the image' });
    await crop.waitFor();
    await page.waitForFunction(
      'document.querySelector(\'aside img[alt="In the image"]\')?.naturalWidth === 224',
    );
    await page.keyboard.press('e');
    const dialog = page.getByRole('dialog', { name: 'Enrol this person' });
    await dialog.getByText('This face of the event').waitFor();
    await dialog.getByRole('combobox', { name: 'External key' }).fill('lotte');
    await page.keyboard.press('Enter');
    await row(page, 'Enrolled as lotte').waitFor();
    assert.equal(await keyOf('lobby', 9), 'lotte');
  });

  test('says why a photo is not enrolled', async () => {
    const page = await livePage('?in=lobby&result=no_match');
    await row(page, 'Unknown person').click();
    await page.keyboard.press('e');
    const dialog = page.getByRole('dialog', { name: 'Enrol this person' });
    await dialog.locator('input[type=file]').setInputFiles({
      name: 'wall.jpg',
      mimeType: 'image/jpeg',
      buffer: await emptyPicture(),
    });
    await dialog.getByRole('combobox', { name: 'External key' }).fill('nobody');
    await dialog.getByRole('button', { name: 'Enrol', exact: true }).click();
    await dialog.getByRole('alert').getByText('The image has no face.').waitFor();
  });

  test('filters by result, source and person, and keeps the filter in the address', async () => {
    await search('lobby', 1, { source: 'garage' });
    const page = await livePage();
    await page.getByRole('button', { name: 'All results Result' }).click();
    await page.getByRole('option', { name: 'Match', exact: true }).click();
    await row(page, 'garage').waitFor();
    await page.getByLabel('Source').fill('garage');
    await page.waitForURL(/source=garage/);
    await isLive(page);
    await row(page, 'bella').waitFor();
    assert.equal(await rows(page).count(), 1);
    await page.reload();
    await row(page, 'bella').waitFor();
    assert.equal(await rows(page).count(), 1);
    await page.getByRole('combobox', { name: 'Person' }).fill('anna');
    await page.getByRole('option', { name: 'anna' }).click();
    await page.getByRole('heading', { name: 'No event fits these filters' }).waitFor();
    await page.getByRole('button', { name: 'Clear filters' }).first().click();
    await row(page, 'anna').waitFor();
  });

  test('holds the list while paused, counts what waits, and shows it on demand', async () => {
    const page = await livePage('?in=lobby');
    await page.getByRole('button', { name: 'Pause' }).click();
    const first = await rows(page).first().getAttribute('data-event');
    await search('lobby', 0);
    await search('lobby', 1);
    await page.getByRole('button', { name: '2 new events' }).waitFor();
    assert.equal(await rows(page).first().getAttribute('data-event'), first);
    await page.getByRole('button', { name: '2 new events' }).click();
    await page.waitForFunction(
      `document.querySelector('[data-event]')?.getAttribute('data-event') !== '${first}'`,
    );
    assert.match((await rows(page).first().textContent()) ?? '', /bella/);
  });

  test('passes axe in both themes with an event open, and fits a phone', async () => {
    const page = await livePage('?in=lobby');
    await row(page, 'anna').click();
    await act(page, 'Confirm').waitFor();
    await assertAccessible(page, 'live');
    await page.keyboard.press('r');
    await page.getByRole('dialog', { name: 'Who is it?' }).waitFor();
    await assertAccessible(page, 'reassign');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.keyboard.press('Escape');
    await page.setViewportSize(PHONE);
    await page.getByRole('complementary', { name: 'Event' }).waitFor({ state: 'detached' });
    await assertFits(page, 'live on a phone');
    await row(page, 'anna').click();
    const details = page.getByRole('dialog', { name: 'Event' });
    await details.getByRole('button', { name: 'Confirm' }).waitFor();
    await assertAccessible(page, 'event on a phone');
    await assertFits(page, 'event on a phone');
  });
});

describe('A correction', () => {
  before(() => makeCollection('gate', ['erna', 'fay', 'gail', 'hope']));

  test('that is undone sends nothing', async () => {
    await search('gate', 0);
    const page = await livePage('?in=gate', true);
    const sent = changesOf(page);
    await row(page, 'Match').click();
    await act(page, 'Reassign').click();
    await page.getByRole('combobox', { name: 'Right person' }).fill('zita');
    await page.keyboard.press('Enter');
    await row(page, 'Now zita').waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await row(page, 'Now zita').waitFor({ state: 'detached' });
    await row(page, 'erna').waitFor();
    await page.clock.fastForward(2 * UNDO_MS);
    await sleep(500);
    assert.deepEqual(sent, []);
    assert.equal(await keyOf('gate', 0), 'erna');
  });

  test('reassigns the stored face after the time to undo it', async () => {
    const page = await livePage('?in=gate', true);
    const sent = changesOf(page);
    await row(page, 'Match').click();
    await page.keyboard.press('r');
    await page.getByRole('combobox', { name: 'Right person' }).fill('ines');
    await page.keyboard.press('Enter');
    await row(page, 'Now ines').waitFor();
    await sleep(500);
    assert.deepEqual(sent, []);
    const reviewed = page.waitForResponse((response) => response.url().includes('/v1/events/review'));
    await page.clock.fastForward(UNDO_MS + 1000);
    assert.equal((await reviewed).status(), 200);
    assert.deepEqual(sent, ['PUT /v1/external-key/set', 'PUT /v1/events/review']);
    assert.equal(await keyOf('gate', 0), 'ines');
    const { events } = await client.ok('GET', '/v1/events?collectionId=gate&review=corrected');
    assert.deepEqual([events.length, events[0].externalKey], [1, 'ines']);
  });

  test('merges two people', async () => {
    await search('gate', 1);
    const page = await livePage('?in=gate&person=fay', true);
    await row(page, 'Match').click();
    await page.keyboard.press('m');
    const merge = page.getByRole('dialog').getByRole('button', { name: 'Merge', exact: true });
    await page.getByRole('combobox', { name: 'Same person as' }).fill('nina');
    await page.getByText(/^This collection has no person nina\./).waitFor();
    assert.ok(await merge.isDisabled());
    await assertAccessible(page, 'merge with an unknown person');
    await takeSuggestion(page, 'Same person as', 'ga', 'gail');
    await merge.click();
    await row(page, 'Merged into gail').waitFor();
    const answered = page.waitForResponse((response) => response.url().includes('/v1/external-key/rename'));
    await page.clock.fastForward(UNDO_MS + 1000);
    assert.equal((await answered).status(), 200);
    assert.equal(await keyOf('gate', 1), 'gail');
    assert.equal(await keyOf('gate', 2), 'gail');
  });

  test('deletes the stored face', async () => {
    await search('gate', 3);
    const page = await livePage('?in=gate&person=hope', true);
    await row(page, 'Match').click();
    await page.keyboard.press('Delete');
    await row(page, 'Face deleted').waitFor();
    const answered = page.waitForResponse((response) => response.url().includes('/v1/face/delete'));
    await page.clock.fastForward(UNDO_MS + 1000);
    assert.equal((await answered).status(), 200);
    assert.equal(await keyOf('gate', 3), null);
  });

  test('is sent at once when the page closes', async () => {
    await search('gate', 2);
    const page = await livePage('?in=gate');
    await row(page, 'Match').click();
    await page.keyboard.press('r');
    await page.getByRole('combobox', { name: 'Right person' }).fill('jana');
    await page.keyboard.press('Enter');
    await row(page, 'Now jana').waitFor();
    await page.goto('about:blank');
    for (let tries = 0; tries < 50 && (await keyOf('gate', 2)) !== 'jana'; tries++) await sleep(100);
    assert.equal(await keyOf('gate', 2), 'jana');
  });

  test('that fails is taken back and says why', async () => {
    await makeCollection('attic', ['kira']);
    await search('attic', 0);
    const page = await livePage('?in=attic', true);
    await row(page, 'Match').click();
    await page.keyboard.press('r');
    await page.getByRole('combobox', { name: 'Right person' }).fill('lena');
    await page.keyboard.press('Enter');
    await row(page, 'Now lena').waitFor();
    await client.ok('DELETE', '/v1/face/delete?collectionId=attic&externalKey=kira');
    await page.clock.fastForward(UNDO_MS + 1000);
    await page.getByText('The correction failed.', { exact: false }).waitFor();
    await row(page, 'Now lena').waitFor({ state: 'detached' });
  });
});

describe('A confirmation', () => {
  test('shows to other members with who and when, filters, and can be taken back', async () => {
    await makeCollection('vault', ['quinn']);
    await search('vault', 0);
    const page = await livePage('?in=vault');
    const watcher = await dashboard.loggedIn('/live?in=vault', {}, await dashboard.member('member'));
    await row(watcher, 'quinn').waitFor();
    await row(page, 'Match').click();
    const sent = page.waitForResponse((response) => response.url().includes('/v1/events/review'));
    await act(page, 'Confirm').click();
    await row(page, 'Confirmed').waitFor();
    assert.equal((await sent).status(), 200);
    await row(watcher, 'Confirmed').waitFor();
    const path = '/live?in=vault&review=confirmed';
    const other = await dashboard.loggedIn(path, {}, await dashboard.member('admin'));
    await row(other, 'Confirmed').click();
    await other.getByText(/^Confirmed by Grace Hopper, /).waitFor();
    assert.equal(await act(other, 'Confirm').count(), 0);
    await assertAccessible(other, 'a confirmed event');
    const back = page.waitForResponse((response) => response.url().includes('/v1/events/review'));
    await page.getByRole('button', { name: 'Undo' }).click();
    await row(page, 'Confirmed').waitFor({ state: 'detached' });
    await back;
    for (const each of [watcher, other]) await row(each, 'Confirmed').waitFor({ state: 'detached' });
    await other.reload();
    await other.getByRole('heading', { name: 'No event fits these filters' }).waitFor();
    await other.getByRole('button', { name: 'Confirmed Review' }).click();
    await other.getByRole('option', { name: 'Not reviewed' }).click();
    await row(other, 'quinn').waitFor();
  });
});

describe('The keyboard', () => {
  test('walks, confirms, undoes, and shows its keys', async () => {
    await makeCollection('hall', ['mona']);
    await search('hall', 0);
    await search('hall', 8);
    const page = await livePage('?in=hall');
    await row(page, 'Unknown person').waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    assert.match((await page.locator('[aria-current=true][data-event]').textContent()) ?? '', /mona/);
    await page.waitForFunction("document.activeElement?.getAttribute('aria-current') === 'true'");
    await page.keyboard.press('c');
    await row(page, 'Confirmed').waitFor();
    await page.reload();
    await row(page, 'Confirmed').waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('k');
    assert.match((await page.locator('[aria-current=true][data-event]').textContent()) ?? '', /Unknown/);
    const help = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
    await page.keyboard.press('?');
    await help.getByText('Confirm the match').waitFor();
    await help.getByText('Keys without Ctrl').click();
    await page.keyboard.press('Escape');
    await help.waitFor({ state: 'detached' });
    await page.keyboard.press('?');
    await sleep(200);
    assert.equal(await help.count(), 0);
  });
});

class Cable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  isCut = false;

  private constructor(target: URL) {
    this.#server = createServer((near) => {
      if (this.isCut) return near.destroy();
      const far = connect(Number(target.port), target.hostname);
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => {
          this.#sockets.delete(socket);
          near.destroy();
          far.destroy();
        });
      }
      near.pipe(far);
      far.pipe(near);
    });
  }

  static async to(url: string): Promise<Cable> {
    const cable = new Cable(new URL(url));
    await new Promise<void>((resolve) => cable.#server.listen(0, '127.0.0.1', resolve));
    return cable;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  cut(): void {
    this.isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    this.cut();
    this.#server.close();
  }
}

describe('The stream', () => {
  test('continues behind the last event after a dropped connection', async () => {
    await makeCollection('yard', ['nora', 'olga']);
    const cable = await Cable.to(dashboard.url);
    try {
      const page = await dashboard.page();
      await page.goto(`${cable.url}/live?in=yard`);
      await page.getByLabel('E-mail').fill(OWNER.email);
      await page.getByLabel('Password').fill(OWNER.password);
      await page.getByRole('button', { name: 'Log in' }).click();
      await isLive(page);
      await search('yard', 0);
      await row(page, 'Match').waitFor();
      const last = await rows(page).first().getAttribute('data-event');
      cable.cut();
      await page.getByRole('status').getByText('Reconnecting').waitFor();
      await search('yard', 1);
      await search('yard', 9);
      const resumed = page.waitForRequest(
        (request) => request.url().includes('/v1/events/stream') && !cable.isCut,
      );
      cable.isCut = false;
      const headers = await (await resumed).allHeaders();
      assert.equal(headers['last-event-id'], last);
      await isLive(page);
      await row(page, 'Unknown person').waitFor();
      const shown = (await rows(page).allTextContents()).slice(0, 3);
      assert.match(shown[0] ?? '', /Unknown/);
      assert.match(shown[1] ?? '', /olga/);
      assert.match(shown[2] ?? '', /nora/);
    } finally {
      cable.close();
    }
  });

  test('stays smooth with 50 events a second, with only the visible rows in the page', async () => {
    await makeCollection('pass', ['pia']);
    const { faceIds } = await client.ok(
      'GET',
      '/v1/external-key/get-face-ids?collectionId=pass&externalKey=pia',
    );
    const page = await livePage('?in=pass');
    await page.setViewportSize(DESK);
    await page.evaluate(`
      window.longest = 0; window.blocked = 0;
      new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) {
          window.longest = Math.max(window.longest, duration); window.blocked += duration;
        }
      }).observe({ type: 'longtask' });`);
    const began = Date.now();
    const seconds = 10;
    const total = 50 * seconds;
    let next = 0;
    const send = async () => {
      for (let number = next++; number < total; number = next++) {
        await sleep(Math.max(0, began + number * 20 - Date.now()));
        await client.ok('PUT', '/v1/external-key/set', {
          json: { collectionId: 'pass', faceId: faceIds[0], externalKey: `pia-${number}` },
        });
      }
    };
    await Promise.all(Array.from({ length: 12 }, send));
    const rate = (total / (Date.now() - began)) * 1000;
    await row(page, `pia-${total - 1}`).waitFor();
    const { longest, blocked, nodes } = (await page.evaluate(
      `({ longest, blocked, nodes: document.querySelectorAll('[data-event]').length })`,
    )) as Record<string, number>;
    console.log(
      `# ${Math.round(rate)} events a second, longest task ${longest} ms, long tasks ${blocked} ms of ${seconds} s, ${nodes} rows`,
    );
    assert.ok(rate > 15, `${rate} events a second`);
    assert.ok((nodes ?? 0) < 40, `${nodes} rows`);
    assert.ok((longest ?? 0) < 1000, `a task of ${longest} ms`);
    assert.ok((blocked ?? 0) < seconds * 600, `${blocked} ms of long tasks`);
  });
});

test('A member without rights sees the events too', async () => {
  const account = await dashboard.member('member', 'reader@example.com');
  const page = await dashboard.loggedIn('/live?in=lobby', {}, account);
  await row(page, 'anna').waitFor();
});

test('The screenshot of the live screen', async () => {
  const page = await livePage('?in=lobby');
  await row(page, 'anna').click();
  await act(page, 'Confirm').waitFor();
  await screenshot(page, 'dashboard-live');
});
