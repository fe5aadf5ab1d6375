/** The client does little, because it shares the cores with the service. */
import { connect, type Socket, type TcpNetConnectOpts } from 'node:net';

const ANSWER = /^HTTP\/1\.1 (\d{3}) .*?\r\ncontent-length: (\d+)\r\n/is;

export class HttpClient {
  readonly #idle = new Map<string, Set<Socket>>();
  readonly #localAddress: string | undefined;

  constructor(localAddress?: string) {
    this.#localAddress = localAddress;
  }

  /**
   * The server must give its answers' length.
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
      const socket =
        kept ?? connected({ port: Number(port), host: hostname, localAddress: this.#localAddress }, idle);
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
      if (socket !== kept) throw new Error(`The server at ${host} closed the connection before its answer`);
    }
  }

  close(): void {
    for (const sockets of this.#idle.values()) for (const socket of sockets) socket.destroy();
    this.#idle.clear();
  }
}

function connected(to: TcpNetConnectOpts, idle: Set<Socket>): Socket {
  const socket = connect(to).setNoDelay(true);
  return socket.on('close', () => idle.delete(socket)).on('error', () => {});
}

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
