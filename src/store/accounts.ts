import type { Session } from './databases.ts';
import type { Account } from './records.ts';

/** Accounts: the tenants that own keys and collections. */
export class Accounts {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  get(accountId: string): Account | null {
    const record = this.#session.db.accounts.get(accountId);
    return record ? { accountId, ...record } : null;
  }

  /** The account that the first run made: ids sort by time. */
  first(): Account {
    for (const { key, value } of this.#session.db.accounts.getRange({ limit: 1 })) {
      return { accountId: key, ...value };
    }
    throw new Error('The store holds no account');
  }
}
