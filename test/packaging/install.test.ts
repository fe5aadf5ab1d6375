import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { ROOT } from '../../testing/service.ts';

/** The package is for another processor, so nothing is ever installed. */
const skip = process.getuid?.() !== 0 && 'only root installs packages';

let work: string;
let made: string;
let folder: string;
let file: string;
before(() => {
  work = mkdtempSync(join(tmpdir(), 'visage-install-'));
  const tree = join(work, 'tree');
  mkdirSync(join(tree, 'DEBIAN'), { recursive: true });
  const control =
    'Package: visage\nVersion: 1\nArchitecture: s390x\nMaintainer: x <x@example.org>\nDescription: x\n';
  writeFileSync(join(tree, 'DEBIAN/control'), control);
  made = join(work, 'made.deb');
  execFileSync('dpkg-deb', ['--root-owner-group', '-b', tree, made], { stdio: 'pipe' });
});
beforeEach(() => {
  folder = mkdtempSync(join(work, 'copied-'));
  file = join(folder, 'visage_1_s390x.deb');
  cpSync(made, file);
  cpSync(join(ROOT, 'install.sh'), join(folder, 'install.sh'));
  publish(sha256(file));
});
after(() => rmSync(work, { recursive: true, force: true }));

const sha256 = (of: string) => createHash('sha256').update(readFileSync(of)).digest('hex');
const publish = (sum: string) => writeFileSync(`${file}.sha256`, `${sum}  visage_1_s390x.deb\n`);
function install(...args: string[]) {
  const before = readdirSync('/var/tmp');
  const { status, stderr } = spawnSync('sh', [join(folder, 'install.sh'), ...args], { encoding: 'utf8' });
  const left = readdirSync('/var/tmp').filter((name) => name.startsWith('tmp.') && !before.includes(name));
  assert.deepEqual(left, [], 'no copy is left');
  assert.equal(status, 1);
  return stderr;
}
const ACCEPTED = /is for s390x and this machine is \w+; take the package for/;

describe('install.sh', { skip }, () => {
  test('looks at a package that has the SHA-256 beside it, and refuses one for another processor', () => {
    assert.match(install(), ACCEPTED);
    assert.match(install(file), ACCEPTED);
    publish(sha256(file).toUpperCase());
    assert.match(install(file), ACCEPTED);
  });

  test('takes the SHA-256 as an argument, and then needs no file', () => {
    rmSync(`${file}.sha256`);
    assert.match(install(file, sha256(file)), ACCEPTED);
  });

  test('refuses a package that was changed or copied in part', () => {
    const expected = sha256(file);
    appendFileSync(file, 'x');
    const words = `expected SHA-256 ${expected}, got ${sha256(file)}; copy it again`;
    assert.ok(install(file).includes(words));
    assert.ok(install(file, expected).includes(words));
    writeFileSync(file, 'half');
    assert.match(install(file), /is not the package that was published/);
  });

  test('refuses a package whose SHA-256 is missing, with what to do', () => {
    rmSync(`${file}.sha256`);
    assert.match(
      install(file),
      /there is no .*\.deb\.sha256; copy it .* or give the SHA-256 that was published/,
    );
  });

  test('refuses what is no SHA-256', () => {
    for (const sum of ['', 'abc', 'g'.repeat(64), 'a'.repeat(63), 'a'.repeat(65), '*', '$(id)']) {
      publish(sum);
      assert.match(install(file), /expected a SHA-256 of 64 hexadecimal digits/, sum);
    }
    assert.match(install(file, 'b'.repeat(8)), /expected a SHA-256 of 64 hexadecimal digits, got 8/);
  });

  test('refuses a file with the right SHA-256 that is no package of Visage', () => {
    writeFileSync(file, 'something else');
    publish(sha256(file));
    assert.match(install(file), /is not a package of Visage/);
  });
});
