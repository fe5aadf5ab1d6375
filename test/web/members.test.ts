import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import {
  type Account,
  assertAccessible,
  assertFits,
  Dashboard,
  PHONE,
  screenshot,
} from '../../testing/dashboard.ts';

let dashboard: Dashboard;

before(async () => {
  dashboard = await Dashboard.open();
});
after(() => dashboard?.stop());
afterEach(() => dashboard.endTest());

type Page = Awaited<ReturnType<Dashboard['page']>>;

async function invite(page: Page, email: string, role?: string): Promise<string> {
  await page.getByRole('button', { name: 'Invite', exact: true }).click();
  await page.getByLabel('E-mail').fill(email);
  if (role) {
    await page.getByRole('dialog').getByRole('button', { name: /Role/ }).click();
    await page.getByRole('option', { name: new RegExp(`^${role}`) }).click();
  }
  await page.getByRole('button', { name: 'Create invitation' }).click();
  const dialog = page.getByRole('dialog', { name: 'Pass on this link' });
  const link = await dialog.getByText(/\/join#inv_/).innerText();
  await assertAccessible(page, 'the link shown once');
  await dialog.getByRole('button', { name: 'I have copied it' }).click();
  await dialog.waitFor({ state: 'detached' });
  return link;
}

async function act(page: Page, name: string, action: string): Promise<void> {
  await page.getByRole('button', { name: `Actions of ${name}` }).click();
  await page.getByRole('menuitem', { name: action }).click();
}

describe('The members', () => {
  test('come by a link, get another role, and leave after their e-mail is typed', async () => {
    const page = await dashboard.loggedIn('/members');
    await page.getByRole('heading', { name: 'You are the only member' }).waitFor();
    const link = await invite(page, 'ada@example.com', 'Admin');
    await page.getByRole('row', { name: /ada@example.com.*Invited.*Admin/s }).waitFor();
    await screenshot(page, 'dashboard-members');

    const guest = await dashboard.page();
    await guest.goto(link);
    await guest.getByLabel('E-mail').fill('eve@example.com');
    await guest.getByLabel('Name').fill('Ada Lovelace');
    await guest.getByLabel('Password').fill('seventeen blue kettles');
    await guest.getByRole('button', { name: 'Join' }).click();
    await guest.getByText('This invitation is not valid for this e-mail').waitFor();
    await assertAccessible(guest, 'an invitation');
    await guest.getByLabel('E-mail').fill('ada@example.com');
    await guest.getByRole('button', { name: 'Join' }).click();
    await guest.getByRole('navigation', { name: 'Main' }).waitFor();
    assert.ok(!guest.url().includes('inv_'));

    await page.reload();
    await act(page, 'Ada Lovelace', 'Change role');
    await page.getByRole('dialog').getByRole('button', { name: /Role/ }).click();
    await page.getByRole('option', { name: /^Member/ }).click();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('row', { name: /Ada Lovelace.*Member/s }).waitFor();
    const token = await dashboard.token(ADA);
    assert.equal(await listAs(token), 403);

    await act(page, 'Ada Lovelace', 'Remove');
    const confirm = page.getByRole('button', { name: 'Remove' });
    assert.ok(await confirm.isDisabled());
    await page.getByLabel('Type ada@example.com to confirm').fill('ada@example.com');
    await assertAccessible(page, 'removing a member');
    await confirm.click();
    await page.getByRole('row', { name: /Ada Lovelace/ }).waitFor({ state: 'detached' });
    assert.equal(await listAs(token), 401);
  });

  test('leave an owner to owners, and one another to admins', async () => {
    const page = await dashboard.loggedIn('/members', {}, await dashboard.member('admin'));
    await invite(page, 'kiosk@example.com');
    await page.getByRole('button', { name: 'Actions of kiosk@example.com' }).waitFor();
    assert.equal(await page.getByRole('button', { name: 'Actions of Grace Hopper' }).count(), 0);
    await act(page, 'kiosk@example.com', 'Change role');
    await page.getByRole('dialog').getByRole('button', { name: /Role/ }).click();
    await page.getByRole('option', { name: /^Admin/ }).waitFor();
    assert.equal(await page.getByRole('option', { name: /^Owner/ }).count(), 0);
  });

  test('tell a member that the role does not allow this', async () => {
    const page = await dashboard.loggedIn('/members', {}, await dashboard.member('member'));
    await page.getByRole('heading', { name: 'Your role does not allow this' }).waitFor();
    assert.equal(await page.getByRole('alert').count(), 0);
  });

  test('fit a phone', async () => {
    const page = await dashboard.loggedIn('/members');
    await page.setViewportSize(PHONE);
    await page.getByRole('row', { name: /Grace Hopper/ }).waitFor();
    await assertFits(page, 'members');
    await assertAccessible(page, 'members on a phone');
  });
});

const ADA: Account = { email: 'ada@example.com', password: 'seventeen blue kettles' };

async function listAs(token: string): Promise<number> {
  const headers = { Authorization: `Bearer ${token}` };
  return (await fetch(`${dashboard.url}/v1/auth/members`, { headers })).status;
}
