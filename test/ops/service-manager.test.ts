import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pino } from 'pino';
import { sendDatagram } from '../../src/native/system.ts';
import { takeInheritedSockets } from '../../src/ops/inherited-sockets.ts';
import { ServiceManager } from '../../src/ops/service-manager.ts';
import { buildManager, ManagedService } from '../../testing/managed-service.ts';

const folder = mkdtempSync(join(tmpdir(), 'visage-test-'));
after(() => rmSync(folder, { recursive: true }));

const silent = pino({ level: 'silent' });

describe('A datagram', () => {
  let manager: string;
  before(() => {
    manager = buildManager(folder);
  });

  const receiver = (notifySocket: string) =>
    new ManagedService({ manager, notifySocket, sockets: [], settings: {}, command: ['sleep', '60'] });

  for (const [kind, socket] of [
    ['a path', join(folder, 'notify.sock')],
    ['a name of the abstract namespace', `@visage-${randomUUID()}`],
  ] as const) {
    test(`arrives at ${kind}, whole and once`, async () => {
      const heard = receiver(socket);
      await heard.until(() => heard.started.length > 0);
      sendDatagram(socket, 'READY=1\nSTATUS=one');
      sendDatagram(socket, 'STATUS=two');
      await heard.hears(/two/);
      assert.deepEqual(heard.told, ['READY=1|STATUS=one', 'STATUS=two']);
      await heard.stop();
    });
  }

  test('to nobody, and to a path too long for a socket, is an error', () => {
    assert.throws(() => sendDatagram(join(folder, 'nobody'), 'x'), /No such file/);
    assert.throws(() => sendDatagram(`/${'x'.repeat(107)}`, 'x'), /too long/);
    assert.throws(() => sendDatagram(`@${'x'.repeat(200)}`, 'x'), /too long/);
    assert.throws(() => sendDatagram('', 'x'), /too long/);
    assert.throws(() => sendDatagram(1 as never, 'x'), TypeError);
  });
});

describe('What systemd is told', () => {
  const told: string[] = [];
  const manager = (environment: NodeJS.ProcessEnv) =>
    new ServiceManager(environment, silent, (socket, text) => told.push(`${socket} ${text}`));

  test('is nothing without a socket', () => {
    const absent = manager({ WATCHDOG_USEC: '1000000' });
    absent.ready('Serving');
    assert.deepEqual([told.length, absent.watchdogMs, absent.isPresent], [0, null, false]);
  });

  test('goes to the socket, in single lines, and no child inherits the way', () => {
    const environment = {
      NOTIFY_SOCKET: '/run/n',
      WATCHDOG_USEC: '3000000',
      WATCHDOG_PID: String(process.pid),
    };
    const present = manager(environment);
    assert.deepEqual(environment, {});
    assert.equal(present.watchdogMs, 3000);
    present.ready('Refused:\nREADY=0');
    present.starting('Reading', 2);
    assert.deepEqual(told.splice(0), [
      '/run/n READY=1\nSTATUS=Refused: READY=0',
      '/run/n STATUS=Reading\nEXTEND_TIMEOUT_USEC=2000000',
    ]);
    const before = process.hrtime.bigint() / 1000n;
    present.reloading();
    const [, at] = /^\/run\/n RELOADING=1\nMONOTONIC_USEC=(\d+)\n/.exec(told.pop() ?? '') ?? [];
    assert.ok(BigInt(at ?? 0) >= before && BigInt(at ?? 0) <= process.hrtime.bigint() / 1000n);
  });

  test('has no watchdog that is meant for another process', () => {
    assert.equal(manager({ NOTIFY_SOCKET: '/n', WATCHDOG_USEC: '1', WATCHDOG_PID: '1' }).watchdogMs, null);
  });

  test('that does not get through is logged and ends nothing', () => {
    const lines: string[] = [];
    const log = pino({}, { write: (line: string) => void lines.push(line) });
    new ServiceManager({ NOTIFY_SOCKET: join(folder, 'gone') }, log).ready('Serving');
    assert.match(lines.join(''), /systemd could not be notified/);
  });
});

describe('Sockets that systemd hands over', () => {
  const take = (names: string, count = names.split(':').length) => {
    const environment = { LISTEN_PID: '7', LISTEN_FDS: String(count), LISTEN_FDNAMES: names };
    const sockets = takeInheritedSockets(environment, 7);
    assert.deepEqual(environment, {});
    return sockets;
  };

  test('are told apart by their names, and are taken out of the environment', () => {
    assert.deepEqual(take('http:https:http:metrics'), { http: [3, 5], https: [4], metrics: [6] });
  });

  test('are none for another process and without any', () => {
    const none = { http: [], https: [], metrics: [] };
    assert.deepEqual(takeInheritedSockets({ LISTEN_PID: '8', LISTEN_FDS: '1' }, 7), none);
    assert.deepEqual(takeInheritedSockets({}, 7), none);
  });

  test('of a name that nobody knows end the start with what to do', () => {
    assert.throws(() => take('visage.socket'), /FileDescriptorName.*"visage\.socket"/);
    assert.throws(() => take('http', 2), /""/);
  });
});
