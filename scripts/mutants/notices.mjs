/** Keeps the test that notices each fault, for later runs. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

function hashOf(root, files) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(join(root, file)));
  return hash.digest('hex');
}

export class Notices {
  #root;
  #place;
  #known = {};

  /** @param {boolean} isFresh forgets what earlier runs saw */
  constructor(root, isFresh) {
    this.#root = root;
    this.#place = join(root, 'dist.mutants/notices.json');
    if (!isFresh) this.#read();
  }

  /** @returns {string | null} the test, or null if a file has changed since */
  of({ id, file }) {
    const { notice, hash } = this.#known[id] ?? {};
    if (!notice) return null;
    const [test] = notice.split(',');
    const isThere = existsSync(join(this.#root, test));
    return isThere && hashOf(this.#root, [file, test]) === hash ? notice : null;
  }

  add({ id, file }, notice) {
    const [test] = notice.split(',');
    // Another run may have written meanwhile.
    this.#read();
    this.#known[id] = { notice, hash: hashOf(this.#root, [file, test]) };
    mkdirSync(dirname(this.#place), { recursive: true });
    writeFileSync(this.#place, JSON.stringify(this.#known, null, 1));
  }

  #read() {
    if (!existsSync(this.#place)) return;
    this.#known = { ...this.#known, ...JSON.parse(readFileSync(this.#place, 'utf8')) };
  }
}
