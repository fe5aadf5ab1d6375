import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { assertAccessible, assertFits, Dashboard, OWNER, PHONE } from '../../testing/dashboard.ts';

let dashboard: Dashboard;
const folder = mkdtempSync(join(tmpdir(), 'visage-backups-'));

before(async () => {
  dashboard = await Dashboard.open({ settings: { VISAGE_BACKUP_DIR: folder } });
});
after(async () => {
  await dashboard?.stop();
  rmSync(folder, { recursive: true, force: true });
});
afterEach(() => dashboard.endTest());

describe('The system', () => {
  test('shows its state and settings, and backs itself up onto the machine', async () => {
    const page = await dashboard.loggedIn('/system');
    const { version, models } = await dashboard.get('/v1/system');
    await page.getByText(version, { exact: true }).waitFor();
    await page.getByRole('row', { name: new RegExp(`^${models[0].model} `) }).waitFor();
    await page.getByRole('button', { name: 'Start backup' }).click();
    await page.getByText(/The backup is complete: .+ in .+/).waitFor();
    assert.ok(readdirSync(folder).some((name) => name.startsWith('visage-')));
    await page.getByRole('searchbox', { name: 'Filter settings' }).fill('backup_dir');
    const row = page.getByRole('row', { name: /backup_dir/ });
    await row.filter({ hasText: 'Environment' }).filter({ hasText: folder }).waitFor();
    await assertAccessible(page, 'system');
  });

  test('describes its settings in German to a German reader', async () => {
    const page = await dashboard.loggedIn('/system');
    await page.getByRole('searchbox', { name: 'Filter settings' }).waitFor();
    await page.evaluate("localStorage.setItem('visage.language', 'de')");
    await page.reload();
    await page.getByRole('searchbox').fill('Speicher aller Anfragekörper');
    await page.getByRole('row', { name: /max_body_memory/ }).waitFor();
    assert.equal(await page.getByRole('row', { name: /backup_dir/ }).count(), 0);
  });

  test('says why a backup failed, here and in what needs attention', async () => {
    const page = await dashboard.loggedIn('/system');
    rmSync(folder, { recursive: true });
    writeFileSync(folder, 'a file where the folder was');
    try {
      await page.getByRole('button', { name: 'Start backup' }).click();
      const failure = page.getByRole('status').filter({ hasText: 'The backup failed' });
      await failure.waitFor();
      const { detail } = await dashboard.get('/v1/system/backup');
      assert.ok(detail.includes(folder), detail);
      await failure.getByText(detail).waitFor();
      await assertAccessible(page, 'a failed backup');
      await page.reload();
      await failure.getByText(detail).waitFor();
      await page.getByText(/^The last backup failed: /).waitFor();
    } finally {
      rmSync(folder);
      mkdirSync(folder);
    }
  });

  test('gives a diagnosis without secrets and personal data', async () => {
    const page = await dashboard.loggedIn('/system');
    const [file] = await Promise.all([
      page.waitForEvent('download', { timeout: 60_000 }),
      page.getByRole('button', { name: 'Download diagnosis' }).click(),
    ]);
    assert.match(file.suggestedFilename(), /^visage-diagnosis-[\d-]+\.json$/);
    const text = readFileSync(await file.path(), 'utf8');
    assert.equal(typeof JSON.parse(text), 'object');
    for (const personal of [OWNER.email, OWNER.name, folder]) assert.ok(!text.includes(personal), personal);
  });

  test('tells a member that the role does not allow this', async () => {
    const page = await dashboard.loggedIn('/system', {}, await dashboard.member('member'));
    await page.getByRole('heading', { name: 'Your role does not allow this' }).waitFor();
    assert.equal(await page.getByRole('alert').count(), 0);
  });

  test('fits a phone', async () => {
    const page = await dashboard.loggedIn('/system');
    await page.setViewportSize(PHONE);
    await page.getByRole('row', { name: /^max_connections Limit/ }).waitFor();
    await assertFits(page, 'system');
    await assertAccessible(page, 'system on a phone');
  });
});
