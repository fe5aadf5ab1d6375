/**
 * `proposalsByTarget` lists applied proposals by labels, external keys and removed face ids, so that they
 * disappear with a deleted face or key.
 */
import { markAnswers } from './answer-erasure.ts';
import type { Databases } from './databases.ts';
import { markErased, markUnusedName } from './event-erasure.ts';
import { STEP } from './key-steps.ts';
import type { ProposalRecord } from './records.ts';

function isNamedInProposals(db: Databases, gallery: number): boolean {
  return db.proposalsByTarget.getKeysCount({ start: [gallery], end: [gallery + 1], limit: 1 } as never) > 0;
}

/** Erases at most `STEP` dismissed findings of these faces or external keys. @returns true if none remain. */
export function forgetDismissals(
  db: Databases,
  gallery: number,
  targets: readonly (string | number)[],
): boolean {
  const all = { start: [gallery], end: [gallery + 1], limit: 1 } as never;
  if (db.dismissals.getKeysCount(all) === 0) return true;
  let left = STEP;
  for (const target of targets) {
    const range = { start: [gallery, target], end: [gallery, target, '\uffff'], limit: left + 1 } as never;
    const keys = Array.from(db.dismissals.getKeys(range));
    for (const key of keys.slice(0, left)) db.dismissals.remove(key);
    if (keys.length > left) return false;
    left -= keys.length;
  }
  return true;
}

/** Erases dismissed findings, then proposals of about `STEP` faces. @returns how many, and whether none remain. */
export function forgetProposals(
  db: Databases,
  gallery: number,
  targets: readonly (string | number)[],
): { readonly count: number; readonly isDone: boolean } {
  if (!forgetDismissals(db, gallery, targets)) return { count: 0, isDone: false };
  let count = 0;
  let faces = 0;
  for (const target of isNamedInProposals(db, gallery) ? targets : []) {
    for (const findingId of proposalsOf(db, gallery, target, STEP + 1)) {
      if (faces >= STEP) return { count, isDone: false };
      faces += removeProposal(db, gallery, findingId);
      count++;
    }
  }
  return { count, isDone: true };
}

/** @param limit of faces in them; one proposal may exceed it. @returns true if none remain. */
export function eraseProposals(db: Databases, gallery: number, limit: number): boolean {
  const range = { start: [gallery], end: [gallery + 1], limit } as never;
  const dismissals = Array.from(db.dismissals.getKeys(range));
  for (const key of dismissals) db.dismissals.remove(key);
  if (dismissals.length === limit) return false;
  const own = { start: [gallery], end: [gallery + 1], limit } as never;
  const entries = Array.from(db.proposals.getKeys(own));
  let faces = 0;
  for (const [, findingId] of entries) {
    if (faces >= limit) return false;
    faces += removeProposal(db, gallery, findingId);
  }
  return entries.length < limit;
}

/** Faces that it changes or names, at least 1: its erasure takes time in proportion. */
export function facesOf({ moves, removed, keys }: ProposalRecord): number {
  const named = keys.reduce((sum, { labels }) => sum + labels.length, 0);
  return Math.max(1, moves.length, removed.length, named);
}

function proposalsOf(db: Databases, gallery: number, target: string | number, limit: number): string[] {
  const range = { start: [gallery, target], end: [gallery, target, '\uffff'], limit } as never;
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

/** Also erases removed faces and keys from events and answers. @returns `facesOf`. */
export function removeProposal(db: Databases, gallery: number, findingId: string): number {
  const record = takeProposal(db, gallery, findingId);
  if (!record) return 0;
  const { removed, moves } = record;
  const labels = removed.map(({ label }) => label);
  while (!forgetDismissals(db, gallery, labels));
  for (const { label, face } of removed) {
    markErased(db, gallery, label);
    markAnswers(db, gallery, face.faceId);
  }
  const names = [...removed.map(({ face }) => face.externalKey), ...moves.map(({ from }) => from)];
  for (const name of new Set(names)) markUnusedName(db, gallery, name);
  return facesOf(record);
}

export function takeProposal(db: Databases, gallery: number, findingId: string): ProposalRecord | undefined {
  const record = db.proposals.get([gallery, findingId]);
  db.proposals.remove([gallery, findingId]);
  for (const target of record ? targetsOf(record) : [])
    db.proposalsByTarget.remove([gallery, target, findingId]);
  return record;
}
