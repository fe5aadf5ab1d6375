import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { loadConfig } from '../../src/config/load.ts';
import { SCHEMA_VERSION } from '../../src/store/databases.ts';
import { childEnvironment, ROOT } from '../../testing/service.ts';

const PACKAGING = new URL('../../../packaging/', import.meta.url);
const { buildPackage } = await import(new URL('deb.mjs', PACKAGING).href);
const { makeTree } = await import(new URL('tree.mjs', PACKAGING).href);
const { librariesOf } = await import(new URL('libraries.mjs', PACKAGING).href);

const RELEASE = {
  version: '1.2.3',
  arch: execFileSync('dpkg', ['--print-architecture'], { encoding: 'utf8' }).trim(),
  schema: SCHEMA_VERSION,
  epoch: 1_700_000_000,
  offline: true,
  compression: 'none',
};

let work: string;
let tree: string;
let files: string[];
const built: { file: string; sha256: string }[] = [];

before(() => {
  work = mkdtempSync(join(tmpdir(), 'visage-package-'));
  for (const out of ['here', 'in/another/folder']) built.push(buildPackage(ROOT, join(work, out), RELEASE));
  tree = join(work, 'tree');
  execFileSync('dpkg-deb', ['-R', String(built[0]?.file), tree]);
  files = readdirSync(tree, { recursive: true, encoding: 'utf8' });
});
after(() => rmSync(work, { recursive: true, force: true }));

const home = () => join(tree, 'usr/lib/visage');
const control = (name: string) => readFileSync(join(tree, 'DEBIAN', name), 'utf8');

describe('the Debian package', () => {
  test('has its SHA-256 beside it as sha256sum checks it', () => {
    const { file = '', sha256 } = built[0] ?? {};
    assert.equal(readFileSync(`${file}.sha256`, 'utf8'), `${sha256}  ${basename(file)}\n`);
    execFileSync('sha256sum', ['--check', '--strict', `${file}.sha256`], {
      cwd: dirname(file),
      stdio: 'pipe',
    });
  });

  test('has the same bytes when it is built again in another folder', () => {
    assert.equal(built[0]?.sha256, built[1]?.sha256);
  });

  test('carries every library that a bare Debian does not have', () => {
    const carried = readdirSync(join(home(), 'lib'));
    const programs = files.filter((file) => /\.node$|bin\/node$|\/lib\/lib.*\.so/.test(file));
    assert.ok(programs.length > 10);
    for (const file of programs) {
      for (const name of librariesOf([join(tree, file)]).carried.keys()) {
        assert.ok(carried.includes(name), `${file} needs ${name}`);
      }
    }
  });

  test('takes its libraries from its own folder', () => {
    const addon = join(home(), 'build/Release/visage.node');
    const found = execFileSync('ldd', [addon], { encoding: 'utf8' });
    for (const name of readdirSync(join(home(), 'lib'))) {
      assert.match(
        found,
        new RegExp(`${name.replaceAll('.', '\\.')} => ${home()}/build/Release/\\.\\./\\.\\./lib/`),
      );
    }
  });

  test('starts the service with its own Node from its own files', async () => {
    const data = join(work, 'data');
    const child = spawn(join(home(), 'bin/node'), [join(home(), 'dist/src/main.js')], {
      cwd: work,
      env: childEnvironment({ VISAGE_DATA_DIR: data, VISAGE_LISTEN: '127.0.0.1:0', VISAGE_THREADS: '1' }),
    });
    const ended = once(child, 'close');
    let said = '';
    child.stderr.on('data', (text) => {
      said += text;
    });
    for await (const line of createInterface(child.stdout)) {
      if (line.includes('"listening"')) child.kill();
    }
    assert.deepEqual(await ended, [0, null], said);
    assert.match(said, /serves at http/);
  });

  test('carries the dashboard, with the licences of its parts', () => {
    const pages = files.filter((file) => file.startsWith('usr/lib/visage/dist-web/'));
    assert.ok(pages.includes('usr/lib/visage/dist-web/index.html'));
    assert.ok(pages.some((file) => /\/assets\/index-[^/]+\.js\.br$/.test(file)));
    assert.ok(!pages.some((file) => /\.(txt|sha256)$/.test(file)));
    const text = readFileSync(join(tree, 'usr/share/doc/visage/copyright'), 'utf8');
    for (const part of ['react-dom', 'react-aria', 'i18next', 'wouter', '@fontsource-variable/inter']) {
      assert.ok(text.includes(`${part} `), part);
    }
  });

  test('holds nothing for developers or for other systems', () => {
    const strange =
      /\.d\.ts$|\/(typescript|sharp|cmake-js|fast-check|@biomejs|onnxruntime-node)\/|win32|darwin|musl|\.(cc|h|gyp)$|visage\/dist\/(test|bench)/;
    assert.deepEqual(
      files.filter((file) => file.startsWith('usr/lib/visage/') && strange.test(file)),
      [],
    );
  });

  test('has settings that the program reads, as a conffile that only root and the service read', () => {
    const file = join(tree, 'etc/visage/visage.toml');
    assert.equal(loadConfig({ VISAGE_CONFIG: file }).dataDir, '/var/lib/visage');
    assert.match(control('conffiles'), /^\/etc\/visage\/visage\.toml$/m);
    assert.equal(statSync(file).mode & 0o777, 0o640);
  });

  test('says which licences its parts have', () => {
    const text = readFileSync(join(tree, 'usr/share/doc/visage/copyright'), 'utf8');
    for (const part of [
      'Node.js',
      'ONNX Runtime',
      'FAISS',
      'koa',
      'lmdb',
      'libjpeg62-turbo',
      'faceplugin',
      'FairFace',
    ]) {
      assert.ok(text.includes(part), part);
    }
  });

  test('has maintainer scripts that the shell reads, with every name filled in', () => {
    for (const name of ['preinst', 'postinst', 'prerm', 'postrm']) {
      execFileSync('sh', ['-n', join(tree, 'DEBIAN', name)]);
      assert.doesNotMatch(control(name), /@[A-Z]+@|undefined/);
    }
    assert.match(control('postinst'), /for unit in .*visage\.service/);
  });

  test('enables units that are there, and starts sockets before services', () => {
    const [, listeners = '', services = ''] =
      /for unit in (.*); do deb-systemd-invoke start[\s\S]*for unit in (.*); do deb-systemd-invoke restart/.exec(
        control('postinst'),
      ) ?? [];
    assert.deepEqual(services.split(' '), ['visage.service']);
    assert.ok(listeners.split(' ').includes('visage.socket'));
    for (const unit of [...listeners.split(' '), ...services.split(' ')]) {
      assert.ok(files.includes(`usr/lib/systemd/system/${unit}`), unit);
    }
  });
});

describe('before it installs, the package', () => {
  function upgradeFrom(schema: number) {
    const admin = mkdtempSync(join(work, 'dpkg-'));
    mkdirSync(join(admin, 'updates'));
    mkdirSync(join(admin, 'info'));
    const status =
      'Package: visage\nStatus: install ok installed\nMaintainer: x <x@example.org>\nArchitecture: all\n' +
      `Version: 9.0\nProvides: visage-schema (= ${schema})\nDescription: x\n`;
    writeFileSync(join(admin, 'status'), status);
    return spawnSync('sh', [join(tree, 'DEBIAN/preinst'), 'upgrade', '9.0'], {
      env: { ...process.env, DPKG_ADMINDIR: admin },
      encoding: 'utf8',
    });
  }

  test('refuses to replace a version whose store it cannot read, with a sentence', () => {
    const { status, stderr } = upgradeFrom(SCHEMA_VERSION + 1);
    assert.equal(status, 1);
    const reason = `version 1\\.2\\.3 is not installed: .*version 9\\.0, whose schema ${SCHEMA_VERSION + 1} `;
    assert.match(stderr, new RegExp(`${reason}.*Nothing was changed\\.$`, 'm'));
  });

  test('replaces a newer version that writes the same schema', () => {
    const { status, stderr } = upgradeFrom(SCHEMA_VERSION);
    assert.deepEqual([status, stderr], [0, '']);
  });
});

describe('the package without weights', () => {
  test('has npm to fetch them with, says so, and refuses a wrong file in a sentence', () => {
    const plain = join(work, 'plain');
    makeTree(ROOT, plain, { ...RELEASE, offline: false });
    const own = join(plain, 'usr/lib/visage');
    assert.doesNotMatch(readdirSync(join(own, 'models/faceplugin')).join(), /onnx/);
    assert.match(
      readFileSync(join(plain, 'DEBIAN/postinst'), 'utf8'),
      /for file in \/usr\/lib\/visage\/models\/.*onnx/,
    );
    execFileSync(join(own, 'bin/node'), [join(own, 'npm/bin/npm-cli.js'), '--version']);
    const wrong = join(work, 'wrong.tgz');
    writeFileSync(wrong, 'not a tarball');
    const fetched = spawnSync(
      join(own, 'bin/node'),
      [join(own, 'scripts/fetch-models.mjs'), '--from', wrong],
      {
        encoding: 'utf8',
      },
    );
    assert.equal(fetched.status, 69);
    assert.match(fetched.stderr, /^visage-fetch-models: The package .* is not what the manifest pins/);
  });
});
