/**
 * `npm run package [-- --offline] [--arch ARCH] [--out FOLDER] [--version VERSION] [--schema N]
 * [--fast]`: sets up, then builds
 * `release/visage_<version>_<arch>.deb`, and lays install.sh beside it.
 */
import { copyFileSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ARCHITECTURES, buildPackage, sourceEpoch } from '../packaging/deb.mjs';
import { ROOT, setUpOrExit } from './setup/set-up.mjs';

const { values } = parseArgs({
  options: {
    /** Carries the model weights, for machines without network. */
    offline: { type: 'boolean', default: false },
    arch: { type: 'string', default: ARCHITECTURES[process.arch] },
    out: { type: 'string', default: join(ROOT, 'release') },
    version: {
      type: 'string',
      default: JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).version,
    },
    /** The store's schema, where another than the program's own is to be tried. */
    schema: { type: 'string' },
    /** Does not compress, for trying things. */
    fast: { type: 'boolean', default: false },
  },
});

if (values.arch !== ARCHITECTURES[process.arch]) {
  console.error(
    `package: this machine builds ${ARCHITECTURES[process.arch]} packages. For ${values.arch}, run the same command on such a machine, or in a container of that architecture: the addon is compiled for the processor that runs the build.`,
  );
  process.exit(64);
}
await setUpOrExit();
const { SCHEMA_VERSION } = await import('../dist/src/store/databases.js');
const { version, arch, offline, fast } = values;
const out = resolve(values.out);
const made = buildPackage(ROOT, out, {
  version,
  arch,
  offline,
  schema: Number(values.schema ?? SCHEMA_VERSION),
  epoch: sourceEpoch(ROOT),
  compression: fast ? 'none' : 'xz',
});
copyFileSync(join(ROOT, 'install.sh'), join(out, 'install.sh'));
console.log(`${made.file}\n${(made.bytes / 2 ** 20).toFixed(1)} MB, SHA-256 ${made.sha256}`);
