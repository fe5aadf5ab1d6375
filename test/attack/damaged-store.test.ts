import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { open } from 'lmdb';
import { uniforms } from '../../src/base/random.ts';
import { DamagedStoreError, inspectStore } from '../../src/store/isolated-store.ts';
import { attack, isFull } from '../../testing/attack.ts';
import { startChild, visagectl } from '../../testing/service.ts';
import { FACE, rowOf, storeWithCollection, temporaryFolder } from '../../testing/temporary-store.ts';

const PAGE = 4096;
const SEED = 20260115;
const MUTATIONS = isFull ? 160 : 24;

function random(seed: number): Draw {
  const uniform = uniforms(seed);
  return (below) => Math.floor(uniform() * below);
}

type Draw = (below: number) => number;

const page = (bytes: Buffer, draw: Draw) => draw(bytes.length / PAGE) * PAGE;

const KINDS: Readonly<Record<string, (bytes: Buffer, draw: Draw) => Buffer>> = {
  'flip a bit': (bytes, draw) => {
    const at = draw(bytes.length);
    bytes[at] = (bytes[at] as number) ^ (1 << draw(8));
    return bytes;
  },
  'change the head of a page': (bytes, draw) => {
    bytes[page(bytes, draw) + draw(64)] = draw(256);
    return bytes;
  },
  'zero a page': (bytes, draw) => {
    const at = page(bytes, draw);
    return bytes.fill(0, at, at + PAGE);
  },
  'fill a page with noise': (bytes, draw) => {
    const at = page(bytes, draw);
    for (let offset = 0; offset < PAGE; offset++) bytes[at + offset] = draw(256);
    return bytes;
  },
  'fill a page with ones': (bytes, draw) => {
    const at = page(bytes, draw);
    return bytes.fill(255, at + draw(32), at + PAGE);
  },
  'put a page over another': (bytes, draw) => {
    const from = page(bytes, draw);
    bytes.copyWithin(page(bytes, draw), from, from + PAGE);
    return bytes;
  },
  'cut the file': (bytes, draw) => bytes.subarray(0, draw(bytes.length)),
  'damage a meta page': (bytes, draw) => {
    bytes[draw(2) * PAGE + draw(200)] = draw(256);
    return bytes;
  },
};

async function makeStore(data: string): Promise<void> {
  const { store, owner } = await storeWithCollection(data);
  for (let n = 0; n < 300; n++) {
    const { faceId } = await store.faces.add(owner, 'people', FACE, rowOf(n));
    const key = { faceId, externalKey: `person-${n % 100}`, allowDuplicates: true };
    await store.externalKeys.set(owner, 'people', key);
  }
  const actor = { kind: 'operator', id: null } as const;
  for (let n = 0; n < 100; n++) {
    const what = {
      accountId: owner.accountId,
      actor,
      action: 'test',
      target: `target-${n}`,
      result: 'ok',
    } as const;
    await store.audit.append([{ at: n, ...what, address: null, requestId: null, count: 1 }]);
  }
  await store.close();
}

async function keysOf(folder: string): Promise<string> {
  const root = open(folder, { noSubdir: false, maxDbs: 64, readOnly: true });
  const names = Array.from(root.getKeys(), String);
  const keys = names.map((name) => [name, Array.from(root.openDB(name, { encoding: 'binary' }).getKeys())]);
  await root.close();
  return JSON.stringify(keys);
}

async function statesOf(folder: string, original: Buffer): Promise<ReadonlySet<string>> {
  const states = new Set<string>();
  for (const from of [0, 1]) {
    const data = join(folder, `head-${from}`);
    const bytes = Buffer.from(original);
    bytes.copyWithin((1 - from) * PAGE, from * PAGE, (from + 1) * PAGE);
    mkdirSync(data);
    writeFileSync(join(data, 'data.mdb'), bytes);
    states.add(await keysOf(data));
  }
  return states;
}

describe('A damaged store', () => {
  attack('is called damaged or is read whole, and the check neither crashes nor hangs', async (tally) => {
    const cleanUp: (() => void)[] = [];
    const folder = temporaryFolder({ after: (work) => cleanUp.push(work) });
    await makeStore(join(folder, 'sound'));
    const original = readFileSync(join(folder, 'sound', 'data.mdb'));
    const states = await statesOf(folder, original);
    const draw = random(SEED);
    const kinds = Object.entries(KINDS);
    const damaged = Array.from({ length: MUTATIONS }, (_, n) => {
      const [kind, damage] = kinds[n % kinds.length] as (typeof kinds)[number];
      return {
        what: `${kind} (${n})`,
        data: join(folder, `damaged-${n}`),
        bytes: damage(Buffer.from(original), draw),
      };
    });
    let found = 0;
    async function work(): Promise<void> {
      for (let next = damaged.shift(); next; next = damaged.shift()) {
        const { what, data, bytes } = next;
        mkdirSync(data);
        writeFileSync(join(data, 'data.mdb'), bytes);
        try {
          const { faults } = await inspectStore(data, { limitMs: 120_000 });
          const isSame = faults.length > 0 || states.has(await keysOf(data));
          if (faults.length > 0) found++;
          tally.attempt(`${what} unnoticed, though records are gone`, !isSame);
        } catch (error) {
          found++;
          const { message } = error as Error;
          const isSentence =
            error instanceof DamagedStoreError && /^The store in .* is damaged: /.test(message);
          tally.attempt(`${what} with ${message}`, !isSentence);
        }
        rmSync(data, { recursive: true });
      }
    }
    await Promise.all([work(), work()]);
    assert.ok(found > MUTATIONS / 4, `only ${found} of ${MUTATIONS} were damages`);
    for (const clean of cleanUp) clean();
  });
});

test('visagectl says in a sentence that a store is damaged, and restores a backup over it', async (t) => {
  const folder = temporaryFolder(t);
  const [data, backups] = [join(folder, 'data'), join(folder, 'backups')];
  await makeStore(data);
  const run = (...args: string[]) => visagectl([...args, '--data-dir', data], {});
  const backup = (await run('backup', '--to', backups)).stdout.trim();
  const file = join(data, 'data.mdb');
  const sound = readFileSync(file);
  const noise = Buffer.from(sound);
  noise.fill(255, 2 * PAGE);
  for (const bytes of [sound.subarray(0, 3 * PAGE), Buffer.alloc(sound.length), noise]) {
    writeFileSync(file, bytes);
    const verified = await run('verify');
    assert.deepEqual([verified.code, /is damaged: /.test(verified.stdout)], [65, true], verified.stderr);
  }
  for (const words of ['status', 'doctor', 'audit verify', 'audit export', 'collections list']) {
    const { code, stdout, stderr } = await run(...words.split(' '));
    assert.ok([65, 69].includes(code), `${words}: ${code} ${stderr}`);
    assert.match(stdout + stderr, /store is damaged|MDB_|corrupt|cannot be opened/i, words);
  }
  const made = await run('backup', '--to', backups);
  assert.deepEqual(
    [made.code, /is damaged: .* No backup was made/.test(made.stderr)],
    [65, true],
    made.stderr,
  );
  const compacted = await run('compact');
  assert.deepEqual([compacted.code, /is damaged: .* Nothing was changed/.test(compacted.stderr)], [65, true]);
  assert.deepEqual(readFileSync(file), noise);
  const full = await run('restore', backup);
  assert.deepEqual([full.code, /Add --replace/.test(full.stderr)], [65, true], full.stderr);
  const restored = await run('restore', backup, '--replace');
  assert.equal(restored.code, 0, restored.stderr);
  assert.match((await run('verify')).stdout, /is sound: 300 faces/);
});

test('A start after one that a damaged store ended says in a sentence that the store is damaged', async (t) => {
  const data = join(temporaryFolder(t), 'data');
  await makeStore(data);
  const [file, mark] = [join(data, 'data.mdb'), join(data, 'opening')];
  const sound = readFileSync(file);
  writeFileSync(file, Buffer.from(sound).fill(255, 2 * PAGE));
  const start = () => startChild(data).then(null, (error: { code: number | null; stderr: string }) => error);
  const first = (await start()) as { code: number | null; stderr: string };
  assert.notEqual(first.code, 65, 'the first start checks nothing');
  assert.ok(existsSync(mark));
  for (let starts = 0; starts < 2; starts++) {
    const { code, stderr } = (await start()) as typeof first;
    assert.deepEqual(
      [code, /store in .* is damaged: .* `visagectl restore/.test(stderr)],
      [65, true],
      stderr,
    );
  }
  writeFileSync(file, sound);
  rmSync(join(data, 'lock.mdb'), { force: true });
  const child = await startChild(data);
  assert.ok(child.log.some(({ msg }) => msg === 'the store is not damaged'));
  assert.ok(!existsSync(mark));
  await child.stop();
  const again = await startChild(data);
  assert.ok(!again.log.some(({ msg }) => String(msg).includes('damaged')));
  await again.stop();
});
