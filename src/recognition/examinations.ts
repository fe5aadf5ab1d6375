import type { Caller, Owner } from '../api/caller.ts';
import { decodeCursor, encodeCursor } from '../api/paging.ts';
import { VisageError } from '../errors.ts';
import { MAX_PROPOSED, type Proposal } from '../store/proposals.ts';
import { type Collection, newIdentifier } from '../store/records.ts';
import type { Recognizer } from '../vision/recognizer.ts';
import { checkMayManage, collectionOf } from './collection-access.ts';
import {
  Examination,
  type ExaminedGallery,
  type Finding,
  type FindingKind,
  type Findings,
} from './examination.ts';
import { forget } from './faces.ts';
import { searchCriterion, thresholdFor } from './match-criterion.ts';
import { modelOf } from './model-choice.ts';
import type { RecognitionParts } from './requests.ts';

const MAX_WAITING = 16;
const MAX_REPORTS = 16;
const PATIENCE_MS = 2_000;
const SHOWN_FACES = 16;
const EXPIRY_MS = 600_000;
const SCALE_END = 95;
const PLACE = /^[0-9]{1,9}$/;

const PROPOSALS = {
  duplicate: 'merge',
  mixed: 'split',
  'look-alike': null,
  'low-quality': 're-enrol',
} as const;

export type ExaminationState = 'none' | 'waiting' | 'running' | 'done' | 'failed';

interface NamedFinding extends Finding {
  readonly findingId: string;
}

interface Report {
  readonly gallery: number;
  state: ExaminationState;
  progress: number;
  startedAt: number | null;
  endedAt: number | null;
  findings: readonly NamedFinding[];
  totals: Pick<Findings, 'faces' | 'people' | 'counts'> | null;
  ended: Promise<void>;
}

export interface ShownGroup {
  readonly externalKey: string | null;
  readonly newExternalKey: string | null;
  readonly faceCount: number;
  readonly faceIds: readonly string[];
}

export interface ShownFinding extends Omit<Finding, 'groups'> {
  readonly findingId: string;
  readonly proposal: 'merge' | 'split' | 're-enrol' | null;
  readonly state: 'open' | 'applied' | 'outdated';
  readonly groups: readonly ShownGroup[];
}

interface ShownApplied {
  readonly findingId: string;
  readonly kind: FindingKind;
  readonly externalKeys: readonly string[];
  readonly appliedAt: number;
  readonly undoUntil: number;
}

export interface ShownReport {
  readonly state: ExaminationState;
  readonly progress: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly totals: Report['totals'];
  readonly findings: readonly ShownFinding[];
  readonly applied: readonly ShownApplied[];
  readonly nextCursor: string | null;
}

interface ReportRequest {
  readonly kind?: FindingKind | undefined;
  readonly cursor?: string | undefined;
  readonly limit: number;
}

/**
 * Examines one collection at a time. Reports live in memory until a restart; applied proposals are in the store. All
 * methods throw `COLLECTION_NOT_FOUND`, `COLLECTION_NOT_ALLOWED`, `MODEL_NOT_ALLOWED`, and `FACE_NOT_ALLOWED` for a
 * caller limited to some faces.
 */
export class ExaminationService {
  readonly #parts: RecognitionParts;
  readonly #reports = new Map<number, Report>();
  #last: Promise<void> = Promise.resolve();

  constructor(parts: RecognitionParts) {
    this.#parts = parts;
    setInterval(() => void this.#expire(), EXPIRY_MS).unref();
  }

  async #expire(): Promise<void> {
    const { store, now, log } = this.#parts;
    if (!store.isOpen) return;
    try {
      await store.proposals.expire(now());
    } catch (error) {
      log.error({ err: error }, 'applied proposals were not erased');
    }
  }

  /** Does nothing while the collection waits or is examined. @throws `OVERLOADED`, `NOT_READY`. */
  start(caller: Caller, collectionId: string): ShownReport {
    const collection = this.#open(caller, collectionId);
    return this.#shown(collection, this.#started(caller, collection), { limit: 0 });
  }

  /**
   * The newest report. Without one, starts an examination and waits a moment for it.
   * @throws as `start`, and `VALIDATION_FAILED` for a foreign cursor.
   */
  async read(caller: Caller, collectionId: string, request: ReportRequest): Promise<ShownReport> {
    const collection = this.#open(caller, collectionId);
    const { gallery } = collection;
    await this.#parts.store.proposals.expire(this.#parts.now());
    let report = this.#reports.get(gallery);
    if (!report) {
      report = this.#started(caller, collection);
      let timer: NodeJS.Timeout | undefined;
      const patience = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, PATIENCE_MS);
      });
      await Promise.race([report.ended, patience]);
      clearTimeout(timer);
    }
    return this.#shown(this.#open(caller, collectionId), report, request);
  }

  /**
   * @returns the external keys that changed.
   * @throws `NOT_FOUND` for an unknown finding; `VALIDATION_FAILED` without a proposal; `PRECONDITION_FAILED` if the
   * faces have changed since.
   */
  async apply(
    caller: Caller,
    collectionId: string,
    findingId: string,
  ): Promise<{ readonly undoUntil: number; readonly externalKeys: readonly string[] }> {
    const { store, now } = this.#parts;
    const { gallery } = this.#open(caller, collectionId);
    const finding = this.#reports.get(gallery)?.findings.find((each) => each.findingId === findingId);
    if (!finding) {
      throw new VisageError(
        'NOT_FOUND',
        'The newest examination of the collection has no finding of this id.',
      );
    }
    const proposal = proposalOf(gallery, finding);
    const { undoUntil, keys, removed } = await store.proposals.apply(caller, collectionId, proposal, now());
    await forget(
      this.#parts,
      removed.map(({ label }) => ({ gallery, label })),
    );
    this.#record(caller, 'applyProposal', collectionId);
    return { undoUntil, externalKeys: keys.map(({ externalKey }) => externalKey) };
  }

  /** @throws `NOT_FOUND`, `PRECONDITION_FAILED`. */
  async undo(
    caller: Caller,
    collectionId: string,
    findingId: string,
  ): Promise<{ readonly externalKeys: readonly string[] }> {
    const { store, indexes, recognizers, now } = this.#parts;
    this.#open(caller, collectionId);
    const { externalKeys, gallery, restored } = await store.proposals.undo(
      caller,
      collectionId,
      findingId,
      now(),
    );
    for (const { gallery: rows, label, row, ...packId } of restored) {
      const made = recognizers.of(packId);
      if (made && store.faces.hasRows(gallery, rows)) await indexes.add(rows, label, row, made.space);
    }
    this.#record(caller, 'undoProposal', collectionId);
    return { externalKeys };
  }

  #open(caller: Caller, collectionId: string): Collection {
    const collection = collectionOf(this.#parts.store, caller, collectionId);
    checkMayManage(caller);
    return collection;
  }

  #record(caller: Caller, operation: 'applyProposal' | 'undoProposal', collectionId: string): void {
    this.#parts.events.record(caller, { type: 'assign', result: 'assigned', operation, collectionId });
  }

  #started(caller: Caller, collection: Collection): Report {
    const { recognizers } = this.#parts;
    const { gallery } = collection;
    const known = this.#reports.get(gallery);
    if (known && isUnderWay(known)) return known;
    const waiting = [...this.#reports.values()].filter(isUnderWay).length;
    if (waiting >= MAX_WAITING) {
      throw new VisageError('OVERLOADED', 'Too many examinations wait. Send the request again later.');
    }
    const recognizer = modelOf(recognizers, caller, collection);
    const report: Report = {
      gallery,
      state: 'waiting',
      progress: 0,
      startedAt: null,
      endedAt: null,
      findings: [],
      totals: null,
      ended: Promise.resolve(),
    };
    this.#reports.delete(gallery);
    this.#reports.set(gallery, report);
    const { faces } = this.#parts.store.faces.counts(gallery);
    const threshold = thresholdOf(collection, faces, recognizer);
    const { accountId, environment } = caller;
    const place = { owner: { accountId, environment }, collectionId: collection.collectionId };
    report.ended = this.#last.then(() => this.#run(report, { gallery, recognizer, threshold }, place));
    this.#last = report.ended;
    return report;
  }

  async #run(
    report: Report,
    gallery: ExaminedGallery,
    { owner, collectionId }: { readonly owner: Owner; readonly collectionId: string },
  ): Promise<void> {
    const { store, now } = this.#parts;
    report.state = 'running';
    report.startedAt = now();
    const isEnded = () =>
      !store.isOpen || store.collections.get(owner, collectionId)?.gallery !== report.gallery;
    const onProgress = (share: number) => {
      report.progress = share;
    };
    try {
      const { found, ...totals } = await new Examination(this.#parts, gallery, isEnded, onProgress).run();
      report.findings = found.map((finding) => ({ ...finding, findingId: newIdentifier('fnd_', now()) }));
      report.totals = totals;
      report.state = 'done';
    } catch (error) {
      report.state = 'failed';
      if (!isEnded()) this.#parts.log.error({ err: error }, 'an examination failed');
    }
    report.progress = 1;
    report.endedAt = now();
    const finished = [...this.#reports.values()].filter((each) => !isUnderWay(each));
    for (const old of finished.slice(0, -MAX_REPORTS)) this.#reports.delete(old.gallery);
  }

  #shown({ gallery }: Collection, report: Report, { kind, cursor, limit }: ReportRequest): ShownReport {
    const { store, now } = this.#parts;
    const { state, progress, startedAt, endedAt, totals } = report;
    const from = Number(decodeCursor(cursor, PLACE) ?? 0);
    const isOther = report.gallery !== gallery;
    const matching = isOther
      ? []
      : report.findings.filter((finding) => kind === undefined || finding.kind === kind);
    const page = matching.slice(from, from + limit);
    return {
      ...{ state, progress, startedAt, endedAt, totals },
      findings: page.map((finding) => this.#shownFinding(gallery, finding)),
      applied: store.proposals
        .list(gallery, now())
        .map(({ findingId, kind, keys, appliedAt, undoUntil }) => ({
          ...{ findingId, appliedAt, undoUntil },
          kind: kind as FindingKind,
          externalKeys: keys.map(({ externalKey }) => externalKey),
        })),
      nextCursor: from + limit < matching.length && limit > 0 ? encodeCursor(String(from + limit)) : null,
    };
  }

  #shownFinding(gallery: number, { groups, ...finding }: NamedFinding): ShownFinding {
    const { faces, proposals } = this.#parts.store;
    let isCurrent = true;
    const shown = groups.map(({ externalKey, newExternalKey, labels }) => {
      const faceIds: string[] = [];
      for (const label of labels.slice(0, SHOWN_FACES)) {
        const face = faces.get({ gallery, label });
        if (face?.externalKey === externalKey) faceIds.push(face.faceId);
        else isCurrent = false;
      }
      return { externalKey, newExternalKey, faceCount: labels.length, faceIds };
    });
    const isApplied = proposals.has(gallery, finding.findingId);
    return {
      ...finding,
      proposal: PROPOSALS[finding.kind],
      state: isApplied ? 'applied' : isCurrent ? 'open' : 'outdated',
      groups: isApplied || isCurrent ? shown : withoutDeleted(shown),
    };
  }
}

/** Names of people who left the collection stay out of answers. */
function withoutDeleted(groups: readonly ShownGroup[]): ShownGroup[] {
  const left = groups.filter(({ faceIds }) => faceIds.length > 0);
  return left.map((group) => ({ ...group, newExternalKey: null }));
}

/** The similarity from which look-alikes match; for a rate beyond the pack's scale, the end of the scale. */
function thresholdOf(collection: Collection, faces: number, recognizer: Recognizer): number {
  try {
    return thresholdFor(searchCriterion(collection, {}), faces, recognizer);
  } catch (error) {
    if (error instanceof VisageError && error.code === 'VALIDATION_FAILED') return SCALE_END;
    throw error;
  }
}

function isUnderWay({ state }: Report): boolean {
  return state === 'waiting' || state === 'running';
}

function proposalOf(gallery: number, { findingId, kind, groups }: NamedFinding): Proposal {
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
