/**
 * `npm run package [-- --offline] [--arch ARCH] [--out FOLDER] [--version VERSION] [--schema N] [--fast]`: builds
 * `release/visage_<version>_<arch>.deb` with its SHA-256 and install.sh.
 */
import { copyFileSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ARCHITECTURES, buildPackage, sourceEpoch } from '../packaging/deb.mjs';
import { ROOT, setUpOrExit } from './setup/set-up.mjs';

const { values } = parseArgs({
  options: {
    offline: { type: 'boolean', default: false },
    arch: { type: 'string', default: ARCHITECTURES[process.arch] },
    out: { type: 'string', default: join(ROOT, 'release') },
    version: {
      type: 'string',
      default: JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).version,
    },
    schema: { type: 'string' },
    fast: { type: 'boolean', default: false },
  },
});

if (values.arch !== ARCHITECTURES[process.arch]) {
  console.error(
    `package: expected --arch ${ARCHITECTURES[process.arch]} on this machine, got ${values.arch}. The build compiles for its own processor: run it on a ${values.arch} machine or in such a container.`,
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
