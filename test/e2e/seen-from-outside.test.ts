import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { exposition, familiesOf, STAGES } from '../../testing/exposition.ts';
import { portrait } from '../../testing/photographs.ts';
import { busySession, type Outcome } from './busy-session.ts';
import { Secrets } from './secrets.ts';

describe('A busy service', () => {
  let outcome: Outcome;
  before(async () => {
    outcome = await busySession();
  });
  const shows = (text: string) => [...outcome.hidden.foundIn(text), ...outcome.handedOut.foundIn(text)];

  test('shows no picture, vector, key, token, password, e-mail or used set-up code in its log', () => {
    assert.ok(outcome.output.log.length > 10_000);
    assert.deepEqual(shows(outcome.output.log), []);
    assert.deepEqual(shows(outcome.output.stderr), []);
  });

  test('nor in its metrics', async () => {
    assert.deepEqual(
      [...familiesOf(outcome.output.metrics).keys()],
      [...familiesOf(await exposition()).keys()],
      'the metrics that the board and the manual are checked against',
    );
    const stages = outcome.output.metrics.matchAll(/^visage_stage_duration_seconds_count\{stage="(\w+)"\}/gm);
    assert.deepEqual(
      Array.from(stages, ([, stage]) => stage).filter((stage) => !STAGES.includes(stage as string)),
      [],
    );
    assert.match(outcome.output.metrics, /^visage_stage_duration_seconds_count\{stage="search"\} [1-9]/m);
    assert.match(outcome.output.metrics, /^visage_last_backup_timestamp_seconds [1-9]/m);
    assert.match(outcome.output.metrics, /^visage_http_problems_total\{code="OVERLOADED"\} [1-9]/m);
    assert.deepEqual(shows(outcome.output.metrics), []);
  });

  test('nor in its problems and what visagectl says of failures', () => {
    const codes = new Set(
      Array.from(outcome.output.problems.matchAll(/"code":"(\w+)"/g), ([, code]) => code),
    );
    for (const code of [
      'INVALID_IMAGE',
      'INVALID_API_KEY',
      'TOKEN_INVALID',
      'INVALID_CREDENTIALS',
      'VALIDATION_FAILED',
      'RATE_LIMIT_EXCEEDED',
      'OVERLOADED',
      'IMAGE_URL_FORBIDDEN',
    ]) {
      assert.ok(codes.has(code), `the session met ${code}`);
    }
    assert.deepEqual(shows(outcome.output.problems), []);
  });

  test('nor in its audit log', () => {
    assert.match(outcome.output.audit, /"api-key\.create"/);
    assert.match(outcome.output.audit, /"INVALID_CREDENTIALS"/);
    assert.deepEqual(shows(outcome.output.audit), []);
  });

  test('gives a key, a token, an invitation only to whom it makes it for, and nobody a template', () => {
    assert.match(outcome.output.successes, /"faceId":"face_/);
    assert.deepEqual(outcome.hidden.foundIn(outcome.output.successes), []);
    assert.ok(outcome.handedOut.foundIn(outcome.output.successes).includes('invitation'));
  });

  test('names the request in every line that is about one, and who called in those of members and keys', () => {
    const { lines } = outcome;
    const begun = lines.findIndex(({ msg }) => msg === 'listening');
    const stopped = lines.findIndex(({ msg }) => msg === 'stopping');
    const others = ['listening', 'there is no owner yet: the set-up code lets one be made'];
    for (const line of lines.slice(begun, stopped)) {
      if (others.includes(String(line.msg))) continue;
      assert.match(String(line.requestId), /^[\w.:-]+$/, JSON.stringify(line));
    }
    const requests = lines.filter(({ msg }) => msg === 'request');
    const of = (operation: string, status: number) =>
      requests.find((line) => line.operation === operation && line.status === status);
    assert.match(String(of('searchFace', 200)?.key), /^key_/);
    assert.match(String(of('searchFace', 200)?.account), /^acc_/);
    assert.match(String(of('createApiKey', 201)?.member), /^mem_/);
    assert.equal(of('login', 401)?.account, null);
  });
});

test('The search finds what it looks for in whatever form it came out', async () => {
  const secrets = new Secrets();
  const password = 'pass word/+"\\é';
  const picture = await portrait('anna');
  const template = Float32Array.from({ length: 512 }, (_, i) => Math.sin(i * 12.9898) / 22);
  secrets.addText('password', password);
  secrets.addBytes('picture', picture);
  secrets.addVector('template', template);
  const raw = Buffer.from(template.buffer);
  const leaks: [name: string, text: string][] = [
    ['password', `a ${password} b`],
    ['password', JSON.stringify({ msg: password })],
    ['password', JSON.stringify({ msg: JSON.stringify({ password }) })],
    ['password', `?p=${encodeURIComponent(password)}`],
    ['password', Buffer.from(`user:${password}`).toString('base64')],
    ['password', Buffer.from(`${password}:user`).toString('base64url')],
    ['picture', `Unexpected token in "${picture.toString('base64').slice(0, 40)}"`],
    ['picture', picture.toString('base64').slice(7_000, 7_100)],
    ['picture', picture.subarray(301, 400).toString('base64')],
    ['picture', picture.subarray(301, 400).toString('base64url')],
    ['picture', picture.subarray(0, 30).toString('hex')],
    ['picture', JSON.stringify(picture.subarray(0, 40))],
    ['picture', picture.subarray(0, 60).toString('latin1')],
    ['picture', JSON.stringify(picture.subarray(0, 60).toString('latin1'))],
    ['binary', JSON.stringify(picture.subarray(0, 60).toString('utf8'))],
    ['template', raw.subarray(500, 700).toString('base64')],
    ['template', JSON.stringify({ first: template[5] })],
    ['a vector', JSON.stringify(Array.from(template.subarray(0, 9), (value) => Number(value.toFixed(3))))],
  ];
  for (const [name, text] of leaks) assert.ok(secrets.foundIn(text).includes(name), `${name} in ${text}`);
  assert.deepEqual(secrets.foundIn('<6>request requestId=1 status=200 ms=12.5\n'), []);
});
