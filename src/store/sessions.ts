import type { Databases, Session } from './databases.ts';

/** A log-in of a member: a browser's, known by its cookie, or a program's, known by its refresh token. */
export interface SessionRecord {
  readonly accountId: string;
  readonly kind: 'cookie' | 'token';
  /** SHA-256 of the secret that stands for the session now, 64 hex digits. */
  readonly secretHash: string;
  readonly createdAt: number;
  readonly expiresAt: number;
}

/** Sessions of a member that are kept; the oldest ends when one more begins. */
const MAX_SESSIONS = 50;

/** Sessions by member. A removed one is dead on the next request: nothing of it is cached anywhere. */
export class Sessions {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  /** Also one that has expired. */
  get(memberId: string, sessionId: string): SessionRecord | null {
    return this.#session.db.sessions.get([memberId, sessionId]) ?? null;
  }

  /**
   * Adds a session and removes the member's expired and surplus ones. Resolves when that is on disk.
   * @param now milliseconds since 1970. @returns false if the member is gone.
   */
  add(memberId: string, sessionId: string, record: SessionRecord, now: number): Promise<boolean> {
    const { db, write } = this.#session;
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
   * Puts a new secret in the place of the one that was sent. One that is not the session's present secret was used
   * before, or stolen: it ends the session. Resolves when that is on disk.
   * @param now milliseconds since 1970. @param expiresAt of the session from now on.
   * @returns the session as it is after; null if it has ended.
   */
  rotate(
    place: { readonly memberId: string; readonly sessionId: string },
    hashes: { readonly sent: string; readonly next: string },
    now: number,
    expiresAt: number,
  ): Promise<SessionRecord | null> {
    const { db, write } = this.#session;
    return write(() => {
      const key: [string, string] = [place.memberId, place.sessionId];
      const record = db.sessions.get(key);
      if (record?.kind !== 'token' || record.expiresAt <= now) return null;
      if (record.secretHash !== hashes.sent) {
        db.sessions.remove(key);
        return null;
      }
      const rotated = { ...record, secretHash: hashes.next, expiresAt };
      db.sessions.put(key, rotated);
      return rotated;
    });
  }

  /** Ends one session. Resolves when that is on disk. */
  remove(memberId: string, sessionId: string): Promise<void> {
    const { db, write } = this.#session;
    return write(() => {
      db.sessions.remove([memberId, sessionId]);
    });
  }

  /** Ends every session of a member but one. Resolves when that is on disk. */
  removeAll(memberId: string, except: string | null): Promise<void> {
    const { db, write } = this.#session;
    return write(() => removeSessions(db, memberId, except));
  }
}

/** Ends every session of a member but one; inside a transaction. */
export function removeSessions(db: Databases, memberId: string, except: string | null): void {
  for (const { key } of entriesOf(db, memberId)) if (key[1] !== except) db.sessions.remove(key);
}

function entriesOf(db: Databases, memberId: string) {
  return Array.from(db.sessions.getRange({ start: [memberId], end: [memberId, '\uffff'] }));
}
