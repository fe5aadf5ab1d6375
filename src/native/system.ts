/** What Node cannot ask of the system. */
import { addon } from './addon.ts';

interface Part {
  lockFile(path: string): boolean;
  sendDatagram(socket: string, text: string): void;
}

/**
 * Takes an exclusive lock on a file, made if missing, for the life of this process (`flock`).
 * @returns false if another process holds it. @throws Error if the file cannot be opened.
 */
export function lockFile(path: string): boolean {
  return addon<Part>().lockFile(path);
}

/**
 * Sends one datagram to a Unix socket, which Node cannot. Waits up to half a second where the receiver's queue is full.
 * @param socket path of the socket, or `@` and a name of the abstract namespace; at most 107 bytes.
 * @throws Error in the system's words if nobody takes it.
 */
export function sendDatagram(socket: string, text: string): void {
  addon<Part>().sendDatagram(socket, text);
}
