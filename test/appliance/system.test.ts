import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { AccessService, closeShared } from '../../testing/access-service.ts';
import { nobody, portrait } from '../../testing/photographs.ts';

let service: AccessService;
let admin: string;
before(async () => {
  service = await AccessService.open();
  admin = await service.token(await service.member('admin'));
});
after(async () => {
  await service.close();
  await closeShared();
});

describe('The state of the appliance', () => {
  test('says version, sizes, queue and what needs attention', async () => {
    const { key } = await service.key();
    await service.call(key, 'POST', '/v1/collection/create', { collectionId: 'people' });
    const { status, body } = await service.call(admin, 'GET', '/v1/system');
    assert.equal(status, 200);
    assert.equal(body.version, '0');
    assert.equal(body.device, 'cpu');
    assert.equal(body.threads, 2);
    assert.deepEqual(body.store, { schema: body.store.schema, faces: 0, collections: 1, accounts: 1 });
    assert.deepEqual(body.queue, { length: 0, max: 64, running: 0 });
    assert.ok(body.memory.rssBytes > 1e7 && body.memory.systemFreeBytes > 1e6);
    assert.ok(body.disk.dataBytes > 0 && body.disk.freeBytes > 0 && body.disk.totalBytes > 0);
    assert.deepEqual([body.certificate, body.lastBackup], [null, null]);
    const codes = body.attention.map(({ code }: { code: string }) => code);
    assert.ok(codes.includes('TLS_OFF') && codes.includes('BACKUP_MISSING'), String(codes));
  });

  test('has a history of real calls: matches, no matches, refusals and latency by stage', async () => {
    const { key } = await service.key();
    const image = async (bytes: Promise<Buffer>) => ({ bytes: (await bytes).toString('base64') });
    const post = async (path: string, person: Promise<Buffer>, more = {}) =>
      service.call(key, 'POST', path, { collectionId: 'people', image: await image(person), ...more });
    assert.equal((await post('/v1/face/index', portrait('anna'))).status, 200);
    for (const person of ['anna', 'bea'] as const) {
      assert.equal((await post('/v1/face/search', portrait(person))).status, 200);
    }
    assert.equal((await post('/v1/face/search', nobody())).status, 200);
    assert.equal((await post('/v1/face/search', Promise.resolve(Buffer.from('no image')))).status, 400);
    const { body } = await service.call(admin, 'GET', '/v1/system/history');
    assert.deepEqual([body.period, body.step], ['hour', 60]);
    const sum = (name: string) =>
      body.points.reduce((total: number, point: Record<string, number>) => total + (point[name] ?? 0), 0);
    assert.deepEqual([sum('matches'), sum('noMatches')], [1, 1]);
    assert.ok(sum('refusals') >= 1 && sum('requests') >= 5);
    const month = (await service.call(admin, 'GET', '/v1/system/history?period=month')).body;
    const point = month.points.at(-1);
    assert.ok(point.latency.p50 > 1 && point.latency.p95 >= point.latency.p50);
    for (const stage of ['decode', 'detect', 'embed', 'search']) assert.ok(point.stages[stage] > 0, stage);
    assert.ok(month.points.length <= 2);
    const { code } = (await service.call(admin, 'GET', '/v1/system/history?period=year')).body;
    assert.equal(code, 'VALIDATION_FAILED');
  });
});

describe('A route about the appliance', () => {
  test('is for admins and owners of the first account only', async () => {
    const { accountId } = await service.store.members.addWithAccount('tenant', {
      email: 'tenant@example.com',
      name: null,
      username: null,
      role: 'owner',
      passwordHash: 'x',
      invitation: null,
      createdAt: Date.now(),
    });
    const tenant = await service.token(await service.member('admin', accountId));
    const member = await service.token(await service.member('member'));
    const owner = await service.token(await service.member('owner'));
    const { key } = await service.key();
    const routes = service.routes.filter(({ access }) => access.by === 'member' && access.appliance);
    assert.ok(routes.length >= 3);
    for (const { method, path } of routes.filter((each) => each.method === 'GET')) {
      for (const credential of [tenant, member, key]) {
        const { status, body } = await service.call(credential, method, path);
        assert.deepEqual([status, body.code], [403, 'PERMISSION_DENIED'], path);
      }
      for (const credential of [admin, owner])
        assert.equal((await service.call(credential, method, path)).status, 200, path);
      assert.equal((await service.call(null, method, path)).status, 401, path);
    }
  });

  test('answers what its schema says', async () => {
    const ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true });
    const read = service.routes.filter(
      ({ method, access }) => method === 'GET' && access.by === 'member' && access.appliance,
    );
    for (const { path, responses } of read) {
      const { status, body } = await service.call(admin, 'GET', path);
      const validate = ajv.compile(responses[status]?.schema ?? false);
      assert.ok(validate(body), `${path}: ${ajv.errorsText(validate.errors)}`);
    }
    const started = await service.call(admin, 'POST', '/v1/system/backup');
    assert.deepEqual([started.status, started.body.state], [202, 'running']);
  });

  test('names itself one of the appliance in its path', () => {
    for (const { path, access } of service.routes) {
      const isOfAppliance = access.by === 'member' && access.appliance === true;
      assert.equal(isOfAppliance, /^\/v1\/(system|settings)(\/|$)/.test(path), path);
    }
  });
});
