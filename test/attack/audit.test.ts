import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { pino } from 'pino';
import { Audit } from '../../src/access/audit/audit.ts';
import { type Network, parseNetwork } from '../../src/base/ip-networks.ts';
import { openAuditReader } from '../../src/store/audit-reader.ts';
import type { AuditRecord } from '../../src/store/audit-records.ts';
import { Store } from '../../src/store/store.ts';
import { AccessService, closeShared } from '../../testing/access-service.ts';
import { attack, isFull } from '../../testing/attack.ts';

let service: AccessService;
before(async () => {
  const trustedProxies = [parseNetwork('127.0.0.0/8') as Network];
  service = await AccessService.open({ trustedProxies });
});
after(async () => {
  await service.close();
  await closeShared();
});

async function entries(): Promise<AuditRecord[]> {
  await service.audit.flush();
  const reader = openAuditReader(service.folder);
  const list = [...reader.entries()];
  await reader.close();
  return list;
}

const CREDENTIALS = ['fr_live_00000000000000000000000000000000', null, 'eyJ.eyJ.x'];

async function probe(address: string, number: number): Promise<void> {
  const routes = service.routes.filter(({ access }) => access.by !== 'anyone');
  const { method = 'GET', path = '/' } = routes[number % routes.length] ?? {};
  const credential = CREDENTIALS[Math.floor(number / routes.length) % CREDENTIALS.length] ?? null;
  const headers = { 'X-Forwarded-For': address };
  await service.call(credential, method, path.replaceAll(/\{\w+\}/g, 'x'), undefined, headers);
}

const FLOODS: Readonly<Record<string, (number: number) => string>> = {
  'one address': () => '203.0.113.5',
  'an IPv6 /48': (number) => `2001:db8:7:${number.toString(16)}::1`,
  'an IPv4 /16': (number) => `10.7.${number >> 8}.${number & 255}`,
  'a hundred networks': (number) => `10.${number % 100}.1.${number & 255}`,
};

let round = 0;
for (const [name, addressOf] of Object.entries(FLOODS)) {
  attack(`A flood of refusals from ${name} hides no other`, async (tally) => {
    round++;
    const narrow = await service.key({ scopes: ['v1:faces'] });
    const flood = isFull ? 5_000 : 700;
    for (let number = 0; number < flood; number += 10) {
      await Promise.all(Array.from({ length: 10 }, (_, at) => probe(addressOf(number + at), number + at)));
    }
    const victims = Array.from({ length: 5 }, (_, at) => `198.${round * 10 + at}.100.9`);
    for (const victim of victims) await probe(victim, 1);
    await service.call(narrow.key, 'GET', '/v1/billing/balance');
    const list = await entries();
    for (const victim of victims) {
      const isHidden = !list.some(({ address, action }) => address === victim && action !== 'several');
      tally.attempt(`the probing of ${victim} behind ${flood} refusals of ${name}`, isHidden);
    }
    const isHidden = !list.some(({ actor, action }) => actor.id === narrow.id && action === 'getBalance');
    tally.attempt(`the refusal of a key behind ${flood} refusals of ${name}`, isHidden);
  });
}

attack("A tenant that fills the audit log pushes out no other tenant's entry", async (tally) => {
  const folder = join(mkdtempSync(join(tmpdir(), 'visage-test-')), 'data');
  const store = Store.open(folder);
  const retention = { maxEntries: 300, maxDays: 400 };
  const audit = new Audit(store.audit, { now: Date.now, log: pino({ level: 'silent' }), retention });
  const act = (accountId: string, target: string) =>
    audit.record({ actor: { kind: 'key', id: 'key_1' }, accountId, action: 'collection.update', target });
  const victims = Array.from({ length: 40 }, (_, at) => `victim-${at}`);
  for (const victim of victims) {
    await act('acc_victim', victim);
    for (let number = 0; number < (isFull ? 300 : 40); number++) void act('acc_attacker', `flood-${number}`);
  }
  await audit.truncate();
  await act('acc_attacker', 'last');
  await audit.truncate();
  const { entries } = await store.audit.page('acc_victim', {}, { before: null, limit: 1_000, scan: 10_000 });
  const left = new Set(entries.map(({ target }) => target));
  for (const victim of victims) tally.attempt(`push out ${victim}`, !left.has(victim));
  const reader = openAuditReader(folder);
  const { fault, entries: kept } = reader.verify();
  tally.attempt('break the chain', fault !== null);
  tally.attempt('grow the log beyond its limit', kept > retention.maxEntries);
  await reader.close();
  await audit.close();
  await store.close();
  rmSync(join(folder, '..'), { recursive: true });
});
