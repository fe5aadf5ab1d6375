/** Listening sockets that systemd opened for this process (sd_listen_fds(3)). */
import { EXIT, ExitError } from './exit-codes.ts';

/** What a socket may be for: `FileDescriptorName=` of its unit. */
export const SOCKET_NAMES = ['http', 'https', 'metrics'] as const;
export type SocketName = (typeof SOCKET_NAMES)[number];

/** Descriptors by what they are for; none where nothing was handed over. */
export type InheritedSockets = Readonly<Record<SocketName, readonly number[]>>;

/** The first descriptor that is handed over, `SD_LISTEN_FDS_START`. */
const FIRST = 3;

/**
 * Takes `LISTEN_FDS`, `LISTEN_PID` and `LISTEN_FDNAMES` out of the environment, so that no child believes them.
 * @throws ExitError `config` for a socket that nobody knows what it is for.
 */
export function takeInheritedSockets(environment: NodeJS.ProcessEnv, pid = process.pid): InheritedSockets {
  const { LISTEN_FDS: count, LISTEN_PID: meant, LISTEN_FDNAMES: names = '' } = environment;
  for (const name of ['LISTEN_FDS', 'LISTEN_PID', 'LISTEN_FDNAMES']) delete environment[name];
  const sockets: Record<SocketName, number[]> = { http: [], https: [], metrics: [] };
  if (count === undefined || Number(meant) !== pid) return sockets;
  const given = names.split(':');
  for (let index = 0; index < Number(count); index++) {
    const name = given[index] ?? '';
    const known = SOCKET_NAMES.find((each) => each === name);
    if (known === undefined) {
      throw new ExitError(
        EXIT.config,
        `systemd hands over a socket named "${name}", but Visage knows ${SOCKET_NAMES.join(', ')}: ` +
          'set FileDescriptorName= in its socket unit.',
      );
    }
    sockets[known].push(FIRST + index);
  }
  return sockets;
}
