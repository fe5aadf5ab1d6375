/** Where visagectl administers keys: in the running service, or in the store itself. */
import { request } from 'node:http';
import { type KeyAdministration, keyAdministration } from '../access/key-administration.ts';
import { isErrorCode, VisageError } from '../errors.ts';
import { adminSocketPath, takeDataFolder } from '../ops/data-folder.ts';
import { EXIT, ExitError } from '../ops/exit-codes.ts';
import { Store } from '../store/store.ts';
import { configOf, type DataOptions } from './command.ts';

const ANSWER_LIMIT_MS = 15_000;

/** Nobody listens on the socket. */
class NotRunningError extends Error {}

function exchange(path: string, method: string, target: string, body?: unknown): Promise<unknown> {
  return new Promise((succeed, fail) => {
    const headers = body === undefined ? {} : { 'Content-Type': 'application/json' };
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
        const { code, detail } = answer as { code?: unknown; detail?: string };
        fail(new VisageError(isErrorCode(code) ? code : 'INTERNAL_ERROR', detail ?? 'The service failed.'));
      } catch (error) {
        fail(error);
      }
    });
    call.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

function remoteKeys(path: string): KeyAdministration {
  return {
    create: async (key) => (await exchange(path, 'POST', '/api-keys', key)) as never,
    list: async () => ((await exchange(path, 'GET', '/api-keys')) as { keys: never }).keys,
    revoke: async (id) => {
      await exchange(path, 'DELETE', `/api-keys/${encodeURIComponent(id)}`);
    },
  };
}

async function inService<T>(folder: string, work: (keys: KeyAdministration) => Promise<T>): Promise<T> {
  let socket: ReturnType<typeof adminSocketPath>;
  try {
    socket = adminSocketPath(folder);
  } catch {
    throw new NotRunningError();
  }
  try {
    return await work(remoteKeys(socket.path));
  } finally {
    socket.release();
  }
}

async function inStore<T>(folder: string, work: (keys: KeyAdministration) => Promise<T>): Promise<T> {
  takeDataFolder(folder);
  const store = Store.open(folder);
  try {
    return await work(keyAdministration(store));
  } finally {
    await store.close();
  }
}

/**
 * Does something with the keys of the service that the settings name.
 * @param options `data-dir` and `config` stand over `VISAGE_DATA_DIR` and `VISAGE_CONFIG`.
 * @throws ConfigError, ExitError, VisageError.
 */
export async function withKeys<T>(
  options: DataOptions,
  work: (keys: KeyAdministration) => Promise<T>,
): Promise<T> {
  const { dataDir } = configOf(options);
  try {
    return await inService(dataDir, work);
  } catch (error) {
    if (!(error instanceof NotRunningError)) throw error;
  }
  try {
    return await inStore(dataDir, work);
  } catch (error) {
    if (!(error instanceof ExitError && error.exitCode === EXIT.locked)) throw error;
    throw new ExitError(
      EXIT.locked,
      `${error.message} It does not answer on its admin socket; if the service is starting, try again in a moment.`,
    );
  }
}
