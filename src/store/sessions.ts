import type { Databases, StoreContext } from './databases.ts';
import type { SessionRecord } from './records.ts';

/** Per member; a new session ends the oldest. */
const MAX_SESSIONS = 50;

const MAX_TOKENS = 16;

export type Rotation = SessionRecord | 'ended' | 'reused';

/** Never cached: removal takes effect on the next request. */
export class Sessions {
  readonly #context: StoreContext;

  constructor(context: StoreContext) {
    this.#context = context;
  }

  get(memberId: string, sessionId: string): SessionRecord | null {
    return this.#context.db.sessions.get([memberId, sessionId]) ?? null;
  }

  /** @returns false if the member is gone. */
  add(memberId: string, sessionId: string, record: SessionRecord, now: number): Promise<boolean> {
    const { db, write } = this.#context;
    return write(() => {
      if (!db.members.doesExist([record.accountId, memberId])) return false;
      const old = entriesOf(db, memberId);
      const surplus = old.length - MAX_SESSIONS + 1;
      old.forEach(({ key, value }, at) => {
        if (value.expiresAt <= now || at < surplus) db.sessions.remove(key);
      });
      db.sessions.put([memberId, sessionId], record);
      return true;
    });
  }

  /**
   * Replaces a refresh token. Reuse within `repeatMs` gets another successor, for a lost answer or a second
   * tab. Later reuse suggests theft and ends the session.
   * @param hashes `wasIssued`: false for an invented token, which changes nothing.
   */
  rotate(
    place: { readonly memberId: string; readonly sessionId: string },
    hashes: { readonly sent: string; readonly next: string; readonly wasIssued: boolean },
    { now, expiresAt, repeatMs }: { now: number; expiresAt: number; repeatMs: number },
  ): Promise<Rotation> {
    const { db, write } = this.#context;
    return write(() => {
      const key: [string, string] = [place.memberId, place.sessionId];
      const record = db.sessions.get(key);
      if (record?.kind !== 'token' || record.expiresAt <= now) return 'ended';
      const { secretHash, siblings = [], used = [], ...rest } = record;
      const good = [secretHash, ...siblings];
      const isGood = good.includes(hashes.sent);
      const recent = used.filter(({ at }) => Math.abs(now - at) <= repeatMs);
      if (!isGood && !recent.some(({ hash }) => hash === hashes.sent)) {
        if (!hashes.wasIssued) return 'ended';
        db.sessions.remove(key);
        return 'reused';
      }
      const others = good.filter((hash) => hash !== hashes.sent).slice(0, MAX_TOKENS - 1);
      const usedNow = [...(isGood ? [{ hash: hashes.sent, at: now }] : []), ...recent].slice(0, MAX_TOKENS);
      const rotated: SessionRecord = {
        ...rest,
        secretHash: hashes.next,
        ...(others.length > 0 ? { siblings: others } : {}),
        used: usedNow,
        expiresAt,
      };
      db.sessions.put(key, rotated);
      return rotated;
    });
  }

  note(
    { memberId, sessionId }: { readonly memberId: string; readonly sessionId: string },
    times: Pick<SessionRecord, 'usedAt' | 'confirmedAt'>,
    confirm: () => void = () => {},
  ): Promise<boolean> {
    const { db, write } = this.#context;
    return write(() => {
      confirm();
      const record = db.sessions.get([memberId, sessionId]);
      if (!record) return false;
      db.sessions.put([memberId, sessionId], { ...record, ...times });
      return true;
    });
  }

  remove(memberId: string, sessionId: string): Promise<void> {
    const { db, write } = this.#context;
    return write(() => {
      db.sessions.remove([memberId, sessionId]);
    });
  }

  removeAll(memberId: string, except: string | null): Promise<void> {
    const { db, write } = this.#context;
    return write(() => removeSessions(db, memberId, except));
  }
}

export function removeSessions(db: Databases, memberId: string, except: string | null): void {
  for (const { key } of entriesOf(db, memberId)) if (key[1] !== except) db.sessions.remove(key);
}

function entriesOf(db: Databases, memberId: string) {
  return Array.from(db.sessions.getRange({ start: [memberId], end: [memberId, '\uffff'] }));
}
