import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { assertAccessible, assertFits, Dashboard, PHONE, screenshot } from '../../testing/dashboard.ts';

let dashboard: Dashboard;

before(async () => {
  dashboard = await Dashboard.open();
  await dashboard.post('/v1/collection/create', { collectionId: 'staff' });
});
after(() => dashboard?.stop());
afterEach(() => dashboard.endTest());

const statusOf = async (key: string): Promise<number> => {
  const headers = { Authorization: `ApiKey ${key}` };
  return (await fetch(`${dashboard.url}/v1/collection/get-all`, { headers })).status;
};

async function create(page: Awaited<ReturnType<Dashboard['page']>>, name: string): Promise<string> {
  await page.getByRole('button', { name: 'New Key' }).first().click();
  await page.getByLabel('Name').fill(name);
  await page.getByRole('button', { name: 'Create key' }).click();
  const dialog = page.getByRole('dialog', { name: 'Copy your API key' });
  const shown = await dialog.getByText(/^fr_live_[0-9a-f]{32}$/).innerText();
  await page.keyboard.press('Escape');
  await dialog.getByRole('button', { name: 'I have copied it' }).click();
  await dialog.waitFor({ state: 'detached' });
  assert.ok(!(await page.content()).includes(shown));
  return shown;
}

describe('The API keys', () => {
  test('create a key within the plan, check addresses as they are typed, and show the key once', async () => {
    const page = await dashboard.loggedIn('/api-keys');
    await page.getByRole('button', { name: 'New Key' }).first().click();
    await page.getByLabel('Name').fill('gate 1');
    await page.getByRole('button', { name: 'Every collection of the account' }).click();
    await page.getByRole('option', { name: 'staff' }).click();
    const createKey = page.getByRole('button', { name: 'Create key' });
    await page.getByLabel('Allowed IP addresses').fill('127.0.0.0/8\n10.0.0.300');
    await page.getByText('10.0.0.300 is not an IP address or CIDR range').waitFor();
    assert.ok(await createKey.isDisabled());
    await page.getByLabel('Allowed IP addresses').fill('127.0.0.0/8');
    await page.getByLabel('Rate limit').fill('501');
    await page.getByText('Expected at most 500').waitFor();
    assert.ok(await createKey.isDisabled());
    await page.getByLabel('Rate limit').fill('60');
    await page.getByRole('radio', { name: 'Choose scopes' }).click();
    await page.getByText('Create, read, change and delete collections').click();
    await assertAccessible(page, 'a new key');
    await createKey.click();
    const key = await page.getByText(/^fr_live_[0-9a-f]{32}$/).innerText();
    await assertAccessible(page, 'the key shown once');
    await page.getByRole('button', { name: 'I have copied it' }).click();
    assert.equal(await statusOf(key), 200);
    const [made] = (await keysOf()).filter(({ name }) => name === 'gate 1');
    assert.deepEqual(
      [made?.collection_id, made?.rate_limit, made?.allowed_ips, made?.scopes],
      ['staff', 60, ['127.0.0.0/8'], ['v1:collections']],
    );
    const row = page.getByRole('row', { name: /gate 1/ });
    assert.match(await row.innerText(), new RegExp(`${key.slice(0, 12)}[\\s\\S]*staff[\\s\\S]*60 / min`));
    await screenshot(page, 'dashboard-api-keys');
  });

  test('change, freeze and unfreeze a key, and the next call knows', async () => {
    const page = await dashboard.loggedIn('/api-keys');
    const key = await create(page, 'kiosk');
    await page.getByRole('button', { name: 'Actions of kiosk' }).click();
    await page.getByRole('menuitem', { name: /^Freeze/ }).click();
    await page.getByRole('row', { name: /kiosk/ }).getByText('Frozen').waitFor();
    assert.equal(await statusOf(key), 402);
    await page.getByRole('button', { name: 'Actions of kiosk' }).click();
    await page.getByRole('menuitem', { name: /^Unfreeze/ }).click();
    await page.getByRole('row', { name: /kiosk/ }).getByText('Frozen').waitFor({ state: 'detached' });
    assert.equal(await statusOf(key), 200);
    await page.getByRole('button', { name: 'kiosk', exact: true }).click();
    await page.getByLabel('Name').fill('kiosk west');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('row', { name: /kiosk west/ }).waitFor();
  });

  test('say that somebody changed the key meanwhile, and keep both changes on the second attempt', async () => {
    const page = await dashboard.loggedIn('/api-keys');
    await create(page, 'shared');
    const [before] = (await keysOf()).filter(({ name }) => name === 'shared');
    await page.getByRole('button', { name: 'shared', exact: true }).click();
    await page.getByLabel('Rate limit').fill('30');
    await patch(String(before?.id), { budget_usd: 5 });
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Somebody changed this key meanwhile').waitFor();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    const [after] = (await keysOf()).filter(({ name }) => name === 'shared');
    assert.deepEqual([after?.rate_limit, after?.budget_usd], [30, 5]);
  });

  test('regenerate and revoke a key only after its name is typed', async () => {
    const page = await dashboard.loggedIn('/api-keys');
    const key = await create(page, 'lift');
    await page.getByRole('button', { name: 'Actions of lift' }).click();
    await page.getByRole('menuitem', { name: 'Regenerate' }).click();
    const regenerate = page.getByRole('button', { name: 'Regenerate' });
    assert.ok(await regenerate.isDisabled());
    await page.getByLabel('Type lift to confirm').fill('lift');
    await regenerate.click();
    const next = await page.getByText(/^fr_live_[0-9a-f]{32}$/).innerText();
    await page.getByRole('button', { name: 'I have copied it' }).click();
    assert.deepEqual([await statusOf(key), await statusOf(next)], [401, 200]);
    await page.getByRole('button', { name: 'Actions of lift' }).click();
    await page.getByRole('menuitem', { name: 'Revoke' }).click();
    await page.getByLabel('Type lift to confirm').fill('lift');
    await page.getByRole('button', { name: 'Revoke' }).click();
    await page.getByRole('row', { name: /lift/ }).waitFor({ state: 'detached' });
    assert.equal(await statusOf(next), 401);
  });

  test('fit a phone', async () => {
    const page = await dashboard.loggedIn('/api-keys');
    await page.setViewportSize(PHONE);
    await page.getByRole('row', { name: /gate 1/ }).waitFor();
    await assertFits(page, 'API keys');
    await assertAccessible(page, 'API keys on a phone');
  });
});

interface Listed {
  readonly id: string;
  readonly name: string;
  readonly collection_id: string | null;
  readonly rate_limit: number | null;
  readonly allowed_ips: readonly string[];
  readonly scopes: readonly string[];
  readonly budget_usd: number | null;
}

async function keysOf(): Promise<readonly Listed[]> {
  const headers = { Authorization: `Bearer ${await dashboard.token()}` };
  const response = await fetch(`${dashboard.url}/v1/auth/api-keys`, { headers });
  return ((await response.json()) as { api_keys: readonly Listed[] }).api_keys;
}

async function patch(id: string, change: object): Promise<void> {
  const headers = {
    Authorization: `Bearer ${await dashboard.token()}`,
    'Content-Type': 'application/json',
  };
  const response = await fetch(`${dashboard.url}/v1/auth/api-keys/${id}`, {
    method: 'PATCH',
    headers,
    body: JSON.stringify(change),
  });
  assert.equal(response.status, 200);
}
