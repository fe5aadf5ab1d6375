import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { assertAccessible, assertFits, Dashboard, PHONE, screenshot } from '../../testing/dashboard.ts';
import { nobody, type Person, portrait } from '../../testing/photographs.ts';
import { ROOT } from '../../testing/service.ts';

const WILD = process.env.VISAGE_FACES ?? join(ROOT, '../shared/faces/lfw-dev');
const PHOTOS = 200;
const ADDED_BEFORE_RELOAD = 20;
const LOST = 3;
const LONG = { timeout: 240_000 };
const PEOPLE: readonly Person[] = ['anna', 'annaElsewhere', 'bea', 'cleo', 'dora', 'emma'];

let dashboard: Dashboard;
let folder: string;
const photos = new Map<string, number>();

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'visage-photos-'));
  if (existsSync(WILD)) copyPhotos();
  else await makePhotos();
  dashboard = await Dashboard.open();
  for (const collectionId of ['staff', 'strict', 'pasted']) {
    const minQuality = collectionId === 'strict' ? 100 : 0;
    await dashboard.post('/v1/collection/create', { collectionId, minQuality });
  }
});
after(async () => {
  await dashboard?.stop();
  rmSync(folder, { recursive: true, force: true });
});
afterEach(() => dashboard.endTest());

function copyPhotos(): void {
  let left = PHOTOS;
  for (const person of readdirSync(WILD)) {
    const files = readdirSync(join(WILD, person)).slice(0, left);
    if (files.length === 0) return;
    mkdirSync(join(folder, person));
    for (const file of files) cpSync(join(WILD, person, file), join(folder, person, file));
    photos.set(person, files.length);
    left -= files.length;
  }
}

async function makePhotos(): Promise<void> {
  for (let n = 0; n < PHOTOS; n++) {
    const person = PEOPLE[n % PEOPLE.length] as Person;
    mkdirSync(join(folder, person), { recursive: true });
    const photo = await sharp(await portrait(person))
      .modulate({ brightness: 0.9 + n / 1000 })
      .jpeg()
      .toBuffer();
    writeFileSync(join(folder, person, `${n}.jpg`), photo);
    photos.set(person, (photos.get(person) ?? 0) + 1);
  }
}

async function enrolled(collectionId: string): Promise<Map<string, number>> {
  const query = new URLSearchParams({ collectionId, limit: '1000' });
  const response = await fetch(`${dashboard.url}/v1/external-key/list?${query}`, {
    headers: { Authorization: `Bearer ${await dashboard.token()}` },
  });
  const { people } = (await response.json()) as { people: { externalKey: string; faceCount: number }[] };
  return new Map(people.map(({ externalKey, faceCount }) => [externalKey, faceCount]));
}

async function summary(page: Page): Promise<number[]> {
  const text = await page.getByText(/added, .* waiting/).innerText();
  return [...text.matchAll(/\d[\d,]*(?= )/g)].map(([digits]) => Number(digits.replaceAll(',', '')));
}

async function until(page: Page, isDone: (numbers: number[]) => boolean): Promise<number[]> {
  for (const start = Date.now(); Date.now() - start < LONG.timeout; ) {
    const numbers = await summary(page);
    if (isDone(numbers)) return numbers;
    await page.waitForTimeout(100);
  }
  throw new Error(`Still ${await summary(page)}`);
}

describe('An upload of 200 photos', () => {
  test('shows all names first, survives lost answers and a reload, and enrols each photo once', async () => {
    const page = await dashboard.loggedIn('/people?collection=staff');
    await page.getByRole('link', { name: 'Add people' }).first().click();
    await page.locator('input[webkitdirectory]').setInputFiles(folder);
    await page.getByText(`${PHOTOS} photos of ${photos.size} people.`).waitFor();
    await assertAccessible(page, 'preview');
    await screenshot(page, 'dashboard-add-people');

    const keys: string[] = [];
    let lost = 0;
    await page.route('**/v1/face/enroll?**', async (route) => {
      keys.push(route.request().headers()['idempotency-key'] ?? '');
      if (lost++ >= LOST) return route.continue();
      await route.fetch();
      await route.abort('connectionreset');
    });
    await page.getByRole('button', { name: `Add ${PHOTOS} photos` }).click();
    await page.getByRole('heading', { level: 1, name: 'Uploads' }).waitFor();
    await until(page, ([added = 0]) => added >= ADDED_BEFORE_RELOAD);
    await page.reload();
    await until(page, ([added = 0]) => added < PHOTOS && added >= ADDED_BEFORE_RELOAD);
    const [added = 0, refused = 0, failed, waiting] = await until(page, (numbers) => numbers[3] === 0);
    assert.deepEqual([added + refused, failed, waiting], [PHOTOS, 0, 0]);
    assert.ok(new Set(keys).size < keys.length, 'lost answers were asked for again');
    assert.equal(new Set(keys).size, PHOTOS);
    const faces = [...(await enrolled('staff')).values()].reduce((sum, count) => sum + count, 0);
    assert.equal(faces, added);
    if (refused === 0) assert.deepEqual(await enrolled('staff'), photos);
    await assertAccessible(page, 'uploads');
    await page.setViewportSize(PHONE);
    await assertFits(page, 'uploads on a phone');
  });

  test('keeps no photo in the browser after it is added, and forgets everything at log-out', async () => {
    const page = await dashboard.loggedIn('/people/add?collection=staff');
    const images = `new Promise((resolve) => {
      const opening = indexedDB.open('visage-uploads');
      opening.onsuccess = () => {
        const db = opening.result;
        if (!db.objectStoreNames.contains('images')) return resolve(-1);
        const counting = db.transaction('images').objectStore('images').count();
        counting.onsuccess = () => { db.close(); resolve(counting.result); };
      };
    })`;
    await page
      .locator('input[type=file]')
      .first()
      .setInputFiles([
        { name: 'anna.jpg', mimeType: 'image/jpeg', buffer: await portrait('anna') },
        { name: 'nobody.jpg', mimeType: 'image/jpeg', buffer: await nobody() },
      ]);
    await page.getByRole('button', { name: 'Add 2 photos' }).click();
    await until(page, (numbers) => numbers[3] === 0);
    await page.getByText('No face found.', { exact: false }).waitFor();
    assert.equal(await page.evaluate(images), 1, 'the refused photo, for another attempt');
    await page.getByRole('button', { name: 'Account and settings' }).click();
    await page.getByRole('menuitem', { name: 'Log out' }).click();
    await page.getByRole('button', { name: 'Log in' }).waitFor();
    assert.equal(
      await page.evaluate('indexedDB.databases().then((all) => all.map(({ name }) => name).join())'),
      '',
    );
  });
});

describe('Photos that cannot be added', () => {
  test('have a reason before the upload: names and files', async () => {
    const page = await dashboard.loggedIn('/people/add?collection=staff');
    const buffer = await portrait('bea');
    await page
      .locator('input[type=file]')
      .first()
      .setInputFiles([
        { name: 'Jürgen Groß.jpg', mimeType: 'image/jpeg', buffer },
        { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('no image') },
      ]);
    await page.getByText('Some names cannot be used').waitFor();
    await page.getByText('The name has a space.').waitFor();
    await page.getByText('Not a JPEG, PNG, WebP, BMP, GIF, TIFF, JPEG 2000, HEIC or AVIF image.').waitFor();
    await page.getByRole('button', { name: 'Simplify names' }).click();
    await page.getByText('Jurgen_Gross', { exact: true }).waitFor();
    await page.getByText('1 photo of 1 person. 1 file is left out.').waitFor();
  });

  test('have the reason of the service, and can be tried again', async () => {
    const page = await dashboard.loggedIn('/people/add?collection=strict');
    await page
      .locator('input[type=file]')
      .first()
      .setInputFiles([
        {
          name: 'dora.jpg',
          mimeType: 'image/jpeg',
          buffer: await sharp(await portrait('dora'))
            .blur(5)
            .jpeg()
            .toBuffer(),
        },
        { name: 'broken.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('no image at all') },
      ]);
    await page.getByRole('button', { name: 'Add 2 photos' }).click();
    assert.deepEqual(await until(page, (numbers) => numbers[3] === 0), [0, 1, 1, 0]);
    const row = page.getByRole('article', { name: 'dora.jpg' });
    await row.getByText('The quality is below the minimum of the collection.').waitFor();
    const token = await dashboard.token();
    const update = await fetch(`${dashboard.url}/v1/collection/update`, {
      method: 'PUT',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ collectionId: 'strict', minQuality: 0 }),
    });
    assert.equal(update.status, 200);
    await row.getByRole('button', { name: 'Try again' }).click();
    assert.deepEqual(await until(page, ([added]) => added === 1), [1, 0, 1, 0]);
    await page.getByRole('link', { name: 'Try it', exact: true }).click();
    await page.getByText('1 photo was not added').waitFor();
  });
});

async function dropFiles(page: Page, label: string, files: readonly string[]): Promise<void> {
  const words = page.getByText(label, { exact: true }).filter({ visible: true }).first();
  const box = (await words.boundingBox()) ?? assert.fail('no drop zone');
  const client = await page.context().newCDPSession(page);
  const place = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  const data = { items: [], files: [...files], dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await client.send('Input.dispatchDragEvent', { type, ...place, data });
  }
}

describe('A person', () => {
  test('takes pasted photos', async () => {
    const page = await dashboard.loggedIn('/people/add?collection=pasted');
    await page
      .locator('input[type=file]')
      .first()
      .setInputFiles([{ name: 'emma.jpg', mimeType: 'image/jpeg', buffer: await portrait('emma') }]);
    await page.getByRole('button', { name: 'Add 1 photo' }).click();
    await until(page, (numbers) => numbers[3] === 0);
    await page.goto(`${dashboard.url}/people/person?key=emma`);
    await page.getByRole('tab', { name: '1 face' }).waitFor();
    const base64 = (await portrait('emma')).toString('base64');
    await page.evaluate(`{
      const bytes = Uint8Array.from(atob('${base64}'), (each) => each.charCodeAt(0));
      const clipboardData = new DataTransfer();
      clipboardData.items.add(new File([bytes], 'pasted.jpg', { type: 'image/jpeg' }));
      document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
    }`);
    await page.getByRole('article', { name: 'pasted.jpg' }).getByText('Added').waitFor();
    await page.getByRole('tab', { name: '2 faces' }).waitFor();
  });

  test('takes dropped files, and the files of a chosen folder', async () => {
    const image = { bytes: (await portrait('cleo')).toString('base64') };
    await dashboard.post('/v1/face/enroll', { collectionId: 'pasted', externalKey: 'cleo', image });
    const own = mkdtempSync(join(tmpdir(), 'visage-cleo-'));
    try {
      const [dropped, first, second, text] = ['dropped.jpg', 'first.jpg', 'second.jpg', 'notes.txt'].map(
        (name) => join(own, name),
      ) as [string, string, string, string];
      for (const [at, file] of [dropped, first, second].entries()) {
        const photo = sharp(await portrait('cleo')).modulate({ brightness: 0.95 + at / 20 });
        writeFileSync(file, await photo.jpeg().toBuffer());
      }
      writeFileSync(text, 'no image');
      const page = await dashboard.loggedIn('/people/person?collection=pasted&key=cleo');
      await page.getByRole('tab', { name: '1 face' }).waitFor();
      await dropFiles(page, 'Add photos of cleo', [dropped, text]);
      await page.getByRole('article', { name: 'dropped.jpg' }).getByText('Added').waitFor();
      await page.getByText('1 file was left out').waitFor();
      await page.getByText('Not a JPEG, PNG, WebP, BMP, GIF, TIFF, JPEG 2000, HEIC or AVIF image.').waitFor();
      await page.getByRole('tab', { name: '2 faces' }).waitFor();
      await assertAccessible(page, 'dropped photos');
      for (const file of [dropped, text]) rmSync(file);
      const [chooser] = await Promise.all([
        page.waitForEvent('filechooser'),
        page.getByRole('button', { name: 'Choose folder' }).click(),
      ]);
      await chooser.setFiles(own);
      await page
        .getByRole('article', { name: /second\.jpg$/ })
        .getByText('Added')
        .waitFor();
      await page.getByRole('tab', { name: '4 faces' }).waitFor();
    } finally {
      rmSync(own, { recursive: true });
    }
  });
});

describe('A dropped folder', () => {
  test('names each person by the folder of their photos', async () => {
    const own = mkdtempSync(join(tmpdir(), 'visage-drop-'));
    try {
      for (const person of ['dora', 'emma'] as const) {
        mkdirSync(join(own, person));
        writeFileSync(join(own, person, 'face.jpg'), await portrait(person));
      }
      const page = await dashboard.loggedIn('/people/add?collection=pasted');
      await page.getByRole('button', { name: 'Choose folder' }).waitFor();
      await dropFiles(page, 'Drop photos or a folder', [own]);
      await page.getByText('2 photos of 2 people.').waitFor();
      for (const person of ['dora', 'emma']) await page.getByText(person, { exact: true }).first().waitFor();
    } finally {
      rmSync(own, { recursive: true });
    }
  });
});
