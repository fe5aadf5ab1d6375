/**
 * `proposalsByTarget` lists applied proposals by labels, external keys and removed face ids, so that they
 * disappear with a deleted face or key.
 */
import { markAnswers } from './answer-erasure.ts';
import type { Databases } from './databases.ts';
import { markErased, markUnusedName } from './event-erasure.ts';
import { labelsOfKey } from './key-steps.ts';
import type { ProposalRecord } from './records.ts';

export function isNamedInProposals(db: Databases, gallery: number): boolean {
  return db.proposalsByTarget.getKeysCount({ start: [gallery], end: [gallery + 1], limit: 1 } as never) > 0;
}

/** @returns how many proposals with this face or external key become final. */
export function forgetProposals(db: Databases, gallery: number, target: string | number): number {
  const forgotten = proposalsOf(db, gallery, target);
  for (const findingId of forgotten) removeProposal(db, gallery, findingId);
  return forgotten.length;
}

export function forgetUnusedName(db: Databases, gallery: number, externalKey: string | null): void {
  if (externalKey === null || labelsOfKey(db, gallery, externalKey, 0, 1).length > 0) return;
  forgetProposals(db, gallery, externalKey);
}

/** @param limit of faces in them; one proposal may exceed it. @returns true if none remain. */
export function eraseProposals(db: Databases, gallery: number, limit: number): boolean {
  const own = { start: [gallery], end: [gallery + 1], limit } as never;
  const entries = Array.from(db.proposals.getRange(own));
  let faces = 0;
  for (const { key, value } of entries) {
    if (faces >= limit) return false;
    faces += facesOf(value);
    removeProposal(db, gallery, key[1]);
  }
  return entries.length < limit;
}

/** Faces that it changes or names, at least 1: its erasure takes time in proportion. */
export function facesOf({ moves, removed, keys }: ProposalRecord): number {
  const named = keys.reduce((sum, { labels }) => sum + labels.length, 0);
  return Math.max(1, moves.length, removed.length, named);
}

function proposalsOf(db: Databases, gallery: number, target: string | number): string[] {
  const range = { start: [gallery, target], end: [gallery, target, '\uffff'] } as never;
  return Array.from(
    db.proposalsByTarget.getKeys(range),
    (key) => (key as [number, string | number, string])[2],
  );
}

function targetsOf({ moves, removed, keys }: ProposalRecord): Set<string | number> {
  const names = [
    ...moves.flatMap(({ from, to }) => [from, to]),
    ...removed.map(({ face }) => face.externalKey),
  ];
  return new Set([
    ...moves.map(({ label }) => label),
    ...removed.flatMap(({ label, face }) => [label, face.faceId]),
    ...names.filter((name) => name !== null),
    ...keys.map(({ externalKey }) => externalKey),
  ]);
}

export function putProposal(db: Databases, gallery: number, findingId: string, record: ProposalRecord): void {
  db.proposals.put([gallery, findingId], record);
  for (const target of targetsOf(record)) db.proposalsByTarget.put([gallery, target, findingId], true);
}

/** Also erases the removed faces and keys from events and answers. */
export function removeProposal(db: Databases, gallery: number, findingId: string): void {
  const record = takeProposal(db, gallery, findingId);
  for (const { label, face } of record?.removed ?? []) {
    markErased(db, gallery, label);
    markAnswers(db, gallery, face.faceId);
  }
  for (const key of new Set(record?.removed.map(({ face }) => face.externalKey)))
    markUnusedName(db, gallery, key);
  for (const from of new Set(record?.moves.map((move) => move.from))) markUnusedName(db, gallery, from);
}

export function takeProposal(db: Databases, gallery: number, findingId: string): ProposalRecord | undefined {
  const record = db.proposals.get([gallery, findingId]);
  db.proposals.remove([gallery, findingId]);
  for (const target of record ? targetsOf(record) : [])
    db.proposalsByTarget.remove([gallery, target, findingId]);
  return record;
}
