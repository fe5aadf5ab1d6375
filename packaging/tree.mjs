/** The tree of files that the package installs, made in a folder from a clone that was set up. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { packsFromNpm } from '../scripts/model-packs.mjs';
import { debianChangelog, writeControl } from './control.mjs';
import { copyrightText, debianPart, nodePart, npmPart } from './copyright.mjs';
import { librariesOf } from './libraries.mjs';
import { copyNodeModules, filesOf, productionPackages } from './node-modules.mjs';

const FILES = new URL('files/', import.meta.url);
const HOME = 'usr/lib/visage';
const DOC = 'usr/share/doc/visage';
const SETTINGS = 'etc/visage/visage.toml';

/** Files of `dist-web/` that the service does not serve. */
const DASHBOARD_PACKAGES = 'packages.txt';
const DASHBOARD_RECORDS = [DASHBOARD_PACKAGES, 'sources.sha256'];

/** Where a bare system's tools look for what lies in these folders of the clone. */
const SHELL_COMPLETIONS = {
  bash: 'usr/share/bash-completion/completions',
  zsh: 'usr/share/zsh/vendor-completions',
  fish: 'usr/share/fish/vendor_completions.d',
};

/** npm as Node's own distribution has it, beside the program. */
function npmFolder() {
  const folder = join(dirname(realpathSync(process.execPath)), '../lib/node_modules/npm');
  if (existsSync(join(folder, 'bin/npm-cli.js'))) return folder;
  throw new Error(
    `There is no npm at ${folder}. Build the package with Node as its makers distribute it, or with --offline.`,
  );
}

/** Copies what npm runs on, without its manuals. */
function copyNpm(target) {
  const source = npmFolder();
  const used = filesOf(source).filter(
    (file) => !/^(docs|man)\//.test(file) && /\.(c?js|mjs|json)$/.test(file) && !/\/tests?\//.test(file),
  );
  for (const file of used) cpSync(join(source, file), join(target, file));
}

/** Every package inside a folder's `node_modules`, at any depth. */
function nestedPackages(folder) {
  return filesOf(folder)
    .filter((file) => /node_modules\/(@[^/]+\/)?[^/]+\/package\.json$/.test(file))
    .map((file) => join(folder, dirname(file)));
}

function writeCompressed(file, content) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, gzipSync(content, { level: 9 }));
}

/** Where a file of `systemd/` goes; a drop-in is an example until the operator copies it. */
function placeOfUnit(file) {
  if (file === 'visage.avahi.service') return 'etc/avahi/services/visage.service';
  return file.includes('/') ? `${DOC}/examples/${basename(file)}` : `usr/lib/systemd/system/${file}`;
}

/** Units, man pages, completions, monitoring: whatever the clone has of them. */
function copyForTheSystem(root, target) {
  const from = (folder) => (existsSync(join(root, folder)) ? filesOf(join(root, folder)) : []);
  for (const file of from('systemd')) {
    cpSync(join(root, 'systemd', file), join(target, placeOfUnit(file)));
  }
  for (const file of from('man')) {
    const folder = `usr/share/man/man${extname(file).slice(1)}`;
    writeCompressed(join(target, folder, `${basename(file)}.gz`), readFileSync(join(root, 'man', file)));
  }
  for (const file of from('completions')) {
    const [shell] = Object.keys(SHELL_COMPLETIONS).filter((name) => file.includes(name));
    if (!shell) throw new Error(`completions/${file} does not name its shell.`);
    const name = { bash: 'visagectl', zsh: '_visagectl', fish: 'visagectl.fish' }[shell];
    cpSync(join(root, 'completions', file), join(target, SHELL_COMPLETIONS[shell], name));
  }
  for (const file of from('monitoring')) {
    cpSync(join(root, 'monitoring', file), join(target, 'usr/share/visage/monitoring', file));
  }
  for (const file of from('docs')) {
    if (extname(file) === '.md') cpSync(join(root, 'docs', file), join(target, DOC, file));
  }
}

function copyProgram(root, target, { offline }) {
  const home = join(target, HOME);
  const copy = (from, to = from) => cpSync(join(root, from), join(home, to));
  cpSync(process.execPath, join(home, 'bin/node'), { dereference: true });
  copy('package.json');
  copy('bin/visagectl');
  copy('build/Release/visage.node');
  for (const file of filesOf(join(root, 'dist/src'))) copy(join('dist/src', file));
  for (const file of filesOf(join(root, 'dist-web'))) {
    if (!DASHBOARD_RECORDS.includes(file)) copy(join('dist-web', file));
  }
  copyNodeModules(root, home, process.versions.modules);
  copy('scripts/fetch-models.mjs');
  copy('scripts/model-packs.mjs');
  copy('scripts/setup/run.mjs');
  if (!offline) copyNpm(join(home, 'npm'));
  const fetched = new Set(weightsOf(root));
  for (const file of filesOf(join(root, 'models'))) {
    if (offline || !fetched.has(join('models', file))) copy(join('models', file));
  }
}

/** Folders of the npm packages whose code is in the pages of the dashboard. */
function packagesOfDashboard(root) {
  const names = readFileSync(join(root, 'dist-web', DASHBOARD_PACKAGES), 'utf8')
    .trim()
    .split('\n');
  return names.map((name) => join(root, 'node_modules', name));
}

/** Paths inside the clone of every file of a model pack that git does not hold. */
function weightsOf(root) {
  return packsFromNpm(root).flatMap(({ folder, manifest }) =>
    manifest.files
      .filter(({ source }) => source !== undefined)
      .map(({ name }) => join('models', basename(folder), name)),
  );
}

/** ELF files of a tree, absolute. */
function elfFiles(tree) {
  const isElf = (file) => readFileSync(file).subarray(0, 4).toString('latin1') === '\x7fELF';
  return filesOf(tree)
    .filter((file) => /(\.node|\.so[.\d]*|\/bin\/node)$/.test(file))
    .map((file) => join(tree, file))
    .filter(isElf);
}

/** Modes and times that do not depend on who built it, and when. */
function settle(tree, epoch) {
  const executable = /^usr\/(s?bin\/|lib\/visage\/bin\/node$)|^DEBIAN\/(pre|post)(inst|rm)$/;
  for (const path of [...readdirSync(tree, { recursive: true }), '.']) {
    const file = join(tree, path);
    const plain = path === SETTINGS ? 0o640 : 0o644;
    chmodSync(file, statSync(file).isDirectory() || executable.test(path) ? 0o755 : plain);
    utimesSync(file, epoch, epoch);
  }
}

/**
 * Makes the whole tree with `DEBIAN/`, ready for dpkg-deb.
 * @param {string} root the clone, set up
 * @param {string} target a folder that is empty or missing
 * @param {import('./control.mjs').Release & { offline: boolean }} release `offline`: with the model weights
 */
export function makeTree(root, target, release) {
  const home = join(target, HOME);
  copyProgram(root, target, release);
  const place = (file, to) => cpSync(new URL(file, FILES), join(target, to));
  place('visagectl', 'usr/bin/visagectl');
  place('visage-fetch-models', 'usr/sbin/visage-fetch-models');
  place('visage.toml', SETTINGS);
  place('sysusers.conf', 'usr/lib/sysusers.d/visage.conf');
  place('tmpfiles.conf', 'usr/lib/tmpfiles.d/visage.conf');
  place('lintian-overrides', 'usr/share/lintian/overrides/visage');
  copyForTheSystem(root, target);

  const runtime = dirname(onnxRuntimeOf(root));
  const own = elfFiles(target).filter((file) => !file.endsWith('visage.node'));
  const { base, carried } = librariesOf([join(root, 'build/Release/visage.node'), ...own]);
  mkdirSync(join(home, 'lib'));
  for (const [name, file] of carried) cpSync(file, join(home, 'lib', name));
  for (const file of elfFiles(target)) {
    execFileSync('strip', ['--strip-unneeded', '--remove-section=.comment', file]);
  }

  const libraries = [...carried].filter(([, file]) => dirname(file) !== runtime);
  writeFileSync(
    join(target, DOC, 'copyright'),
    copyrightText(readFileSync(join(root, 'LICENSE'), 'utf8').trim(), [
      nodePart(),
      ...productionPackages(root).map((path) => npmPart(join(root, path))),
      npmPart(join(root, 'node_modules/node-addon-api')),
      ...packagesOfDashboard(root).map(npmPart),
      ...(release.offline ? [] : [npmFolder(), ...nestedPackages(npmFolder())].map(npmPart)),
      ...licencesHere(),
      ...libraries.map(([name, file]) => debianPart(name, file)),
    ]),
  );
  const changelog = readFileSync(join(root, 'CHANGELOG.md'), 'utf8');
  writeCompressed(join(target, DOC, 'changelog.gz'), debianChangelog(changelog, release));
  const weights = weightsOf(root).map((file) => `/${HOME}/${file}`);
  writeControl(target, release, { base, weights, carried: release.offline });
  settle(target, release.epoch);
}

function onnxRuntimeOf(root) {
  return realpathSync(
    join(root, `node_modules/onnxruntime-node/bin/napi-v6/linux/${process.arch}/libonnxruntime.so.1`),
  );
}

/** Licences of what is compiled in or carried, and does not bring its own text. */
function licencesHere() {
  const folder = new URL('licences/', import.meta.url);
  return readdirSync(folder)
    .sort()
    .map((name) => {
      const [title, licence, ...text] = readFileSync(new URL(name, folder), 'utf8').trim().split('\n');
      return { name: title, licence, texts: [text.join('\n').trim()] };
    });
}
