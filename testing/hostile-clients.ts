import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { connect as connectSecurely } from 'node:tls';

export interface Target {
  readonly port: number;
  /** Address that the client calls from; one of 127.0.0.0/8. */
  readonly from?: string;
  readonly isSecure?: boolean;
  readonly allowHalfOpen?: boolean;
}

export async function open(target: Target): Promise<Socket> {
  const { port, from = '127.0.0.1', isSecure = false, allowHalfOpen = false } = target;
  const socket = connect({ host: '127.0.0.1', port, localAddress: from, allowHalfOpen });
  socket.on('error', () => {});
  if (!isSecure) {
    await Promise.race([once(socket, 'connect'), once(socket, 'close')]);
    return socket;
  }
  const secure = connectSecurely({ socket, rejectUnauthorized: false });
  secure.on('error', () => {});
  await Promise.race([once(secure, 'secureConnect'), once(secure, 'close')]);
  return secure;
}

export function requests(method: string, path: string, count: number, headers = ''): string {
  return `${method} ${path} HTTP/1.1\r\nHost: a\r\n${headers}\r\n`.repeat(count);
}

export async function pipelineUnread(target: Target, text: string): Promise<Socket> {
  const socket = await open(target);
  socket.pause();
  socket.write(text);
  return socket;
}

export async function readSlowly(
  target: Target,
  text: string,
  { bytes, ms }: { readonly bytes: number; readonly ms: number },
): Promise<{ readonly socket: Socket; readonly end: () => void }> {
  const socket = await pipelineUnread(target, text);
  const timer = setInterval(() => socket.read(bytes), ms);
  const end = () => {
    clearInterval(timer);
    socket.destroy();
  };
  socket.once('close', () => clearInterval(timer));
  return { socket, end };
}

export async function exchange(target: Target, text: string, ms = 10_000): Promise<string> {
  const socket = await open(target);
  let answer = '';
  socket.setEncoding('latin1').on('data', (chunk) => {
    answer += chunk;
  });
  socket.write(text);
  const timer = setTimeout(() => socket.destroy(), ms);
  if (!socket.closed) await once(socket, 'close');
  clearTimeout(timer);
  return answer;
}

export function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}
