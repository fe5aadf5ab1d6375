import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Route } from '../../src/api/route.ts';
import { corsHeaders, preflightHeaders } from '../../src/http/cors.ts';
import { type EchoService, KEY, ORIGINS, startEchoService } from './echo-service.ts';

const APPLICATION = 'https://app.example';
const DASHBOARD = ORIGINS.dashboardOrigin;

function route(by: Route['access']['by'], method: Route['method'] = 'GET'): Route {
  return { access: { by }, method, path: '/x' } as unknown as Route;
}

const allowedBy = (by: Route['access']['by'], ...origin: string[]) =>
  corsHeaders(route(by), origin, ORIGINS)['Access-Control-Allow-Origin'];

describe('A page of another origin', () => {
  for (const by of ['key', 'member', 'member-or-key', 'anyone'] as const) {
    test(`may call a route for ${by} from the dashboard only, with its cookies`, () => {
      assert.equal(allowedBy(by, APPLICATION), undefined);
      const headers = corsHeaders(route(by), [DASHBOARD], ORIGINS);
      assert.equal(headers['Access-Control-Allow-Origin'], DASHBOARD);
      assert.equal(headers['Access-Control-Allow-Credentials'], 'true');
      assert.equal(headers.Vary, 'Origin');
    });
  }

  test('may call recognition from the allowed origins only, without cookies', () => {
    assert.equal(allowedBy('caller', DASHBOARD), undefined);
    for (const origin of ORIGINS.allowedOrigins) {
      const headers = corsHeaders(route('caller'), [origin], ORIGINS);
      assert.equal(headers['Access-Control-Allow-Origin'], origin);
      assert.ok(!('Access-Control-Allow-Credentials' in headers));
    }
  });

  test('may call nothing where no origin is set', () => {
    const none = { dashboardOrigin: null, allowedOrigins: [] };
    for (const by of ['caller', 'member'] as const) {
      for (const origin of [['null'], [''], [DASHBOARD], ['undefined'], undefined]) {
        assert.deepEqual(corsHeaders(route(by), origin, none), { Vary: 'Origin' });
      }
    }
  });

  const tricks = (origin: string) => {
    const { protocol, host } = new URL(origin);
    const other = protocol === 'https:' ? 'http:' : 'https:';
    return [
      'null',
      '',
      '*',
      ' ',
      `${other}//${host}`,
      `${origin}.`,
      `${origin}:443`,
      `${origin}:80`,
      `${origin}:8443`,
      `${origin}/`,
      `${origin}/path`,
      `${origin}?`,
      `${origin}#`,
      `${origin}.evil.example`,
      `${origin}evil.example`,
      `${protocol}//evil.example/${host}`,
      `${protocol}//evil${host}`,
      `${protocol}//evil.${host}`,
      `${protocol}//${host}@evil.example`,
      `${protocol}//u:p@${host}`,
      `${protocol}//${host.toUpperCase()}`,
      origin.toUpperCase(),
      ` ${origin}`,
      `${origin} `,
      `${origin},${origin}`,
      `${origin}, https://evil.example`,
      `${origin} https://evil.example`,
      host,
      `//${host}`,
      `${origin}\u0000`,
      `${origin}%00.evil.example`,
      origin.replace('a', '\u0430'),
      origin.slice(0, -1),
      'file://',
      'chrome-extension://abcdef',
      'https://app.example.',
      '__proto__',
    ];
  };
  for (const by of ['caller', 'member'] as const) {
    for (const trick of tricks(by === 'caller' ? APPLICATION : DASHBOARD)) {
      test(`may not call a route for ${by} as ${JSON.stringify(trick)}`, () => {
        assert.deepEqual(corsHeaders(route(by), [trick], ORIGINS), { Vary: 'Origin' });
        assert.deepEqual(preflightHeaders([route(by)], 'GET', [trick], ORIGINS), {
          Vary: 'Origin, Access-Control-Request-Method',
        });
      });
    }
  }

  test('may not send several origins, even where one of them or each is allowed', () => {
    for (const origins of [
      [APPLICATION, 'https://evil.example'],
      ['https://evil.example', APPLICATION],
      [APPLICATION, APPLICATION],
    ]) {
      assert.equal(allowedBy('caller', ...origins), undefined);
    }
  });
});

describe('Over HTTP', () => {
  let service: EchoService;
  before(async () => {
    service = await startEchoService();
  });
  after(() => service.stop());

  const preflight = (path: string, method: string, origin: string) =>
    fetch(service.url + path, {
      method: 'OPTIONS',
      headers: { Origin: origin, 'Access-Control-Request-Method': method },
    });

  test('a preflight of an allowed page says what it may send, and for how long', async () => {
    const { status, headers } = await preflight('/json', 'POST', APPLICATION);
    assert.equal(status, 204);
    assert.equal(headers.get('access-control-allow-origin'), APPLICATION);
    assert.equal(headers.get('access-control-allow-methods'), 'POST');
    assert.equal(
      headers.get('access-control-allow-headers'),
      'Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, X-API-Key, X-CSRF-Token, X-Request-Id, X-Visage-Background',
    );
    assert.equal(headers.get('access-control-max-age'), '600');
    assert.equal(headers.get('access-control-allow-credentials'), null);
    assert.equal(headers.get('vary'), 'Origin, Access-Control-Request-Method');
    assert.equal(headers.get('allow'), 'POST, OPTIONS');
  });

  test('a preflight of another page, or for another method, allows nothing', async () => {
    for (const answer of [
      await preflight('/json', 'POST', 'https://evil.example'),
      await preflight('/json', 'POST', 'null'),
      await preflight('/json', 'DELETE', APPLICATION),
      await preflight('/json', 'post', APPLICATION),
      await preflight('/fail', 'GET', APPLICATION),
    ]) {
      const allowing = [...answer.headers.keys()].filter((name) => name.startsWith('access-control'));
      assert.deepEqual(allowing, []);
      assert.equal(answer.headers.get('vary'), 'Origin, Access-Control-Request-Method');
    }
  });

  test('a path that is not there has no preflight', async () => {
    const { status, headers } = await preflight('/nothing', 'GET', APPLICATION);
    assert.equal(status, 404);
    assert.equal(headers.get('access-control-allow-origin'), null);
  });

  test('successes, problems and refusals can be read by an allowed page and by no other', async () => {
    const calls: [string, RequestInit][] = [
      ['/query?collectionId=a', { headers: { 'X-API-Key': KEY } }],
      ['/query', { headers: { 'X-API-Key': KEY } }],
      ['/query?collectionId=a', {}],
    ];
    const statuses: number[] = [];
    for (const [path, init] of calls) {
      for (const [origin, readable] of [
        [APPLICATION, APPLICATION],
        ['https://evil.example', null],
        ['null', null],
        [DASHBOARD, null],
      ] as const) {
        const { status, headers } = await fetch(service.url + path, {
          ...init,
          headers: { ...(init.headers as Record<string, string>), Origin: origin },
        });
        statuses.push(status);
        assert.equal(headers.get('access-control-allow-origin'), readable);
        assert.equal(headers.get('vary'), 'Origin');
      }
    }
    assert.deepEqual([...new Set(statuses)], [200, 400, 401]);
  });

  test('two Origin headers count as none', async () => {
    const answer = await service.raw(
      `GET /fail HTTP/1.1\r\nHost: x\r\nOrigin: ${DASHBOARD}\r\nOrigin: ${DASHBOARD}\r\nConnection: close\r\n\r\n`,
    );
    assert.doesNotMatch(answer, /access-control-allow-origin/i);
    const one = await service.raw(
      `GET /fail HTTP/1.1\r\nHost: x\r\nOrigin: ${DASHBOARD}\r\nConnection: close\r\n\r\n`,
    );
    assert.match(one, /access-control-allow-origin: https:\/\/dashboard\.example\r\n/i);
  });
});
