/** sd_listen_fds(3). */
import { spawnSync } from 'node:child_process';
import { parseWhole } from '../base/decimal.ts';
import { EXIT, ExitError } from './exit-codes.ts';

/** Values of `FileDescriptorName=` in socket units. */
export const SOCKET_NAMES = ['http', 'https', 'metrics'] as const;
export type SocketName = (typeof SOCKET_NAMES)[number];

export const SOCKET_UNITS: Readonly<Record<SocketName, string>> = {
  http: 'visage.socket',
  https: 'visage-https.socket',
  metrics: 'visage-metrics.socket',
};

export type InheritedSockets = Readonly<Record<SocketName, readonly number[]>>;

const FIRST = 3;

/**
 * Children do not inherit the removed variables.
 * @throws ExitError `config` for an unknown name.
 */
export function takeInheritedSockets(environment: NodeJS.ProcessEnv, pid = process.pid): InheritedSockets {
  const { LISTEN_FDS: count, LISTEN_PID: meant, LISTEN_FDNAMES: names = '' } = environment;
  for (const name of ['LISTEN_FDS', 'LISTEN_PID', 'LISTEN_FDNAMES']) delete environment[name];
  const sockets: Record<SocketName, number[]> = { http: [], https: [], metrics: [] };
  if (count === undefined || parseWhole(meant ?? '') !== pid) return sockets;
  const given = names.split(':');
  for (let index = 0; index < (parseWhole(count) ?? 0); index++) {
    const name = given[index] ?? '';
    const known = SOCKET_NAMES.find((each) => each === name);
    if (known === undefined) {
      throw new ExitError(
        EXIT.config,
        `FileDescriptorName of systemd's socket: expected one of ${SOCKET_NAMES.join(', ')}; got "${name}". ` +
          'Correct it in the socket unit.',
      );
    }
    sockets[known].push(FIRST + index);
  }
  return sockets;
}

const ANSWER_LIMIT_MS = 5000;

export function heldBySystemd(): readonly SocketName[] {
  return SOCKET_NAMES.filter((name) => {
    const args = ['is-active', '--quiet', SOCKET_UNITS[name]];
    return spawnSync('systemctl', args, { stdio: 'ignore', timeout: ANSWER_LIMIT_MS }).status === 0;
  });
}
