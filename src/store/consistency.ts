import { verifyAudit } from './audit.ts';
import type { Databases } from './databases.ts';

/** Everything in the store that does not fit together, in words without anybody's data; empty for a sound store. */
export function checkConsistency(db: Databases): string[] {
  return [
    ...checkGalleries(db),
    ...checkFaces(db),
    ...checkReferences(db),
    ...checkApiKeys(db),
    ...checkMembers(db),
    ...checkAudit(db),
  ];
}

function knownGalleries(db: Databases): Set<number> {
  const galleries = new Set<number>(db.garbage.getKeys());
  for (const { value } of db.collections.getRange()) galleries.add(value.gallery);
  return galleries;
}

function* checkGalleries(db: Databases): Generator<string> {
  const next = db.meta.get('nextGallery') ?? 1;
  const seen = new Set<number>(db.garbage.getKeys());
  for (const { value } of db.collections.getRange()) {
    if (seen.has(value.gallery)) yield `gallery ${value.gallery} has two owners`;
    if (value.gallery >= next) yield `gallery ${value.gallery} is beyond the counter`;
    seen.add(value.gallery);
  }
}

function* checkFaces(db: Databases): Generator<string> {
  const galleries = knownGalleries(db);
  const next = db.meta.get('nextLabel') ?? 1;
  for (const { key, value } of db.faces.getRange()) {
    const [gallery, label] = key;
    const name = `face ${label} of gallery ${gallery}`;
    if (!galleries.has(gallery)) yield `${name} belongs to no collection`;
    if (label >= next) yield `${name} is beyond the counter`;
    if (!db.templates.doesExist(key)) yield `${name} has no template`;
    if (db.faceLabels.get([gallery, value.faceId]) !== label) yield `${name} is not found by its id`;
    if (value.externalKey !== null && !db.externalKeys.doesExist([gallery, value.externalKey, label])) {
      yield `${name} is not found by its external key`;
    }
  }
}

function* checkReferences(db: Databases): Generator<string> {
  for (const [gallery, label] of db.templates.getKeys()) {
    if (!db.faces.doesExist([gallery, label])) yield `template ${label} of gallery ${gallery} has no face`;
  }
  for (const { key, value } of db.faceLabels.getRange()) {
    const [gallery, faceId] = key;
    if (db.faces.get([gallery, value])?.faceId !== faceId) yield `an id of gallery ${gallery} has no face`;
  }
  for (const [gallery, externalKey, label] of db.externalKeys.getKeys()) {
    if (db.faces.get([gallery, label])?.externalKey !== externalKey) {
      yield `an external key of gallery ${gallery} has no face`;
    }
  }
}

function* checkApiKeys(db: Databases): Generator<string> {
  for (const { key, value } of db.apiKeys.getRange()) {
    if (db.apiKeyIds.get(value.id) !== key) yield `API key ${value.id} is not found by its id`;
    if (!db.accounts.doesExist(value.accountId)) yield `API key ${value.id} has no account`;
    if (!db.apiKeysByAccount.doesExist([value.accountId, value.id]))
      yield `API key ${value.id} is not listed in its account`;
  }
  for (const [accountId, id] of db.apiKeysByAccount.getKeys()) {
    const hash = db.apiKeyIds.get(id);
    if (hash === undefined || db.apiKeys.get(hash)?.accountId !== accountId)
      yield `API key id ${id} is listed in an account that does not have it`;
  }
  for (const keyId of [...db.spends.getKeys(), ...db.apiKeyUses.getKeys()]) {
    if (!db.apiKeyIds.doesExist(keyId))
      yield `API key ${keyId} is gone, but not what it spent or when it was used`;
  }
  for (const { key, value } of db.apiKeyIds.getRange()) {
    if (db.apiKeys.get(value)?.id !== key) yield `API key id ${key} has no key`;
  }
}

function* checkAudit(db: Databases): Generator<string> {
  const { fault } = verifyAudit(db);
  if (fault !== null) yield `audit log: ${fault}`;
  for (const { key, value } of db.audit.getRange()) {
    const { accountId } = value;
    if (accountId !== null && !db.auditByAccount.doesExist([accountId, key])) {
      yield `audit entry ${key} is not found by its account`;
    }
  }
  for (const [accountId, sequence] of db.auditByAccount.getKeys()) {
    if (db.audit.get(sequence)?.accountId !== accountId) yield `audit entry ${sequence} is missing`;
  }
}

function* checkMembers(db: Databases): Generator<string> {
  for (const { key, value } of db.members.getRange()) {
    const [accountId, memberId] = key;
    const points = (place: readonly string[] | undefined) => place?.[1] === memberId;
    if (!db.accounts.doesExist(accountId)) yield `member ${memberId} has no account`;
    const { passwordHash, invitation } = value;
    if (passwordHash !== null && !points(db.memberEmails.get(value.email))) {
      yield `member ${memberId} is not found by the e-mail`;
    }
    if (invitation !== null && !points(db.invitations.get(invitation.hash))) {
      yield `member ${memberId} is not found by the invitation`;
    }
  }
  for (const { key, value } of db.memberEmails.getRange()) {
    const member = db.members.get(value);
    if (member?.email !== key || member.passwordHash === null) yield `an e-mail has no member`;
  }
  for (const { key, value } of db.invitations.getRange()) {
    if (db.members.get(value)?.invitation?.hash !== key) yield `an invitation has no member`;
  }
  for (const { key, value } of db.sessions.getRange()) {
    const [memberId, sessionId] = key;
    if (!db.members.doesExist([value.accountId, memberId])) yield `session ${sessionId} has no member`;
  }
}

/** How far from 1 the length of a template may be: it was 1 in float32 when it was made. */
const NORM_TOLERANCE = 1e-3;

/**
 * Every template that cannot be compared: one that is no unit vector, or of another length than the others of its
 * pack. In words without anybody's data. Reads all of them.
 */
export function* checkTemplates(db: Databases): Generator<string> {
  const bytesOfPack = new Map<string, number>();
  for (const { key, value } of db.templates.getRange()) {
    const [gallery, label] = key;
    const face = db.faces.get(key);
    const pack = `${face?.pack} ${face?.packVersion}`;
    const expected = bytesOfPack.get(pack) ?? value.length;
    bytesOfPack.set(pack, expected);
    const name = `template ${label} of gallery ${gallery}`;
    if (value.length !== expected) yield `${name} has ${value.length} bytes, others of ${pack} ${expected}`;
    else if (!(Math.abs(normOf(value) - 1) < NORM_TOLERANCE)) yield `${name} is no unit vector`;
  }
}

function normOf(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at + 4 <= bytes.length; at += 4) sum += bytes.readFloatLE(at) ** 2;
  return Math.sqrt(sum);
}
