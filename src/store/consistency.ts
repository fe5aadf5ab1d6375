import { groupOf, verifyAudit } from './audit-chain.ts';
import type { Databases } from './databases.ts';
import { targetOf } from './event-erasure.ts';
import { scanCounts } from './face-counts.ts';
import { placesOf } from './members.ts';
import { rowGalleriesOf } from './row-galleries.ts';

/** Returns sentences without personal data. */
export function checkConsistency(db: Databases): string[] {
  return [
    ...checkGalleries(db),
    ...checkFaces(db),
    ...checkReferences(db),
    ...checkCounts(db),
    ...checkApiKeys(db),
    ...checkMembers(db),
    ...checkAudit(db),
    ...checkEvents(db),
    ...checkCalls(db),
    ...checkProposals(db),
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
    if (seen.has(value.gallery)) yield `gallery ${value.gallery} belongs to two collections`;
    if (value.gallery >= next) yield `gallery ${value.gallery} exceeds the counter nextGallery`;
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
    if (label >= next) yield `${name} exceeds the counter nextLabel`;
    const { current } = rowGalleriesOf(db, gallery);
    if (!db.templates.doesExist([current, label])) yield `${name} has no template`;
    if (db.faceLabels.get([gallery, value.faceId]) !== label)
      yield `${name} is missing from the index of face ids`;
    if (value.externalKey !== null && !db.externalKeys.doesExist([gallery, value.externalKey, label])) {
      yield `${name} is missing from the index of external keys`;
    }
  }
}

function ownersOfRows(db: Databases): Map<number, number> {
  const owners = new Map<number, number>();
  for (const { key, value } of db.rowGalleries.getRange()) {
    owners.set(value.current, key);
    if (value.second) owners.set(value.second.gallery, key);
  }
  return owners;
}

function* checkReferences(db: Databases): Generator<string> {
  const owners = ownersOfRows(db);
  for (const [rows, label] of db.templates.getKeys()) {
    if (db.rowGarbage.doesExist(rows)) continue;
    const gallery = owners.get(rows) ?? rows;
    if (!db.faces.doesExist([gallery, label])) yield `template ${label} of gallery ${gallery} has no face`;
  }
  for (const [rows, label] of db.sightings.getKeys()) {
    if (!db.rowGarbage.doesExist(rows) && !db.faces.doesExist([owners.get(rows) ?? rows, label]))
      yield `gallery ${rows} has a sighting of a removed face`;
  }
  for (const [gallery, label] of db.thumbnails.getKeys()) {
    if (!db.faces.doesExist([gallery, label])) yield `the crop ${label} of gallery ${gallery} has no face`;
  }
  for (const { key, value } of db.faceLabels.getRange()) {
    const [gallery, faceId] = key;
    if (db.faces.get([gallery, value])?.faceId !== faceId)
      yield `gallery ${gallery} has a face id without a face`;
  }
  for (const [gallery, externalKey, label] of db.externalKeys.getKeys()) {
    if (db.faces.get([gallery, label])?.externalKey !== externalKey) {
      yield `gallery ${gallery} has an external key without a face`;
    }
  }
}

function* checkCounts(db: Databases): Generator<string> {
  const galleries = knownGalleries(db);
  for (const { key: gallery, value } of db.rowGalleries.getRange()) {
    if (!galleries.has(gallery)) yield `gallery ${gallery} has rows but no collection`;
    if (!value.second) continue;
    const { gallery: rows, faces } = value.second;
    const found = db.templates.getKeysCount({ start: [rows], end: [rows + 1] });
    if (found !== faces) yield `the migration of gallery ${gallery} counts ${faces} faces, but has ${found}`;
  }
  for (const { key: gallery, value } of db.faceCounts.getRange()) {
    if (!galleries.has(gallery)) yield `gallery ${gallery} has counts but no collection`;
    if (db.garbage.doesExist(gallery)) continue;
    const { faces, named, people } = scanCounts(db, gallery);
    if (value.faces !== faces || value.named !== named || value.people !== people)
      yield `the counts of gallery ${gallery} differ from its faces`;
  }
}

function* checkApiKeys(db: Databases): Generator<string> {
  for (const { key, value } of db.apiKeys.getRange()) {
    if (db.apiKeyIds.get(value.id) !== key) yield `API key ${value.id} is missing from the index of key ids`;
    if (!db.accounts.doesExist(value.accountId)) yield `API key ${value.id} has no account`;
    if (!db.apiKeysByAccount.doesExist([value.accountId, value.id]))
      yield `API key ${value.id} is missing from the index of its account`;
  }
  for (const [accountId, id] of db.apiKeysByAccount.getKeys()) {
    const hash = db.apiKeyIds.get(id);
    if (hash === undefined || db.apiKeys.get(hash)?.accountId !== accountId)
      yield `API key id ${id} is in the index of another account`;
  }
  // Stale until the next start after an older version wrote the store.
  const isListed = db.apiKeysByMember.getKeysCount() === db.apiKeyIds.getKeysCount();
  for (const [accountId, memberId, id] of isListed ? db.apiKeysByMember.getKeys() : []) {
    const record = db.apiKeys.get(db.apiKeyIds.get(id) ?? '');
    if (record?.accountId !== accountId || (record.memberId ?? '') !== memberId)
      yield `API key id ${id} is in the index of another member`;
  }
  for (const keyId of [...db.spends.getKeys(), ...db.apiKeyUses.getKeys()]) {
    if (!db.apiKeyIds.doesExist(keyId))
      yield `the removed API key ${keyId} still has a record of spending or use`;
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
      yield `audit entry ${key} is missing from the index of its account`;
    }
  }
  for (const [group, sequence] of db.auditByAccount.getKeys()) {
    const entry = db.audit.get(sequence);
    if (!entry || groupOf(entry) !== group) yield `audit entry ${sequence} is missing`;
  }
}

function* checkMembers(db: Databases): Generator<string> {
  for (const { key, value } of db.members.getRange()) {
    const [accountId, memberId] = key;
    if (!db.accounts.doesExist(accountId)) yield `member ${memberId} has no account`;
    const { passwordHash, invitation } = value;
    const isFound = placesOf(db, value.email).some(([, id]) => id === memberId);
    if (passwordHash !== null && !isFound) {
      yield `member ${memberId} is missing from the index of e-mails`;
    }
    if (invitation !== null && db.invitations.get(invitation.hash)?.[1] !== memberId) {
      yield `member ${memberId} is missing from the index of invitations`;
    }
  }
  for (const email of db.memberEmails.getKeys()) {
    for (const place of placesOf(db, email)) {
      const member = db.members.get(place);
      if (member?.email !== email || member.passwordHash === null) yield `an e-mail belongs to no member`;
    }
  }
  for (const { key, value } of db.invitations.getRange()) {
    if (db.members.get(value)?.invitation?.hash !== key) yield `an invitation belongs to no member`;
  }
  for (const { key, value } of db.sessions.getRange()) {
    const [memberId, sessionId] = key;
    if (!db.members.doesExist([value.accountId, memberId])) yield `session ${sessionId} has no member`;
  }
}

function* checkEvents(db: Databases): Generator<string> {
  const counts = new Map<string, number>();
  // Copies omit the index of deleted galleries.
  const current = new Set<number>();
  for (const { value } of db.collections.getRange()) current.add(value.gallery);
  for (const { key, value } of db.events.getRange()) {
    const [accountId, environment, id] = key;
    const owner = `${accountId}/${environment}`;
    counts.set(owner, (counts.get(owner) ?? 0) + 1);
    const target = targetOf(db, id, value);
    if (value.gallery === undefined || target === null || !current.has(value.gallery)) continue;
    if (!db.eventsByFace.doesExist([value.gallery, target, id]))
      yield `event ${id} is missing from the index of faces`;
  }
  for (const { key, value } of db.eventCounts.getRange()) {
    const owner = key.join('/');
    if (counts.get(owner) !== value) yield `the count of the events of ${owner} is wrong`;
    counts.delete(owner);
  }
  for (const owner of counts.keys()) yield `the events of ${owner} are not counted`;
  for (const { key, value } of db.eventsByFace.getRange()) {
    const [gallery, target, id] = key;
    const event = db.events.get([...value, id]);
    if (event?.gallery !== gallery || targetOf(db, id, event) !== target)
      yield `gallery ${gallery} lists the event ${id}, which is not of its face`;
  }
  const galleries = knownGalleries(db);
  for (const database of [db.eventNames, db.eventCrops]) {
    for (const [gallery, id] of database.getKeys()) {
      if (!galleries.has(gallery)) yield `event ${id} has a name or crop of a removed gallery`;
    }
  }
  for (const [gallery, id] of db.eventCrops.getKeys()) {
    if (db.eventCropQueue.get(id) !== gallery) yield `the crop of event ${id} has no end`;
  }
  for (const [gallery, label] of db.lastSeen.getKeys()) {
    if (!db.faces.doesExist([gallery, label]))
      yield `gallery ${gallery} remembers the last match of a removed face`;
  }
}

const NORM_TOLERANCE = 1e-3;
const OFFSET_BYTES = 4;

export function* checkTemplates(db: Databases): Generator<string> {
  const bytesOfPack = new Map<string, number>();
  for (const { key, value } of db.templates.getRange()) {
    const [gallery, label] = key;
    const face = db.faces.get(key);
    const isTemplate = db.unconverted.doesExist(gallery) && isUnit(floatNorm(value));
    const pack = `${face?.pack} ${face?.packVersion}`;
    const form = `${isTemplate ? 'templates' : 'rows'} of ${pack}`;
    const expected = bytesOfPack.get(form) ?? value.length;
    bytesOfPack.set(form, expected);
    const name = `template ${label} of gallery ${gallery}`;
    if (value.length !== expected) yield `${name} has ${value.length} bytes, other ${form} have ${expected}`;
    else if (!isTemplate && !isUnitRow(value)) yield `${name} is not a unit vector`;
  }
}

function isUnit(norm: number): boolean {
  return Math.abs(norm - 1) < NORM_TOLERANCE;
}

function floatNorm(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let sum = 0;
  for (let at = 0; at + 4 <= bytes.length; at += 4) sum += view.getFloat32(at, true) ** 2;
  return Math.sqrt(sum);
}

/** By the bits of an IEEE 754 binary16. */
const SQUARES = Float64Array.from({ length: 2 ** 16 }, (_, half) => {
  const [exponent, fraction] = [(half >> 10) & 31, (half & 1023) / 1024];
  if (exponent === 31) return Number.NaN;
  return (exponent === 0 ? fraction * 2 ** -14 : (1 + fraction) * 2 ** (exponent - 15)) ** 2;
});

/** The row may end with an offset (native/search/row.h). */
function isUnitRow(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let sum = 0;
  let before = 0;
  for (let at = 0; at + 2 <= bytes.length; at += 2) {
    if (at === bytes.length - OFFSET_BYTES) before = sum;
    sum += SQUARES[view.getUint16(at, true)] as number;
  }
  return isUnit(Math.sqrt(sum)) || isUnit(Math.sqrt(before));
}

function* checkCalls(db: Databases): Generator<string> {
  const sizes = new Map<string, number>();
  const count = (key: string, bytes: number) => sizes.set(key, (sizes.get(key) ?? 0) + bytes);
  const deleted = new Set<number>(db.garbage.getKeys());
  for (const { key, value } of db.calls.getRange()) {
    const [accountId, callerId, mac] = key;
    count(accountId, value.size);
    count('', value.size);
    if (!db.callQueue.doesExist([accountId, value.at, callerId, mac]))
      yield `a call of ${accountId} is missing from the queue`;
    if (value.gallery === undefined || deleted.has(value.gallery)) continue;
    const answer = db.answers.get([value.gallery, ...key]);
    if (!answer) yield `a call of ${accountId} has lost its answer`;
    for (const name of [...(answer?.faceIds ?? []), ...(answer?.externalKeys ?? [])]) {
      if (!db.answersByFace.doesExist([value.gallery, name, ...key]))
        yield `an answer of ${accountId} is missing from the index of faces`;
    }
  }
  for (const [accountId, at, callerId, mac] of db.callQueue.getKeys()) {
    if (db.calls.get([accountId, callerId, mac])?.at !== at)
      yield `the queue of ${accountId} has a call too many`;
  }
  for (const [gallery, , ...key] of db.answersByFace.getKeys()) {
    if (!db.answers.doesExist([gallery, ...key])) yield `gallery ${gallery} lists an answer that is gone`;
  }
  for (const [gallery, ...key] of db.answers.getKeys()) {
    if (db.calls.get(key)?.gallery !== gallery) yield `gallery ${gallery} has an answer without a call`;
  }
  for (const { key, value } of db.callSizes.getRange()) {
    if (sizes.get(key) !== value)
      yield `the size of the calls of ${key === '' ? 'all accounts' : key} is wrong`;
    sizes.delete(key);
  }
  for (const key of sizes.keys()) yield `the calls of ${key === '' ? 'all accounts' : key} have no size`;
}

function* checkProposals(db: Databases): Generator<string> {
  const galleries = knownGalleries(db);
  for (const [gallery] of db.proposals.getKeys()) {
    if (!galleries.has(gallery)) yield `an applied proposal of gallery ${gallery} belongs to no collection`;
  }
  for (const [gallery, , findingId] of db.proposalsByTarget.getKeys()) {
    if (!db.proposals.doesExist([gallery, findingId]))
      yield `gallery ${gallery} lists an applied proposal that is gone`;
  }
  for (const [gallery] of db.dismissals.getKeys()) {
    if (!galleries.has(gallery)) yield `a dismissed finding of gallery ${gallery} belongs to no collection`;
  }
}
