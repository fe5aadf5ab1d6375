import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { SetupError } from './setup/run.mjs';

function readManifest(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new SetupError(`Cannot read ${file}: ${cause.message}.`);
  }
}

function manifestsOf(folder) {
  const versions = join(folder, 'versions');
  const older = existsSync(versions) ? readdirSync(versions).filter((name) => name.endsWith('.json')) : [];
  return [join(folder, 'manifest.json'), ...older.map((name) => join(versions, name))];
}

export function packsFromNpm(root) {
  const models = join(root, 'models');
  return readdirSync(models)
    .map((name) => join(models, name))
    .filter((folder) => existsSync(join(folder, 'manifest.json')))
    .flatMap((folder) => manifestsOf(folder).map((file) => ({ folder, file, manifest: readManifest(file) })))
    .filter(({ manifest }) => manifest.source?.npm);
}

export function missingFiles({ folder, manifest }) {
  return manifest.files.filter(
    ({ name, bytes }) => statSync(join(folder, name), { throwIfNoEntry: false })?.size !== bytes,
  );
}

export function incompletePacks(root) {
  return packsFromNpm(root).filter((pack) => missingFiles(pack).length > 0);
}

export function integrityOf(file, expected) {
  const [algorithm] = expected.split('-', 1);
  return `${algorithm}-${createHash(algorithm).update(readFileSync(file)).digest('base64')}`;
}

/**
 * @param {{ folder: string, file: string, manifest: object }} pack
 * @param {string} tarball from `npm pack`
 * @param {string} staging an empty folder on the same file system
 * @throws SetupError
 */
export function installFromTarball(pack, tarball, staging) {
  const { folder, file: pinned, manifest } = pack;
  const { npm, integrity } = manifest.source;
  const found = integrityOf(tarball, integrity);
  if (found !== integrity) {
    throw new SetupError(
      `The package ${npm} is not what the manifest pins: expected ${integrity}, found ${found}. Nothing was installed. Find out why it changed before you use it.`,
    );
  }
  for (const { name, source, sha256, bytes } of missingFiles(pack)) {
    if (basename(name) !== name) throw new SetupError(`${pinned} names a file outside its folder: ${name}.`);
    if (source === undefined) {
      throw new SetupError(
        `${join(folder, name)} is missing or has another size than ${pinned} says. It comes with Visage, not from ${npm}: restore it with \`git checkout\` or install the package again.`,
      );
    }
    const member = `package/${source}`;
    const { status } = spawnSync('tar', ['-xzf', tarball, '-C', staging, '--no-same-owner', '--', member]);
    if (status !== 0) throw new SetupError(`${npm} has no file ${source}, which ${pinned} lists.`);
    const staged = join(staging, member);
    const content = readFileSync(staged);
    const hash = createHash('sha256').update(content).digest('hex');
    if (hash !== sha256 || content.length !== bytes) {
      throw new SetupError(
        `${name} of ${npm} is not what ${pinned} pins: expected SHA-256 ${sha256} (${bytes} bytes), found ${hash} (${content.length} bytes).`,
      );
    }
    renameSync(staged, join(folder, name));
  }
}
