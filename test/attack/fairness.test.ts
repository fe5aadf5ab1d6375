import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { after, before, describe } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { attack, isFull } from '../../testing/attack.ts';
import { FLOODS } from '../../testing/floods.ts';
import { portrait } from '../../testing/photographs.ts';
import { startTenants, type Tenants } from '../../testing/tenants.ts';

const REQUESTS = isFull ? 100 : 10;
const INTERVAL_MS = 100;
const HEAD_START_MS = 500;
const LIMIT_MB = 128;

const SHORT = new Set([
  'that GIF with several keys of one account',
  'a progressive JPEG of 100 scans',
  'twelve uploads of 50 MB that stop half-way',
]);

let tenants: Tenants;
let face: Buffer;
before(async () => {
  tenants = await startTenants(`max_body_memory = ${LIMIT_MB}`);
  face = await portrait('anna');
});
after(() => tenants.stop());

/** Calls from an address that the flood does not fill. @returns the answer's status; 0 without an answer. */
async function call(path: string, body: Buffer): Promise<number> {
  const headers = { Authorization: `ApiKey ${tenants.victim}`, 'Content-Type': 'image/jpeg' };
  return new Promise((resolve) => {
    const options = { method: 'POST', headers, localAddress: '127.0.0.3' };
    const sent = request(tenants.child.url + path, options, (response) => {
      response.resume().once('close', () => resolve(response.statusCode ?? 0));
    });
    sent.once('error', () => resolve(0)).end(body);
  });
}

function residentMegabytes(): number {
  const status = readFileSync(`/proc/${tenants.child.process.pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1000;
}

describe('A tenant that floods the appliance', () => {
  attack('holds no more memory for bodies than the setting allows', async (tally) => {
    const before = residentMegabytes();
    const begin = FLOODS['twelve uploads of 50 MB that stop half-way'];
    const flood = await begin?.(tenants.child.url, tenants.attacker);
    for (let i = 0; i < 20; i++) {
      await wait(INTERVAL_MS);
      const grown = residentMegabytes() - before;
      tally.attempt(`${Math.round(grown)} MB more`, grown > 2 * LIMIT_MB);
    }
    await flood?.stop();
  });

  for (const [name, begin] of Object.entries(FLOODS).filter(([name]) => isFull || SHORT.has(name))) {
    attack(`takes no request from another tenant with ${name}`, async (tally) => {
      const flood = await begin(tenants.child.url, tenants.attacker);
      await wait(HEAD_START_MS);
      const calls: Promise<void>[] = [];
      for (let i = 0; i < REQUESTS; i++) {
        const path = `/v1/face/${i % 2 === 0 ? 'detect' : 'liveness'}`;
        calls.push(
          call(path, face).then((status) => tally.attempt(`${path} answered ${status}`, status !== 200)),
        );
        await wait(INTERVAL_MS);
      }
      await Promise.all(calls);
      await flood.stop();
    });
  }
});
