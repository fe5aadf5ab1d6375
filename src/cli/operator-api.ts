import type { NewApiKeyView } from '../access/keys/key-view.ts';
import type { Environment } from '../api/caller.ts';
import type { Config } from '../config/config.ts';
import { EXIT, ExitError } from '../ops/exit-codes.ts';
import { type AdminCall, ifRunning } from './admin-access.ts';
import { JSON_OPTION, type Options } from './command.ts';

/** Limits a killed command's key. */
const LONGEST_COMMAND_DAYS = 7;

export const ENVIRONMENT_OPTIONS = {
  environment: {
    type: 'string',
    choices: ['live', 'test'],
    default: 'live',
    about: 'Use the collections of this environment.',
  },
  ...JSON_OPTION,
} as const satisfies Options;

export const COLLECTION = { name: 'COLLECTION', about: "The collection's id." } as const;

/**
 * Makes a temporary key.
 * @throws ExitError `unavailable` without a service; errors of `work`.
 */
export async function withOperatorApi<T>(
  config: Config,
  { name, environment }: { readonly name: string; readonly environment: Environment },
  work: (api: AdminCall) => Promise<T>,
): Promise<T> {
  const outcome = await ifRunning(config, async (call) => {
    const request = { name, environment, expires_in_days: LONGEST_COMMAND_DAYS };
    const { id, key } = (await call('POST', '/api-keys', request)) as NewApiKeyView;
    const authorization = { Authorization: `ApiKey ${key}` };
    try {
      return {
        value: await work((method, target, body, headers) =>
          call(method, target, body, { ...headers, ...authorization }),
        ),
      };
    } finally {
      await call('DELETE', `/api-keys/${id}`);
    }
  });
  if (outcome) return outcome.value;
  throw new ExitError(
    EXIT.unavailable,
    `No service runs on the data folder ${config.dataDir}. Start it with \`systemctl start visage\`.`,
  );
}
