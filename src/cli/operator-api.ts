/** The public API for a command: over the admin socket, with a key that lives as long as the command. */
import type { NewApiKeyView } from '../access/key-view.ts';
import type { Config } from '../config/settings.ts';
import { EXIT, ExitError } from '../ops/exit-codes.ts';
import type { Environment } from '../store/records.ts';
import { type AdminCall, ifRunning } from './admin-access.ts';
import { JSON_OPTION, type Options } from './command.ts';

/** The key of a command that is killed ends by itself. */
const LONGEST_COMMAND_DAYS = 7;

/** Options of commands that work on an environment's collections. */
export const ENVIRONMENT_OPTIONS = {
  environment: {
    type: 'string',
    choices: ['live', 'test'],
    default: 'live',
    about: 'whose collections are meant',
  },
  ...JSON_OPTION,
} as const satisfies Options;

/** The operand that says which collection is meant. */
export const COLLECTION = { name: 'COLLECTION', about: "the collection's id" } as const;

/**
 * Calls the public API of the running service.
 * @param name what the command's key is called in the list of keys and in the audit log.
 * @throws ExitError `unavailable` where no service runs; what `work` throws.
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
    `No service runs on ${config.dataDir}. Start it (\`systemctl start visage\`), then try again.`,
  );
}
