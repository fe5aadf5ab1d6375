/** Posts over connections that are kept, with as little work as can be: a bench's client shares the cores with what it measures. */
import { connect, type Socket } from 'node:net';

/** A server's answer, as far as a bench asks for it. */
const ANSWER = /^HTTP\/1\.1 (\d{3}) .*?\r\ncontent-length: (\d+)\r\n/is;

export class HttpClient {
  /** Connections without a call, by the host and port that they lead to. */
  readonly #idle = new Map<string, Set<Socket>>();

  /**
   * Posts a body; as many connections are made as there are calls at the same time. The server must give its answers' length.
   * @returns the status, when the whole answer is there.
   */
  async post(url: string, headers: Readonly<Record<string, string>>, body: Buffer): Promise<number> {
    const { hostname, host, port, pathname, search } = new URL(url);
    const lines = { host, ...headers, 'content-length': body.length };
    const head =
      `POST ${pathname}${search} HTTP/1.1\r\n` +
      `${Object.entries(lines)
        .map(([name, value]) => `${name}: ${value}\r\n`)
        .join('')}\r\n`;
    const idle = this.#idle.get(host) ?? new Set<Socket>();
    this.#idle.set(host, idle);
    for (;;) {
      const [kept] = idle;
      const socket = kept ?? connected(Number(port), hostname, idle);
      idle.delete(socket);
      socket.cork();
      socket.write(head);
      socket.write(body);
      socket.uncork();
      const status = await answerOf(socket);
      if (status !== undefined) {
        idle.add(socket);
        return status;
      }
      // The server may have closed a connection that was idle at the moment in which it was used again.
      if (socket !== kept) throw new Error(`The server at ${host} closed the connection before its answer`);
    }
  }

  /** Closes the connections; none may be in use. */
  close(): void {
    for (const sockets of this.#idle.values()) for (const socket of sockets) socket.destroy();
    this.#idle.clear();
  }
}

/** A new connection, which is not idle any more when it ends. */
function connected(port: number, host: string, idle: Set<Socket>): Socket {
  const socket = connect(port, host).setNoDelay(true);
  // An error is followed by this.
  return socket.on('close', () => idle.delete(socket)).on('error', () => {});
}

/** The status; undefined where the connection ends before. */
function answerOf(socket: Socket): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    let text = '';
    const stop = () => socket.off('data', read).off('close', closed);
    const closed = () => {
      stop();
      resolve(undefined);
    };
    const read = (bytes: Buffer) => {
      text += bytes.toString('latin1');
      const end = text.indexOf('\r\n\r\n') + 4;
      if (end < 4) return;
      const [, status, length] = ANSWER.exec(text) ?? [];
      if (text.length < end + Number(length)) return;
      stop();
      if (status) resolve(Number(status));
      else reject(new Error(`An answer does not say how long it is: ${text.slice(0, 12)}`));
    };
    socket.on('data', read).on('close', closed);
  });
}
