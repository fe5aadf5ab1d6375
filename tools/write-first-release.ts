/** Writes `test/fixtures/first-release/`: a data folder that version 0.1.0 made, and answers that it gave. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { differentPeople } from '../testing/sample-faces.ts';

/** The last commit of 0.1.0. */
const COMMIT = '5e4e7ac';
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TARGET = join(ROOT, 'test/fixtures/first-release');
const ENROLLED_WIDTH = 224;
const PROBE_WIDTH = 160;

/** @param built an existing clone of that version, whose parts are installed and built. */
async function main(built?: string): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), 'visage-first-release-'));
  const clone = built ?? join(work, 'clone');
  try {
    if (!existsSync(clone)) {
      execFileSync('git', ['clone', '--quiet', ROOT, clone]);
      execFileSync('git', ['checkout', '--quiet', COMMIT], { cwd: clone });
    }
    execFileSync('npm', ['run', 'setup'], { cwd: clone, stdio: 'inherit' });
    const data = join(work, 'data');
    const answers = await enrolled(clone, data);
    mkdirSync(TARGET, { recursive: true });
    writeFileSync(join(TARGET, 'answers.json'), `${JSON.stringify(answers, null, 2)}\n`);
    const files = ['data.mdb', 'keys'].filter((name) => existsSync(join(data, name)));
    execFileSync('tar', [
      '--sort=name',
      '--owner=0',
      '--group=0',
      '-cJf',
      join(TARGET, 'data.tar.xz'),
      '-C',
      data,
      ...files,
    ]);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function enrolled(clone: string, data: string) {
  const environment = { ...process.env, VISAGE_DATA_DIR: data, VISAGE_LISTEN: '127.0.0.1:0' };
  const service = spawn(process.execPath, [join(clone, 'dist/src/main.js')], {
    cwd: clone,
    env: environment,
  });
  try {
    const url = await urlOf(service);
    const key = execFileSync(join(clone, 'bin/visagectl'), ['keys', 'create', '--name', 'fixture'], {
      env: environment,
      encoding: 'utf8',
    }).trim();
    const call = async (method: string, target: string, body: object) => {
      const form = new FormData();
      for (const [name, value] of Object.entries(body)) {
        form.append(name, Buffer.isBuffer(value) ? new Blob([new Uint8Array(value)]) : value);
      }
      const isForm = 'image' in body;
      const response = await fetch(`${url}/v1/${target}`, {
        method,
        headers: {
          Authorization: `ApiKey ${key}`,
          ...(isForm ? {} : { 'Content-Type': 'application/json' }),
        },
        body: isForm ? form : JSON.stringify(body),
      });
      const answer = await response.json();
      if (!response.ok) throw new Error(`${target}: ${JSON.stringify(answer)}`);
      return answer as { faceId: string; externalKey: string; similarity: number };
    };
    await call('POST', 'collection/create', { collectionId: 'staff', description: 'Made by 0.1.0' });
    for (const [i, image] of (await differentPeople(ENROLLED_WIDTH)).entries()) {
      await call('POST', 'face/enroll', { collectionId: 'staff', externalKey: `person-${i}`, image });
    }
    const searches = [];
    for (const image of await differentPeople(PROBE_WIDTH)) {
      const { faceId, externalKey, similarity } = await call('POST', 'face/search', {
        collectionId: 'staff',
        image,
      });
      searches.push({ faceId, externalKey, similarity });
    }
    return { commit: COMMIT, collectionId: 'staff', probeWidth: PROBE_WIDTH, searches };
  } finally {
    service.kill('SIGTERM');
    await once(service, 'close');
  }
}

function urlOf(service: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    if (service.stdout) {
      createInterface(service.stdout).on('line', (line) => {
        const { msg, url } = JSON.parse(line) as { msg?: string; url?: string };
        if (msg === 'listening' && url) resolve(url);
      });
    }
    service.once('close', () => reject(new Error('0.1.0 did not start')));
  });
}

await main(process.argv[2]);
