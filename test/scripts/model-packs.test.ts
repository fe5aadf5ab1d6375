import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { folderWith, SCRIPTS } from './project-scripts.ts';

interface Pack {
  folder: string;
  file: string;
  manifest: {
    source: { npm: string; integrity: string };
    files: { name: string; source?: string; bytes: number; sha256: string }[];
  };
}
const {
  installFromTarball,
  missingFiles,
}: {
  installFromTarball(pack: Pack, tarball: string, staging: string): void;
  missingFiles(pack: Pack): { name: string }[];
} = await import(new URL('model-packs.mjs', SCRIPTS).href);

const WEIGHTS = 'the weights of a network';
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

let folder: string;
let pack: Pack;
const install = () => installFromTarball(pack, join(folder, 'x.tgz'), join(folder, 'staging'));

beforeEach(() => {
  folder = folderWith({ 'package/model/net.onnx': WEIGHTS, 'package/index.js': '' });
  execFileSync('tar', ['-czf', 'x.tgz', 'package'], { cwd: folder });
  for (const name of ['pack', 'staging']) mkdirSync(join(folder, name));
  const integrity = createHash('sha512')
    .update(readFileSync(join(folder, 'x.tgz')))
    .digest('base64');
  const file = {
    name: 'net.onnx',
    source: 'model/net.onnx',
    bytes: WEIGHTS.length,
    sha256: sha256(WEIGHTS),
  };
  pack = {
    folder: join(folder, 'pack'),
    file: join(folder, 'pack/manifest.json'),
    manifest: { source: { npm: 'x@1.0.0', integrity: `sha512-${integrity}` }, files: [file] },
  };
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("a model pack's files", () => {
  test('come out of the tarball, and nothing else of it does', () => {
    assert.deepEqual(
      missingFiles(pack).map(({ name }) => name),
      ['net.onnx'],
    );
    install();
    assert.deepEqual(readdirSync(pack.folder), ['net.onnx']);
    assert.equal(readFileSync(join(pack.folder, 'net.onnx'), 'utf8'), WEIGHTS);
    assert.deepEqual(missingFiles(pack), []);
  });

  test('are fetched again when one was cut short', () => {
    writeFileSync(join(pack.folder, 'net.onnx'), 'the wei');
    assert.equal(missingFiles(pack).length, 1);
    install();
    assert.equal(readFileSync(join(pack.folder, 'net.onnx'), 'utf8'), WEIGHTS);
  });

  test('stay out when the tarball is not the pinned one', () => {
    pack.manifest.source.integrity = `sha512-${'A'.repeat(86)}==`;
    assert.throws(install, /x@1\.0\.0 is not what the manifest pins: expected sha512-AAA.*, found sha512-/);
    assert.deepEqual(readdirSync(pack.folder), []);
  });

  test('stay out when their hash is another, which is named with the expected one', () => {
    const file = pack.manifest.files[0];
    assert.ok(file);
    file.sha256 = sha256('other weights');
    assert.throws(install, new RegExp(`expected SHA-256 ${file.sha256} .*found ${sha256(WEIGHTS)}`));
    assert.deepEqual(readdirSync(pack.folder), []);
  });

  test('that come with Visage are not looked for in the tarball, and the message says how to restore them', () => {
    const file = pack.manifest.files[0];
    assert.ok(file);
    delete file.source;
    assert.throws(
      install,
      /net\.onnx is missing or has another size .* comes with Visage, not from x@1\.0\.0/,
    );
    assert.deepEqual(readdirSync(pack.folder), []);
  });

  test('stay inside the folder of the pack', () => {
    const file = pack.manifest.files[0];
    assert.ok(file);
    file.name = '../net.onnx';
    assert.throws(install, /names a file outside its folder/);
    assert.ok(!existsSync(join(folder, 'net.onnx')));
  });
});
