import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createApiKey } from '../src/access/keys/api-keys.ts';
import { Store } from '../src/store/store.ts';
import { type Child, startChild, temporaryFolder } from './service.ts';

const UNLIMITED_RATE = 1_000_000;

export interface Tenants {
  readonly child: Child;
  readonly attacker: readonly string[];
  readonly victim: string;
  stop(): Promise<void>;
}

export async function startTenants(
  settings = '',
  environment: Readonly<Record<string, string>> = {},
): Promise<Tenants> {
  const folder = await temporaryFolder();
  const store = Store.open(join(folder.path, 'data'));
  const owner = await store.members.addWithAccount('victim', {
    email: 'victim@example.com',
    name: null,
    username: null,
    role: 'owner',
    passwordHash: 'no password has this hash',
    invitation: null,
    createdAt: Date.now(),
  });
  const key = async (accountId: string) => {
    const request = { accountId, name: 'test', environment: 'live', rateLimit: UNLIMITED_RATE } as const;
    return (await createApiKey(store, request)).key;
  };
  const { accountId } = store.accounts.first();
  const attacker = await Promise.all(Array.from({ length: 4 }, () => key(accountId)));
  const victim = await key(owner.accountId);
  await store.close();
  const file = join(folder.path, 'visage.toml');
  const plan = `[plans.test]\nkeys_per_member = 20\nmax_rate_limit = ${UNLIMITED_RATE}\n`;
  await writeFile(file, `plan = "test"\n${settings}\n${plan}`);
  const child = await startChild(join(folder.path, 'data'), { VISAGE_CONFIG: file, ...environment });
  const stop = async () => {
    await child.stop();
    await folder.remove();
  };
  return { child, attacker, victim, stop };
}
