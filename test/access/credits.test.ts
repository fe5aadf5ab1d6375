import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { NO_DURATIONS } from '../../src/base/durations.ts';
import { type Network, parseNetwork } from '../../src/base/ip-networks.ts';
import { AccessService, closeShared } from '../../testing/access-service.ts';
import { nobody, photograph } from '../../testing/photographs.ts';
import { samePerson } from '../../testing/sample-faces.ts';

const CALL = '/v1/collection/get-all';
const PRICE = 0.01;

let service: AccessService;
before(async () => {
  service = await AccessService.open({ prices: { getAllCollections: 10_000, createCollection: 10_000 } });
});
after(async () => {
  assert.deepEqual(service.store.check(), []);
  await service.close();
  await closeShared();
});

/** Statuses of calls by 64 clients, one call at a time each. */
async function byManyClients(at: AccessService, key: string, calls: number): Promise<Map<number, number>> {
  const statuses = new Map<number, number>();
  let left = calls;
  await Promise.all(
    Array.from({ length: 64 }, async () => {
      while (left-- > 0) {
        const { status } = await at.call(key, 'GET', CALL);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    }),
  );
  return statuses;
}

async function heldOpen(
  at: AccessService,
  keys: readonly string[],
): Promise<{ in: number; refused: number }> {
  const [image] = await samePerson();
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let waiting = 0;
  let refused = 0;
  let decided = () => {};
  const allDecided = new Promise<void>((resolve) => {
    decided = () => waiting + refused === keys.length && resolve();
  });
  at.beforePicture = () => {
    waiting++;
    decided();
    return held;
  };
  const answers = keys.map(async (key) => {
    const body = { image: { bytes: image.toString('base64') } };
    const { status } = await at.call(key, 'POST', '/v1/face/detect', body);
    if (status === 402) {
      refused++;
      decided();
    } else assert.equal(status, 200);
  });
  await allDecided;
  at.beforePicture = async () => {};
  release();
  await Promise.all(answers);
  return { in: waiting, refused };
}

describe('Money that open calls may still cost', () => {
  test('counts as spent for other calls of the key: a budget of 2 lets 2 of 5 in while none has ended', async () => {
    const at = await AccessService.open({ prices: { detectFaces: 10_000 } });
    try {
      const { id, key } = await at.key({ budget: 20_000 });
      assert.deepEqual(await heldOpen(at, Array(5).fill(key)), { in: 2, refused: 3 });
      assert.equal(at.store.credits.spent(id), 20_000);
    } finally {
      await at.close();
    }
  });

  test('counts as spent for other keys of the account: a balance of 3 lets 3 of 6 in while none has ended', async () => {
    const at = await AccessService.open({ isPrepaid: true, prices: { detectFaces: 10_000 } });
    try {
      await at.store.credits.topUp(at.accountId, 30_000);
      const keys = await Promise.all(Array.from({ length: 6 }, async () => (await at.key()).key));
      assert.deepEqual(await heldOpen(at, keys), { in: 3, refused: 3 });
      assert.equal(at.store.credits.balance(at.accountId), 0);
    } finally {
      await at.close();
    }
  });

  test('is free again when a call ends without success', async () => {
    const { credits } = service.store;
    const { id } = await service.key();
    const charge = {
      accountId: service.accountId,
      keyId: id,
      amount: 10_000,
      budget: 20_000,
      prepaid: false,
    } as const;
    credits.reserve(charge);
    credits.reserve(charge);
    assert.throws(() => credits.reserve(charge), { code: 'INSUFFICIENT_CREDITS' });
    credits.release(charge);
    credits.reserve(charge);
    assert.throws(() => credits.reserve(charge), { code: 'INSUFFICIENT_CREDITS' });
    credits.release(charge);
    credits.release(charge);
    assert.equal(credits.spent(id), 0);
  });
});

describe('A call about several faces', () => {
  test('reserves the price of the most, and charges that of the faces found, at least one', async () => {
    const at = await AccessService.open({ prices: { recognizeFaces: 10_000 } });
    const { id, key } = await at.key({ budget: 100_000 });
    await at.call(key, 'POST', '/v1/collection/create', { collectionId: 'a' });
    const recognize = async (image: Buffer, more = {}) => {
      const body = { collectionId: 'a', image: { bytes: image.toString('base64') }, ...more };
      const answer = await at.call(key, 'POST', '/v1/face/recognize', body);
      return [answer.status, answer.body.faces?.length, at.store.credits.spent(id)];
    };
    assert.deepEqual(await recognize(photograph(1)), [200, 3, 30_000]);
    assert.deepEqual(await recognize(await nobody(), { maxFaces: 2 }), [200, 0, 40_000]);
    assert.deepEqual(await recognize(photograph(1), { maxFaces: 1 }), [200, 1, 50_000]);
    assert.deepEqual(await recognize(photograph(1)), [402, undefined, 50_000]);
    await at.close();
  });
});

describe('A budget', () => {
  test('that pays for 100 calls gives 64 parallel clients exactly 100', async () => {
    const { id, key } = await service.key({ budget: 1_000_000 });
    assert.deepEqual([...(await byManyClients(service, key, 300))].sort(), [
      [200, 100],
      [402, 200],
    ]);
    assert.equal(service.store.credits.spent(id), 1_000_000);
    const { body } = await service.call(key, 'GET', CALL);
    assert.deepEqual([body.code, body.detail], ['INSUFFICIENT_CREDITS', 'Insufficient credits']);
  });

  test('is charged for calls that succeed only', async () => {
    const { id, key } = await service.key({ budget: 15_000 });
    for (let i = 0; i < 5; i++) {
      assert.equal(
        (await service.call(key, 'POST', '/v1/collection/create', { collectionId: 'a b' })).status,
        400,
      );
    }
    assert.equal(
      (await service.call(key, 'POST', '/v1/collection/create', { collectionId: 'a' })).status,
      200,
    );
    const { body } = await service.call(key, 'POST', '/v1/collection/create', { collectionId: 'a' });
    assert.equal(body.code, 'INSUFFICIENT_CREDITS');
    assert.equal(service.store.credits.spent(id), 10_000);
  });

  test('that is used up refuses what costs nothing too, but not to look after keys', async () => {
    const { key } = await service.key({ budget: 0 });
    assert.equal((await service.call(key, 'GET', '/v1/collection/get?collectionId=a')).status, 402);
    assert.equal((await service.call(key, 'GET', '/v1/auth/api-keys')).status, 200);
  });

  test('starts anew with reset_spent', async () => {
    const { id, key } = await service.key({ budget: 10_000 });
    assert.equal((await service.call(key, 'GET', CALL)).status, 200);
    assert.equal((await service.call(key, 'GET', CALL)).status, 402);
    const token = await service.token(await service.member('admin'));
    const { body } = await service.call(token, 'PATCH', `/v1/auth/api-keys/${id}`, { reset_spent: true });
    assert.equal(body.spent_usd, 0);
    assert.equal((await service.call(key, 'GET', CALL)).status, 200);
    assert.equal(service.store.credits.spent(id), 10_000);
  });

  test('is not touched by test keys', async () => {
    const { id, key } = await service.key({ environment: 'test', budget: 10_000 });
    for (let i = 0; i < 3; i++) assert.equal((await service.call(key, 'GET', CALL)).status, 200);
    assert.equal(service.store.credits.spent(id), 0);
  });
});

describe('Usage', () => {
  test('is told by day, key and operation, page by page, free and charged calls alike', async () => {
    const { id, key } = await service.key();
    for (let i = 0; i < 3; i++) await service.call(key, 'GET', CALL);
    for (let i = 0; i < 2; i++) await service.call(key, 'GET', '/v1/collection/get?collectionId=a');
    const token = await service.token(await service.member('admin'));
    const found: { key_id: string; latency_ms: unknown }[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const { body } = await service.call(
        token,
        'GET',
        `/v1/billing/usage?limit=2${cursor && `&cursor=${cursor}`}`,
      );
      found.push(...body.usage);
      cursor = body.next_cursor;
    }
    const day = new Date().toISOString().slice(0, 10);
    assert.deepEqual(
      found.filter(({ key_id }) => key_id === id).map(({ latency_ms: _, ...rest }) => rest),
      [
        {
          ...{ day, hour: null, key_id: id, operation: 'getAllCollections' },
          ...{ calls: 3, failures: 0, charged_usd: 3 * PRICE },
        },
        {
          ...{ day, hour: null, key_id: id, operation: 'getCollection' },
          ...{ calls: 2, failures: 0, charged_usd: 0 },
        },
      ],
    );
    const { body } = await service.call(token, 'GET', '/v1/billing/usage?from=2026-01-02&to=2026-01-01');
    assert.equal(body.code, 'VALIDATION_FAILED');
  });
});

describe('Usage by hour', () => {
  test('counts calls, failures and their time, page by page', async () => {
    const { id, key } = await service.key();
    for (let i = 0; i < 3; i++) await service.call(key, 'GET', CALL);
    await service.call(key, 'GET', '/v1/collection/get?collectionId=none');
    await service.call(key, 'GET', '/v1/collection/get');
    const token = await service.token(await service.member('admin'));
    const rows = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const { body } = await service.call(
        token,
        'GET',
        `/v1/billing/usage?granularity=hour&limit=1${cursor && `&cursor=${cursor}`}`,
      );
      rows.push(...body.usage);
      cursor = body.next_cursor;
    }
    const own = rows.filter(({ key_id }) => key_id === id);
    const sum = (operation: string, name: string) =>
      own.filter((row) => row.operation === operation).reduce((total, row) => total + row[name], 0);
    assert.equal(sum('getAllCollections', 'calls'), 3);
    assert.ok(Math.abs(sum('getAllCollections', 'charged_usd') - 3 * PRICE) < 1e-9);
    assert.deepEqual([sum('getCollection', 'calls'), sum('getCollection', 'failures')], [0, 2]);
    const [row] = own;
    assert.equal(row.day, new Date().toISOString().slice(0, 10));
    assert.ok(row.hour >= 0 && row.hour <= 23);
    const { mean, p95 } = own.find(({ operation }) => operation === 'getAllCollections').latency_ms;
    assert.ok(mean > 0 && p95 > 0 && p95 < 10_000);
    assert.equal(own.find(({ operation }) => operation === 'getCollection').latency_ms, null);
    const byDay = await service.call(token, 'GET', '/v1/billing/usage?limit=1');
    const { code } = (
      await service.call(token, 'GET', `/v1/billing/usage?granularity=hour&cursor=${byDay.body.next_cursor}`)
    ).body;
    assert.equal(code, 'VALIDATION_FAILED');
    const past = await service.call(
      token,
      'GET',
      '/v1/billing/usage?granularity=hour&from=0001-01-01&to=9999-12-31&limit=1000',
    );
    assert.equal(past.body.usage.length, rows.length);
  });
});

describe('Usage of a call that names no days', () => {
  test('is of 30 days, today included, unless the call names others', async () => {
    const token = await service.token(await service.member('admin'));
    const dayBefore = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);
    await service.store.credits.countCalls(
      [29, 30].map((days) => ({
        ...{ accountId: service.accountId, day: dayBefore(days), hour: 1, keyId: `key_${days}` },
        ...{ operation: 'searchFace', environment: 'live' as const },
        ...{ calls: 1, failures: 0, latency: NO_DURATIONS },
      })),
    );
    const { body } = await service.call(token, 'GET', '/v1/billing/usage?limit=1000');
    const keys = body.usage.map(({ key_id }: { key_id: string }) => key_id);
    assert.deepEqual([keys.includes('key_29'), keys.includes('key_30')], [true, false]);
  });
});

describe('A prepaid balance', () => {
  test('pays for exactly what was put in, whichever key spends it', async () => {
    const prepaid = await AccessService.open({ isPrepaid: true, prices: { getAllCollections: 10_000 } });
    try {
      const { key } = await prepaid.key();
      const second = await prepaid.key();
      assert.equal((await prepaid.call(key, 'GET', CALL)).status, 402);
      const owner = await prepaid.token(await prepaid.member('owner'));
      const admin = await prepaid.token(await prepaid.member('admin'));
      assert.equal((await prepaid.call(admin, 'POST', '/v1/billing/top-up', { amount_usd: 1 })).status, 403);
      const { body } = await prepaid.call(owner, 'POST', '/v1/billing/top-up', { amount_usd: 1 });
      assert.deepEqual(body, { balance_usd: 1, unlimited: false, has_prices: true });
      const both = await Promise.all([key, second.key].map((each) => byManyClients(prepaid, each, 80)));
      assert.equal(
        both.reduce((sum, statuses) => sum + (statuses.get(200) ?? 0), 0),
        100,
      );
      assert.equal((await prepaid.call(admin, 'GET', '/v1/billing/balance')).body.balance_usd, 0);
    } finally {
      await prepaid.close();
    }
  });
});

describe('A key of 20 requests a minute', () => {
  test('lets exactly 20 of 64 parallel clients in, and says when to come again', async () => {
    const { key } = await service.key({ rateLimit: 20 });
    const answers = await Promise.all(
      Array.from({ length: 64 }, () => service.call(key, 'GET', '/v1/collection/get?collectionId=a')),
    );
    assert.equal(answers.filter(({ status }) => status === 200).length, 20);
    const refused = answers.filter(({ status }) => status === 429);
    assert.equal(refused.length, 44);
    for (const { headers, body } of refused) {
      assert.equal(body.code, 'RATE_LIMIT_EXCEEDED');
      assert.match(headers.get('retry-after') ?? '', /^[1-3]$/);
      assert.equal(headers.get('ratelimit-policy'), '"key";q=20;w=60');
      assert.match(headers.get('ratelimit') ?? '', /^"key";r=0;t=(60|5\d)$/);
    }
  });

  test('shares them with its tokens', async () => {
    const { key } = await service.key({ rateLimit: 3 });
    const { token } = (await service.call(key, 'GET', '/v1/token/get')).body;
    const statuses: number[] = [];
    for (const credential of [token, key, token])
      statuses.push((await service.call(credential, 'GET', CALL)).status);
    assert.deepEqual(statuses, [200, 200, 429]);
  });
});

describe('A key without a limit of its own', () => {
  const small = { plan: { name: 'small', keysPerMember: 5, maxRateLimit: 2 } };

  test("has its plan's where a member made it, and none where the operator did", async () => {
    const planned = await AccessService.open(small);
    try {
      const statuses = async (key: string) => {
        const answers = [];
        for (let i = 0; i < 4; i++) answers.push(await planned.call(key, 'GET', CALL));
        return answers.map(({ status }) => status);
      };
      const { memberId } = await planned.member('member');
      assert.deepEqual(
        await statuses((await planned.key({ rateLimit: null, memberId })).key),
        [200, 200, 429, 429],
      );
      assert.deepEqual(await statuses((await planned.key({ rateLimit: null })).key), [200, 200, 200, 200]);
    } finally {
      await planned.close();
    }
  });
});

describe('An address', () => {
  test('is what a trusted proxy says, and nobody else', async () => {
    const behind = await AccessService.open({ trustedProxies: [parseNetwork('127.0.0.0/8') as Network] });
    try {
      for (const [at, forwarded, status] of [
        [behind, '203.0.113.9', 200],
        [behind, '198.51.100.1, 203.0.113.9, 127.0.0.5', 200],
        [behind, '203.0.113.9, 198.51.100.1', 403],
        [behind, '203.0.113.9, unknown', 403],
        [service, '203.0.113.9', 403],
      ] as const) {
        const { key } = await at.key({ allowedIps: ['203.0.113.0/24'] });
        const answer = await at.call(key, 'GET', CALL, undefined, { 'X-Forwarded-For': forwarded });
        assert.equal(answer.status, status, forwarded);
      }
    } finally {
      await behind.close();
    }
  });

  test('is limited without a credential and with wrong ones, but never with a right one', async () => {
    const limited = await AccessService.open({ addressRateLimit: 5 });
    try {
      const statuses = async (credential: string | null, target: string) => {
        const all: number[] = [];
        for (let i = 0; i < 7; i++) all.push((await limited.call(credential, 'GET', target)).status);
        return all;
      };
      assert.deepEqual(await statuses(null, '/v1/healthz'), [200, 200, 200, 200, 200, 429, 429]);
      const wrong = `fr_live_${'0'.repeat(32)}`;
      assert.deepEqual(await statuses(wrong, CALL), [401, 401, 401, 401, 401, 429, 429]);
      assert.deepEqual(await statuses((await limited.key()).key, CALL), Array(7).fill(200));
    } finally {
      await limited.close();
    }
  });
});

describe('A batch', () => {
  const send = async (at: AccessService, key: string, pictures: readonly Buffer[]) => {
    const faces = pictures.map((picture, i) => {
      return { image: { bytes: picture.toString('base64') }, externalKey: `b${i}` };
    });
    return at.call(key, 'POST', '/v1/face/enroll-batch', {
      collectionId: 'batch',
      allowDuplicates: true,
      faces,
    });
  };
  const broken = Buffer.from('no picture at all');

  test('costs its price for each picture that came to an answer, and never more than the budget', async () => {
    const at = await AccessService.open({ prices: { enrollFaces: 10_000 } });
    try {
      const { id, key } = await at.key({ budget: 40_000 });
      await at.call(key, 'POST', '/v1/collection/create', { collectionId: 'batch' });
      const [face] = await samePerson();
      const refused = await send(at, key, [face, face, face, face, face]);
      assert.equal(refused.body.code, 'INSUFFICIENT_CREDITS');
      assert.equal(at.store.credits.spent(id), 0);
      assert.equal((await send(at, key, [face, broken, face])).status, 200);
      assert.equal(at.store.credits.spent(id), 20_000);
      assert.equal((await send(at, key, [broken, broken])).status, 400);
      assert.equal(at.store.credits.spent(id), 20_000);
      assert.equal((await send(at, key, [face, face])).status, 200);
      assert.equal(at.store.credits.spent(id), 40_000);
      assert.equal((await send(at, key, [face])).status, 402);
    } finally {
      await at.close();
    }
  });
});
