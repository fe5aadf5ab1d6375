/**
 * `npm run test:year`: an operator's year with the packaged files, in a bare Debian 12 root. Needs root, and
 * network for the first run.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../testing/service.ts';
import { build, inBareDebian, walk } from './bare-debian.ts';

inBareDebian('test:year', [], (work) => {
  const packages = join(work, 'packages');
  build(ROOT, packages, 'first.deb', '--fast');
  build(ROOT, packages, 'second.deb', '--fast', '--version', '99.0.0');
  const manager = ['-std=c++20', '-O1', '-static', '-o', join(packages, 'manager')];
  execFileSync('g++', [...manager, join(ROOT, 'test/systemd/manager.cc')]);
  makeCertificate(join(packages, 'tls'));
  return walk('operators-year.sh', packages, work) === 0 ? [] : ["an operator's year"];
});

function makeCertificate(folder: string): void {
  mkdirSync(folder);
  const files = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'certificate.pem')];
  const what = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '90'];
  const args = ['req', '-x509', ...what, '-subj', '/CN=visage.example', ...files];
  execFileSync('openssl', args, { stdio: 'ignore' });
}
