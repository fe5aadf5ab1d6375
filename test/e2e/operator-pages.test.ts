import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import {
  type Child,
  childEnvironment,
  ROOT,
  startChild,
  temporaryFolder,
  visagectl,
} from '../../testing/service.ts';
import { commandsOf } from './documentation.ts';

class Appliance {
  readonly folder: string;
  readonly data: string;
  readonly backupKey: string;
  #child: Child;

  static async start(t: TestContext): Promise<Appliance> {
    const folder = await temporaryFolder();
    const data = join(folder.path, 'data');
    const appliance = new Appliance(folder.path, data, await startChild(data));
    t.after(async () => {
      await appliance.#child.stop();
      await folder.remove();
    });
    return appliance;
  }

  private constructor(folder: string, data: string, child: Child) {
    this.folder = folder;
    this.data = data;
    this.backupKey = join(folder, 'settings', 'backup.key');
    this.#child = child;
  }

  async run(page: string): Promise<string> {
    let output = '';
    for (const part of (await commandsOf(page)).join('').split(/^(systemctl (?:stop|start) visage)$/m)) {
      if (part === 'systemctl stop visage') await this.#child.stop();
      else if (part === 'systemctl start visage') this.#child = await startChild(this.data);
      else output += await this.#bash(part);
    }
    return output;
  }

  async #bash(commands: string): Promise<string> {
    const here = commands
      .replaceAll('http://127.0.0.1:8080', this.#child.url)
      .replaceAll('/var/backups/visage', join(this.folder, 'backups'))
      .replaceAll('/var/lib/visage', this.data)
      .replaceAll('/etc/visage', join(this.folder, 'settings'))
      .replaceAll('/root/backup.key', join(this.folder, 'copy.key'))
      .replaceAll('-o root -g visage ', '')
      .replaceAll('curl ', 'curl -sSf ');
    const settings = {
      VISAGE_DATA_DIR: this.data,
      VISAGE_LISTEN: '127.0.0.1:0',
      VISAGE_BACKUP_KEY: this.backupKey,
    };
    const { stdout } = await promisify(execFile)('bash', ['--norc', '-euo', 'pipefail', '-c', here], {
      cwd: ROOT,
      env: childEnvironment(settings),
    });
    return stdout;
  }

  async ctl(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await visagectl(args, { VISAGE_DATA_DIR: this.data });
    assert.equal(code, 0, stderr);
    return stdout;
  }
}

test('the commands of docs/backup.md go as written', async (t) => {
  const appliance = await Appliance.start(t);
  mkdirSync(join(appliance.folder, 'settings'));
  for (const path of [appliance.backupKey, join(appliance.folder, 'copy.key')]) {
    writeFileSync(path, `${'5a'.repeat(32)}\n`, { mode: 0o600 });
  }
  await appliance.ctl('collections', 'create', 'staff');
  const output = await appliance.run('docs/backup.md');
  const backups = readdirSync(join(appliance.folder, 'backups')).filter((name) => name.startsWith('visage-'));
  assert.equal(backups.length, 1);
  assert.match(output, new RegExp(`${backups[0]} is sound: 0 faces, 1 collections`));
  assert.match(output, /data is sound: 0 faces, 1 collections/);
  assert.match(output, /^last backup .*visage-/m);
  const replaced = readdirSync(appliance.data).filter((name) => name.startsWith('replaced-'));
  assert.equal(replaced.length, 1, 'the page removes the first, and ends with a restore');
  assert.match(await appliance.ctl('status'), /^service +ready$/m);
});

test('the commands of docs/troubleshooting.md go as written', async (t) => {
  const appliance = await Appliance.start(t);
  const output = await appliance.run('docs/troubleshooting.md');
  assert.match(output, /^ok +service +running, ready$/m);
  assert.match(output, /^service +ready$/m);
  const [report] = output.split('\n').filter((line) => line.startsWith('{"healthy"'));
  assert.equal(JSON.parse(report ?? '{}').healthy, true);
});

test('the commands of docs/security.md go as written', async (t) => {
  const appliance = await Appliance.start(t);
  const output = await appliance.run('docs/security.md');
  assert.equal(output.match(/^\d+:[0-9a-f]{64}$/gm)?.length, 1, 'the chain still has the head');
  assert.equal(readdirSync(join(appliance.data, 'signing-keys')).length, 2);
});

test('the commands of docs/data-protection.md go as written', async (t) => {
  const appliance = await Appliance.start(t);
  await appliance.ctl('collections', 'create', 'staff');
  const people = join(appliance.folder, 'people');
  mkdirSync(join(people, 'employee-7'), { recursive: true });
  cpSync(
    join(ROOT, 'node_modules/@vladmandic/face-api/demo/sample6.jpg'),
    join(people, 'employee-7', 'a.jpg'),
  );
  await appliance.ctl('import', people, '--collection', 'staff');
  const output = await appliance.run('docs/data-protection.md');
  assert.match(output, /"faceIds":\[\]/);
  const { collections } = JSON.parse(await appliance.ctl('collections', 'list', '--json'));
  assert.deepEqual(
    collections.map(({ collectionId, faces }: { collectionId: string; faces: number }) => [
      collectionId,
      faces,
    ]),
    [['staff', 0]],
  );
});
