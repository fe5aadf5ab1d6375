import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import { attack, isFull } from '../../testing/attack.ts';
import { ROOT } from '../../testing/service.ts';

/** The package is for another processor, so that nothing is ever installed. */
const isRoot = process.getuid?.() === 0;

let work: string;
let published: Buffer;
before(() => {
  work = mkdtempSync(join(tmpdir(), 'visage-attack-'));
  mkdirSync(join(work, 'tree/DEBIAN'), { recursive: true });
  const control =
    'Package: visage\nVersion: 1\nArchitecture: s390x\nMaintainer: x <x@example.org>\nDescription: x\n';
  writeFileSync(join(work, 'tree/DEBIAN/control'), control);
  execFileSync('dpkg-deb', ['--root-owner-group', '-b', join(work, 'tree'), join(work, 'made.deb')], {
    stdio: 'pipe',
  });
  published = readFileSync(join(work, 'made.deb'));
});
after(() => rmSync(work, { recursive: true, force: true }));

describe('install.sh', { skip: isRoot ? false : 'only root installs packages' }, () => {
  attack('installs no package but the one that was published', async (tally) => {
    const sum = createHash('sha256').update(published).digest('hex');
    const file = join(work, 'visage_1_s390x.deb');
    const passes = (bytes: Buffer, sums: string | null) => {
      writeFileSync(file, bytes);
      rmSync(`${file}.sha256`, { force: true });
      if (sums !== null) writeFileSync(`${file}.sha256`, sums);
      const { stderr } = spawnSync('sh', [join(ROOT, 'install.sh'), file], { encoding: 'utf8' });
      return stderr.includes('is for s390x');
    };
    if (!passes(published, `${sum}  visage_1_s390x.deb\n`))
      throw new Error('the published package is refused');
    for (let attempt = 0; attempt < (isFull ? 200 : 10); attempt++) {
      const at = randomBytes(4).readUInt32LE() % published.length;
      const changed = Buffer.from(published);
      changed[at] = (changed[at] as number) ^ (1 << (attempt % 8));
      tally.attempt(`bit ${attempt % 8} of byte ${at}`, passes(changed, `${sum}  visage_1_s390x.deb\n`));
    }
    const other = Buffer.concat([published, Buffer.from('x')]);
    const forged = createHash('sha256').update(other).digest('hex');
    const sums = [
      null,
      '',
      '\n',
      sum.slice(1),
      `${sum.slice(0, 63)}*`,
      `*`,
      `${sum} ${forged}`,
      `${sum}\n${forged}\n`,
      `"${forged}`,
    ];
    for (const each of sums) tally.attempt(`the sums ${JSON.stringify(each)}`, passes(other, each));
  });
});
