import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Store } from '../../src/store/store.ts';
import { addOldFaces, makeOld } from '../../testing/older-store.ts';
import {
  ownerIn,
  rowOf,
  SPACE,
  storeWithCollection,
  temporaryFolder,
} from '../../testing/temporary-store.ts';

const WRITER = fileURLToPath(new URL('./conversion-writer.js', import.meta.url));
const FACES = 20_000;
const LONGEST_MS = 150;
const MOST_KILLS = 200;

async function convertAndKill(folder: string): Promise<boolean> {
  const child = spawn(process.execPath, [WRITER, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  await once(child.stdout, 'data');
  const timer = setTimeout(() => child.kill('SIGKILL'), Math.random() * LONGEST_MS);
  const [code, signal] = await closed;
  clearTimeout(timer);
  assert.ok(code === 0 || signal === 'SIGKILL', `${code} ${signal}`);
  return code === 0;
}

/** Every face must have its template or its row. @returns how many have a row. */
async function convertedIn(folder: string): Promise<number> {
  const store = Store.open(folder);
  const gallery = store.collections.get(ownerIn(store), 'people')?.gallery ?? 0;
  let converted = 0;
  for (let label = 1; label <= FACES; label++) {
    const bytes = store.faces.row({ gallery, label });
    assert.ok(bytes, `label ${label} is lost`);
    if (bytes.length === SPACE.rowBytes) converted++;
    assert.deepEqual(
      Buffer.from(
        bytes.length === SPACE.rowBytes ? bytes : SPACE.row(new Float32Array(Uint8Array.from(bytes).buffer)),
      ),
      Buffer.from(rowOf(label)),
    );
  }
  assert.deepEqual(store.check(), []);
  await store.close();
  return converted;
}

test('a conversion that is killed at any moment loses nothing and comes to its end', async (t) => {
  const folder = temporaryFolder(t);
  const { store, owner } = await storeWithCollection(folder);
  await addOldFaces(store, owner, 'people', 1, FACES);
  await store.close();
  await makeOld(folder);
  let kills = 0;
  let before = 0;
  let halfWay = 0;
  while (!(await convertAndKill(folder))) {
    assert.ok(++kills < MOST_KILLS, 'it does not come to its end');
    const converted = await convertedIn(folder);
    assert.ok(converted >= before);
    if (converted > 0 && converted < FACES) halfWay++;
    before = converted;
  }
  assert.equal(await convertedIn(folder), FACES);
  assert.ok(halfWay >= 3, `only ${halfWay} of ${kills} kills were in the middle`);
});
