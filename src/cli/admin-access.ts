/** Where visagectl does its work: in the running service, over its admin socket, or in the store itself. */
import { request } from 'node:http';
import { Audit } from '../access/audit.ts';
import type { Config } from '../config/settings.ts';
import { isErrorCode, VisageError } from '../errors.ts';
import { adminSocketPath, takeDataFolder } from '../ops/data-folder.ts';
import { EXIT, ExitError } from '../ops/exit-codes.ts';
import { createLog } from '../ops/log.ts';
import { Store } from '../store/store.ts';
import { configOf, type DataOptions } from './command.ts';

const ANSWER_LIMIT_MS = 15_000;

/** Nobody listens on the socket. */
class NotRunningError extends Error {}

function exchange(
  path: string,
  method: string,
  target: string,
  body?: unknown,
  own: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  return new Promise((succeed, fail) => {
    const headers = { ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...own };
    const call = request({ socketPath: path, method, path: target, headers, timeout: ANSWER_LIMIT_MS });
    call.on('timeout', () => call.destroy(new Error('The service does not answer on its admin socket.')));
    call.on('error', (error: NodeJS.ErrnoException) => {
      const isDown = ['ENOENT', 'ECONNREFUSED'].includes(error.code ?? '');
      fail(
        isDown
          ? new NotRunningError()
          : new ExitError(EXIT.unavailable, `The admin socket fails: ${error.message}`),
      );
    });
    call.on('response', async (response) => {
      try {
        const chunks: Buffer[] = [];
        for await (const chunk of response) chunks.push(chunk);
        const text = Buffer.concat(chunks).toString();
        const answer: unknown = text === '' ? null : JSON.parse(text);
        if ((response.statusCode ?? 500) < 300) return succeed(answer);
        const { code, detail } = (answer ?? {}) as { code?: unknown; detail?: string };
        fail(new VisageError(isErrorCode(code) ? code : 'INTERNAL_ERROR', detail ?? 'The service failed.'));
      } catch (error) {
        fail(error);
      }
    });
    call.end(body === undefined || Buffer.isBuffer(body) ? body : JSON.stringify(body));
  });
}

/** The audit log of a store that no service has open. */
export function auditOf(store: Store, { audit }: Config): Audit {
  return new Audit(store.audit, { now: Date.now, log: createLog('silent'), retention: audit });
}

/**
 * Sends a call to the admin socket. @returns the JSON that it answers. @throws VisageError, ExitError.
 * @param body bytes that are sent as they are, anything else as JSON.
 */
export type AdminCall = (
  method: string,
  target: string,
  body?: unknown,
  headers?: Readonly<Record<string, string>>,
) => Promise<unknown>;

/** The two ways to the same administration. */
export interface Ways<Administration> {
  /** In the running service. */
  readonly remote: (call: AdminCall) => Administration;
  /** In the store, which nobody else has open. */
  readonly local: (store: Store, config: Config) => Administration;
}

async function inService<T>(folder: string, work: (call: AdminCall) => Promise<T>): Promise<T> {
  let socket: ReturnType<typeof adminSocketPath>;
  try {
    socket = adminSocketPath(folder);
  } catch {
    throw new NotRunningError();
  }
  try {
    return await work((method, target, body, headers) =>
      exchange(socket.path, method, target, body, headers),
    );
  } finally {
    socket.release();
  }
}

async function inStore<T>(config: Config, work: (store: Store) => Promise<T>): Promise<T> {
  takeDataFolder(config.dataDir);
  const store = Store.open(config.dataDir);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

/**
 * Does what only a running service can.
 * @throws ConfigError, VisageError, ExitError `unavailable` where none runs.
 */
export async function ask<T>(options: DataOptions, work: (call: AdminCall) => Promise<T>): Promise<T> {
  const { dataDir } = configOf(options);
  try {
    return await inService(dataDir, work);
  } catch (error) {
    if (!(error instanceof NotRunningError)) throw error;
    throw new ExitError(EXIT.unavailable, `No service runs on the data folder ${dataDir}.`);
  }
}

/**
 * Administers the service that the settings name.
 * @param options `data-dir` and `config` stand over `VISAGE_DATA_DIR` and `VISAGE_CONFIG`.
 * @throws ConfigError, ExitError, VisageError.
 */
export async function administer<Administration, T>(
  options: DataOptions,
  { remote, local }: Ways<Administration>,
  work: (administration: Administration) => Promise<T>,
): Promise<T> {
  const config = configOf(options);
  try {
    return await inService(config.dataDir, (call) => work(remote(call)));
  } catch (error) {
    if (!(error instanceof NotRunningError)) throw error;
  }
  try {
    return await inStore(config, (store) => work(local(store, config)));
  } catch (error) {
    if (!(error instanceof ExitError && error.exitCode === EXIT.locked)) throw error;
    throw new ExitError(
      EXIT.locked,
      `${error.message} It does not answer on its admin socket; if the service is starting, try again in a moment.`,
    );
  }
}

/** Does something in the running service, or nothing. @returns null where none runs. */
export async function ifRunning<T>(config: Config, work: (call: AdminCall) => Promise<T>): Promise<T | null> {
  try {
    return await inService(config.dataDir, work);
  } catch (error) {
    if (error instanceof NotRunningError) return null;
    throw error;
  }
}
