/**
 * FAISS's HNSW as an engine of bench:search: a separate process (`bench/native/faiss_graph.cc`) behind pipes.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { EFFORTS, type Engine } from './engines.ts';

const CHUNK = 1 << 22;
const BUILT = 32;
const ANSWER = 8;

/** @param program path of the built `faiss_graph`. */
export function faiss(program: string): Engine {
  let child: ChildProcessByStdio<Writable, Readable, null>;
  const gone = new AbortController();
  let effort = 0;
  let built: Buffer;
  let searchMs = 0;

  const send = async (bytes: Uint8Array) => {
    if (!child.stdin.write(bytes)) await once(child.stdin, 'drain');
  };
  const receive = async (length: number): Promise<Buffer> => {
    for (;;) {
      const bytes = child.stdout.read(length) as Buffer | null;
      if (bytes?.length === length) return bytes;
      await once(child.stdout, 'readable', { signal: gone.signal });
    }
  };

  return {
    name: 'FAISS',
    isPeer: true,
    threads: availableParallelism(),
    efforts: EFFORTS,
    open: async (dimension, rows) => {
      child = spawn(program, [String(dimension), String(rows)], { stdio: ['pipe', 'pipe', 'inherit'] });
      child.once('exit', () => gone.abort(new Error('faiss_graph ended before its answer')));
    },
    add: async (_, batch) => {
      const bytes = new Uint8Array(batch.slice().buffer);
      for (let at = 0; at < bytes.length; at += CHUNK) await send(bytes.subarray(at, at + CHUNK));
    },
    finish: async () => {
      built = await receive(BUILT);
    },
    exert: async (next) => {
      effort = next;
    },
    nearest: async (probe) => {
      const request = Buffer.alloc(4 + probe.byteLength);
      request.writeInt32LE(effort);
      request.set(new Uint8Array(probe.buffer, probe.byteOffset, probe.byteLength), 4);
      await send(request);
      const answer = await receive(ANSWER);
      searchMs = answer.readFloatLE(4);
      return answer.readInt32LE(0);
    },
    ownBytes: async () => built.readDoubleLE(16),
    outside: () => ({
      wall: built.readDoubleLE(0),
      processor: built.readDoubleLE(8),
      grown: built.readDoubleLE(24),
      searchMs,
    }),
    close: async () => {
      const ended = once(child, 'close');
      child.stdin.end();
      await ended;
    },
  };
}
