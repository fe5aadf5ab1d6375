import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { portrait } from '../../testing/photographs.ts';
import { type Service, startService } from '../../testing/service.ts';
import { startBrowser } from './browser.ts';

interface Operation {
  readonly operationId: string;
  readonly tags: readonly [string];
  readonly requestBody?: { readonly $ref?: string };
}

let service: Service;
let browser: Browser;
let page: Page;
let imageCalls: Operation[];
let faceId: string;

before(async () => {
  service = await startService();
  const { client } = service;
  const collectionId = 'my-collection';
  await client.ok('POST', '/v1/collection/create', { json: { collectionId } });
  const image = { bytes: (await portrait('anna')).toString('base64') };
  const enrolled = { collectionId, externalKey: 'user-123', image };
  ({ faceId } = await client.ok('POST', '/v1/face/enroll', { json: enrolled }));
  const document = client.contract.document as unknown as {
    paths: Record<string, Record<string, Operation>>;
  };
  imageCalls = Object.values(document.paths)
    .flatMap((path) => Object.values(path))
    .filter(({ requestBody }) => requestBody?.$ref !== undefined);

  browser = await startBrowser();
  page = await browser.newPage();
  await page.goto(`${service.child.url}/swagger`);
  await page.getByRole('button', { name: 'Authorize' }).first().click();
  const scheme = page.locator('.auth-container').filter({ hasText: 'XApiKey' });
  await scheme.getByRole('textbox').fill((await service.key()).key);
  await scheme.getByRole('button', { name: 'Apply credentials' }).click();
  await page.getByRole('button', { name: 'Close' }).first().click();
});

after(async () => {
  await browser?.close();
  await service?.stop();
});

async function tryOut({ tags, operationId }: Operation) {
  const block = page.locator(`[id="operations-${tags[0].replaceAll(' ', '_')}-${operationId}"]`);
  if (!(await block.getByRole('button', { name: 'Try it out' }).isVisible())) {
    await block.locator('.opblock-summary-control').click();
  }
  await block.getByRole('button', { name: 'Try it out' }).click();
  return block;
}

async function execute(block: Awaited<ReturnType<typeof tryOut>>): Promise<[number, string]> {
  const answered = page.waitForResponse((response) => response.url().includes('/v1/'));
  await block.getByRole('button', { name: 'Execute' }).click();
  const response = await answered;
  return [response.status(), await response.text()];
}

describe('The button `Try it out` of /swagger', () => {
  test('sends the example of every call with an image as it stands', async () => {
    assert.ok(imageCalls.length >= 8);
    for (const call of imageCalls) {
      const block = await tryOut(call);
      const [status, body] = await execute(block);
      assert.equal(status, 200, `${call.operationId}: ${body}`);
      await block.getByRole('button', { name: 'Cancel' }).click();
      // An open call makes each later one slower.
      await block.locator('.opblock-summary-control').click();
    }
  });

  test('sends an image file in a form, with the parameters that the page fills in', async () => {
    const search = imageCalls.find(({ operationId }) => operationId === 'searchFace') as Operation;
    const block = await tryOut(search);
    await block.getByRole('combobox', { name: 'Request content type' }).selectOption('multipart/form-data');
    const buffer = await portrait('annaElsewhere');
    await block
      .locator('input[type=file]')
      .first()
      .setInputFiles({ name: 'anna.jpg', mimeType: 'image/jpeg', buffer });
    const [status, body] = await execute(block);
    assert.equal(status, 200, body);
    assert.equal((JSON.parse(body) as { faceId: string }).faceId, faceId);
  });
});
