/**
 * `npm run test:package`: takes packages through the life of an appliance in a bare Debian 12 root, compares
 * a second clone's package, and runs lintian. Needs root, and network for the first run.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../testing/service.ts';
import { build, inBareDebian, walk } from './bare-debian.ts';

const sha256 = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');

function secondClone(folder: string): void {
  execFileSync('git', ['clone', '--quiet', ROOT, folder]);
  for (const name of ['node_modules', 'deps/onnxruntime', 'deps/faiss-src', 'models']) {
    if (existsSync(join(ROOT, name))) cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  }
}

inBareDebian('test:package', ['lintian'], (work) => {
  const failures: string[] = [];
  const packages = join(work, 'packages');
  const first = build(ROOT, packages, 'first.deb', '--fast');
  build(ROOT, packages, 'second.deb', '--fast', '--version', '99.0.0');
  build(ROOT, packages, 'third.deb', '--fast', '--version', '99.1.0', '--schema', '99');
  if (walk('walk.sh', packages, work) !== 0) failures.push("the walk through an appliance's life");

  const clone = join(work, 'elsewhere');
  secondClone(clone);
  const again = build(clone, join(work, 'again'), 'first.deb', '--fast');
  const isSame = sha256(first) === sha256(again);
  console.log(`${isSame ? 'ok' : 'not ok'} - a clone in another folder builds the same bytes`);
  if (!isSame) failures.push('the same bytes from another folder');

  const released = build(ROOT, join(work, 'released'), 'visage.deb');
  const { status } = spawnSync('lintian', ['--fail-on', 'error', '--allow-root', released], {
    stdio: 'inherit',
  });
  console.log(`${status === 0 ? 'ok' : 'not ok'} - lintian finds no error`);
  if (status !== 0) failures.push('lintian');
  return failures;
});
