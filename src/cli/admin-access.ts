import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import { isErrorCode, VisageError } from '../errors.ts';
import { adminSocketPath } from '../ops/data-folder.ts';
import { EXIT, ExitError } from '../ops/exit-codes.ts';
import type { Store } from '../store/store.ts';
import { configOf, type DataOptions, originOfFolder } from './command.ts';

const ANSWER_LIMIT_MS = 15_000;

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
    call.on('timeout', () =>
      call.destroy(new Error(`No answer from the admin socket within ${ANSWER_LIMIT_MS / 1000} s`)),
    );
    call.on('error', (error: NodeJS.ErrnoException) => {
      const isDown = ['ENOENT', 'ECONNREFUSED'].includes(error.code ?? '');
      fail(
        isDown
          ? new NotRunningError()
          : new ExitError(EXIT.unavailable, `The admin socket failed: ${error.message}.`),
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

/**
 * @param body bytes unchanged; other values as JSON.
 * @throws VisageError, ExitError.
 */
export type AdminCall = (
  method: string,
  target: string,
  body?: unknown,
  headers?: Readonly<Record<string, string>>,
) => Promise<unknown>;

export interface Administrations<Administration> {
  readonly remote: (call: AdminCall) => Administration;
  /** Runs under the store's lock. */
  readonly local: (store: Store, config: Config) => Promise<Administration>;
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

/** @throws ConfigError, VisageError; ExitError `unavailable` without a service. */
export async function ask<T>(options: DataOptions, work: (call: AdminCall) => Promise<T>): Promise<T> {
  const { dataDir } = configOf(options);
  try {
    return await inService(dataDir, work);
  } catch (error) {
    if (!(error instanceof NotRunningError)) throw error;
    throw new ExitError(
      EXIT.unavailable,
      `No service runs on the data folder ${dataDir}. Start it with \`systemctl start visage\`.`,
    );
  }
}

/**
 * @param options `create` permits a new store.
 * @throws ConfigError, ExitError, VisageError.
 */
export async function administer<Administration, T>(
  options: DataOptions & { readonly create?: boolean },
  { remote, local }: Administrations<Administration>,
  work: (administration: Administration) => Promise<T>,
): Promise<T> {
  const config = configOf(options);
  try {
    return await inService(config.dataDir, (call) => work(remote(call)));
  } catch (error) {
    if (!(error instanceof NotRunningError)) throw error;
  }
  if (!options.create && !existsSync(join(config.dataDir, 'data.mdb'))) {
    const isOffered = options.create !== undefined;
    throw new ExitError(
      EXIT.data,
      `There is no store in ${config.dataDir} (from ${originOfFolder(options)}), and no service runs on it. Set the ` +
        `service's data folder with --data-dir or VISAGE_DATA_DIR, or its settings file with --config or VISAGE_CONFIG` +
        `${isOffered ? ', or create a new store here with --create' : ''}.`,
    );
  }
  try {
    // Loaded on demand: LMDB and the store double the time of a command.
    const { inStore } = await import('./stopped-store.ts');
    return await inStore(config, async (store) => work(await local(store, config)));
  } catch (error) {
    if (!(error instanceof ExitError && error.exitCode === EXIT.locked)) throw error;
    throw new ExitError(
      EXIT.locked,
      `${error.message} It does not answer on its admin socket. If the service is starting, try again in a moment.`,
    );
  }
}

export async function ifRunning<T>(config: Config, work: (call: AdminCall) => Promise<T>): Promise<T | null> {
  try {
    return await inService(config.dataDir, work);
  } catch (error) {
    if (error instanceof NotRunningError) return null;
    throw error;
  }
}
