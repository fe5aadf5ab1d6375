import { VisageError } from '../errors.ts';
import type { Dismissal } from '../store/dismissals.ts';
import { MAX_PROPOSED, type Proposal } from '../store/proposals.ts';
import type { Finding } from './examination-findings.ts';

export const PROPOSALS = {
  duplicate: 'merge',
  mixed: 'split',
  'look-alike': null,
  'low-quality': 're-enrol',
} as const;

export interface NamedFinding extends Finding {
  readonly findingId: string;
}

/** Duplicates and look-alikes are known by their external keys, other findings by their faces. */
export function dismissalOf(gallery: number, { kind, groups }: Pick<Finding, 'kind' | 'groups'>): Dismissal {
  const labels = groups.flatMap((group) => group.labels);
  const firsts = groups.map((group) => group.labels[0] as number);
  return {
    ...{ gallery, kind },
    targets: groups.map(({ externalKey }, i) =>
      kind === 'low-quality' ? (firsts[i] as number) : (externalKey ?? (firsts[i] as number)),
    ),
    faces: kind === 'mixed' ? `${labels.length} ${labels.reduce((a, b) => Math.max(a, b))}` : '',
    examined: groups.map(({ externalKey }, i) => ({ label: firsts[i] as number, externalKey })),
  };
}

/** @throws `VALIDATION_FAILED`. */
export function proposalOf(gallery: number, { findingId, kind, groups }: NamedFinding): Proposal {
  if (PROPOSALS[kind] === null) {
    throw new VisageError('VALIDATION_FAILED', 'This finding has no proposal that can be applied.');
  }
  const count = groups.reduce((sum, { labels }) => sum + labels.length, 0);
  if (count > MAX_PROPOSED) {
    throw new VisageError(
      'VALIDATION_FAILED',
      `The proposal names ${count} faces; at most ${MAX_PROPOSED} can change at once. Use PUT /v1/external-key/rename.`,
    );
  }
  const isRemoval = kind === 'low-quality';
  const moves = groups.flatMap(({ externalKey, newExternalKey, labels }) =>
    isRemoval || externalKey === newExternalKey
      ? []
      : labels.map((label) => ({ label, from: externalKey, to: newExternalKey })),
  );
  const used = new Map<string, number[]>();
  for (const { externalKey, labels } of isRemoval ? [] : groups) {
    if (externalKey !== null) used.set(externalKey, [...(used.get(externalKey) ?? []), ...labels]);
  }
  for (const { newExternalKey, isNewKey } of groups)
    if (newExternalKey !== null && isNewKey) used.set(newExternalKey, []);
  const names = groups.flatMap(({ externalKey, newExternalKey }) => [externalKey, newExternalKey]);
  return {
    ...{ findingId, kind, gallery, moves },
    faces: groups.flatMap(({ externalKey, labels }) => labels.map((label) => ({ label, externalKey }))),
    keys: Array.from(used, ([externalKey, labels]) => ({
      externalKey,
      labels: labels.sort((a, b) => a - b),
    })),
    others: [...new Set(names.filter((name) => name !== null && !used.has(name)))] as string[],
    removed: isRemoval ? groups.flatMap(({ labels }) => labels) : [],
  };
}
