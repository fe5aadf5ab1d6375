import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startVisagectl } from '../../src/appliance/visagectl.ts';
import { temporaryFolder } from '../../testing/temporary-store.ts';

const environment = { PATH: process.env.PATH, HOME: undefined };

describe('A command that the service runs', () => {
  test('answers its output, its errors and its code', async () => {
    const help = await startVisagectl(['help'], environment).outcome;
    assert.deepEqual([help.code, help.stderr], [0, '']);
    assert.match(help.stdout, /^Usage: visagectl COMMAND/);
    const wrong = await startVisagectl(['nothing', 'ä b'], environment).outcome;
    assert.equal(wrong.code, 64);
    assert.match(wrong.stderr, /nothing/);
  });

  test('gets its environment and no other', async (t) => {
    const folder = temporaryFolder(t as never);
    process.env.VISAGE_LISTEN = 'nowhere';
    const checked = await startVisagectl(['config', 'check'], {
      ...environment,
      VISAGE_DATA_DIR: folder,
    }).outcome;
    delete process.env.VISAGE_LISTEN;
    assert.equal(checked.code, 0, checked.stderr);
    assert.ok(checked.stdout.includes(folder));
  });

  test('ends at once where the service stops it, without a code', async () => {
    const command = startVisagectl(['help'], environment);
    command.stop();
    const { code, stdout } = await command.outcome;
    assert.deepEqual([code, stdout], [null, '']);
    command.stop();
  });

  test('leaves no descriptor open', async () => {
    const open = () => process.getActiveResourcesInfo().filter((name) => name.startsWith('Pipe')).length;
    const before = open();
    await startVisagectl(['help'], environment).outcome;
    assert.equal(open(), before);
  });
});
