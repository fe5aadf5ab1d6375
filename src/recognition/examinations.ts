import type { Caller, Owner } from '../api/caller.ts';
import { decodeCursor, encodeCursor } from '../api/paging.ts';
import { inTurns, Turn } from '../base/turns.ts';
import { VisageError } from '../errors.ts';
import { type ListedProposal, MAX_PROPOSED } from '../store/proposals.ts';
import { type Collection, newIdentifier } from '../store/records.ts';
import type { Recognizer } from '../vision/recognizer.ts';
import { checkMayManage, collectionOf } from './collection-access.ts';
import { Examination, type ExaminedGallery } from './examination.ts';
import { FINDING_KINDS, type Finding, type FindingKind, type Findings } from './examination-findings.ts';
import { dismissalOf, type NamedFinding, PROPOSALS, proposalOf } from './examination-proposals.ts';
import { forget } from './faces.ts';
import { searchCriterion, thresholdFor } from './match-criterion.ts';
import { modelOf } from './model-choice.ts';
import type { RecognitionParts } from './requests.ts';

/** Waiting or running examinations of an account. */
const MAX_WAITING = 8;
const MAX_REPORTS = 64;
const PATIENCE_MS = 2_000;
const SHOWN_FACES = 16;
const SHOWN_KEYS = 16;
const SHOWN_GROUPS = 256;
const FACES_OF_PAGE = 8_000;
/** Characters of external keys in a page's findings, and in its applied proposals. */
const TEXT_OF_PAGE = 250_000;
const EXPIRY_MS = 600_000;
const SCALE_END = 95;
const PLACE = /^[0-9]{1,9}$/;

export type ExaminationState = 'none' | 'waiting' | 'running' | 'done' | 'failed';

interface Totals extends Pick<Findings, 'faces' | 'people' | 'counts'> {
  readonly dismissed: Findings['counts'];
}

interface Report {
  readonly gallery: number;
  readonly accountId: string;
  state: ExaminationState;
  progress: number;
  startedAt: number | null;
  endedAt: number | null;
  findings: readonly NamedFinding[];
  totals: Totals | null;
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
  readonly state: 'open' | 'applied' | 'dismissed' | 'outdated';
  readonly groups: readonly ShownGroup[];
}

interface ShownApplied {
  readonly findingId: string;
  readonly kind: FindingKind;
  readonly externalKeys: readonly string[];
  readonly appliedAt: number;
  readonly undoUntil: number;
}

export type ExaminationStatus = Pick<Report, 'state' | 'progress' | 'startedAt' | 'endedAt'>;

export interface ShownReport extends ExaminationStatus {
  readonly totals: Report['totals'];
  readonly findings: readonly ShownFinding[];
  readonly applied: readonly ShownApplied[];
  readonly nextCursor: string | null;
}

interface Waiting {
  readonly accountId: string;
  /** Never rejects. */
  readonly run: () => Promise<void>;
}

interface ReportRequest {
  readonly kind?: FindingKind | undefined;
  readonly cursor?: string | undefined;
  readonly limit: number;
}

/**
 * Examines one collection at a time. Reports live in memory, applied proposals in the store. All methods
 * throw `COLLECTION_NOT_FOUND`, `COLLECTION_NOT_ALLOWED`, `MODEL_NOT_ALLOWED`, and `FACE_NOT_ALLOWED` for a
 * caller limited to some faces.
 */
export class ExaminationService {
  readonly #parts: RecognitionParts;
  readonly #reports = new Map<number, Report>();
  readonly #waiting: Waiting[] = [];
  readonly #served = new Set<string>();
  #isRunning = false;

  constructor(parts: RecognitionParts) {
    this.#parts = parts;
    setInterval(() => void this.#expire(), EXPIRY_MS).unref();
  }

  async #expire(): Promise<void> {
    const { store, now, log } = this.#parts;
    if (!store.isOpen) return;
    try {
      await store.proposals.expire(null, now());
    } catch (error) {
      log.error({ err: error }, 'applied proposals were not erased');
    }
  }

  /** Does nothing while the collection waits or is examined. @throws `OVERLOADED`, `NOT_READY`. */
  start(caller: Caller, collectionId: string): ExaminationStatus {
    return statusOf(this.#started(caller, this.#open(caller, collectionId)));
  }

  /**
   * The newest report. Without one, starts an examination and waits briefly.
   * @throws as `start`, and `VALIDATION_FAILED` for a foreign cursor.
   */
  async read(caller: Caller, collectionId: string, request: ReportRequest): Promise<ShownReport> {
    const collection = this.#open(caller, collectionId);
    const { gallery } = collection;
    await this.#parts.store.proposals.expire(gallery, this.#parts.now());
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
   * @throws `NOT_FOUND` for an unknown finding; `VALIDATION_FAILED` without a proposal; `PRECONDITION_FAILED`
   * if faces have changed.
   */
  async apply(
    caller: Caller,
    collectionId: string,
    findingId: string,
  ): Promise<{ readonly undoUntil: number; readonly externalKeys: readonly string[] }> {
    const { store, now } = this.#parts;
    const { gallery } = this.#open(caller, collectionId);
    const proposal = proposalOf(gallery, this.#finding(gallery, findingId));
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

  /**
   * @returns the external keys of the finding.
   * @throws `NOT_FOUND` for an unknown finding; `VALIDATION_FAILED` for too many people;
   * `PRECONDITION_FAILED` if faces have changed.
   */
  async dismiss(caller: Caller, collectionId: string, findingId: string): Promise<readonly string[]> {
    const { dismissal, externalKeys } = this.#dismissal(caller, collectionId, findingId);
    await this.#parts.store.dismissals.dismiss(caller, collectionId, dismissal);
    return externalKeys;
  }

  /** @returns as `dismiss`. @throws `NOT_FOUND` for an unknown finding, or one that is not dismissed. */
  async restore(caller: Caller, collectionId: string, findingId: string): Promise<readonly string[]> {
    const { dismissal, externalKeys } = this.#dismissal(caller, collectionId, findingId);
    await this.#parts.store.dismissals.restore(caller, collectionId, dismissal);
    return externalKeys;
  }

  #dismissal(caller: Caller, collectionId: string, findingId: string) {
    const { gallery } = this.#open(caller, collectionId);
    const finding = this.#finding(gallery, findingId);
    const { groups } = finding;
    if (groups.length > MAX_PROPOSED) {
      throw new VisageError(
        'VALIDATION_FAILED',
        `The finding names ${groups.length} people; at most ${MAX_PROPOSED} can be dismissed.`,
      );
    }
    const externalKeys = [...new Set(groups.flatMap(({ externalKey }) => externalKey ?? []))];
    return { dismissal: dismissalOf(gallery, finding), externalKeys };
  }

  #finding(gallery: number, findingId: string): NamedFinding {
    const finding = this.#reports.get(gallery)?.findings.find((each) => each.findingId === findingId);
    if (finding) return finding;
    throw new VisageError('NOT_FOUND', 'The newest examination of the collection has no finding of this id.');
  }

  #isDismissed(gallery: number, finding: Pick<Finding, 'kind' | 'groups'>): boolean {
    const { dismissals } = this.#parts.store;
    return finding.groups.length <= MAX_PROPOSED && dismissals.has(dismissalOf(gallery, finding));
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
    const { accountId, environment } = caller;
    const isOwn = (each: Report) => each.accountId === accountId && isUnderWay(each);
    if ([...this.#reports.values()].filter(isOwn).length >= MAX_WAITING) {
      throw new VisageError('OVERLOADED', 'Too many examinations wait. Send the request again later.');
    }
    const recognizer = modelOf(recognizers, caller, collection);
    const report: Report = {
      ...{ gallery, accountId },
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
    const place = { owner: { accountId, environment }, collectionId: collection.collectionId };
    report.ended = new Promise((resolve) => {
      const run = () => this.#run(report, { gallery, recognizer, threshold }, place).then(resolve);
      this.#waiting.push({ accountId, run });
    });
    void this.#runWaiting();
    return report;
  }

  /** Next comes the account served longest ago. */
  async #runWaiting(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    while (this.#waiting.length > 0) {
      const order = [...this.#served];
      const rank = ({ accountId }: Waiting) => order.indexOf(accountId);
      const next = this.#waiting.reduce((first, each) => (rank(each) < rank(first) ? each : first));
      this.#waiting.splice(this.#waiting.indexOf(next), 1);
      this.#served.delete(next.accountId);
      this.#served.add(next.accountId);
      await next.run();
      const isWaiting = (accountId: string) => this.#waiting.some((each) => each.accountId === accountId);
      for (const accountId of order) if (!isWaiting(accountId)) this.#served.delete(accountId);
    }
    this.#served.clear();
    this.#isRunning = false;
  }

  /** The account with the most finished reports loses its oldest first. */
  #dropReports(): void {
    const finished = [...this.#reports.values()].filter((each) => !isUnderWay(each));
    const byAccount = new Map<string, Report[]>();
    for (const each of finished) {
      byAccount.set(each.accountId, [...(byAccount.get(each.accountId) ?? []), each]);
    }
    const accounts = [...byAccount.values()];
    for (let surplus = finished.length - MAX_REPORTS; surplus > 0; surplus--) {
      const largest = accounts.reduce((most, each) => (each.length > most.length ? each : most));
      const oldest = largest.shift();
      if (oldest) this.#reports.delete(oldest.gallery);
    }
  }

  /** Never rejects. */
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
      const open: NamedFinding[] = [];
      const dismissed: NamedFinding[] = [];
      for await (const finding of inTurns(found)) {
        const list = this.#isDismissed(report.gallery, finding) ? dismissed : open;
        list.push({ ...finding, findingId: newIdentifier('fnd_', now()) });
      }
      const of = (kind: FindingKind, list: readonly NamedFinding[]) =>
        list.filter((finding) => finding.kind === kind);
      report.findings = FINDING_KINDS.flatMap((kind) => [...of(kind, open), ...of(kind, dismissed)]);
      const counts = { ...totals.counts };
      const without = { ...counts };
      for (const kind of FINDING_KINDS) {
        without[kind] = of(kind, dismissed).length;
        counts[kind] -= without[kind];
      }
      report.totals = { ...totals, counts, dismissed: without };
      report.state = 'done';
    } catch (error) {
      report.state = 'failed';
      if (!isEnded()) this.#parts.log.error({ err: error }, 'an examination failed');
    }
    report.progress = 1;
    report.endedAt = now();
    this.#dropReports();
  }

  async #shown(
    { gallery }: Collection,
    report: Report,
    { kind, cursor, limit }: ReportRequest,
  ): Promise<ShownReport> {
    const { store, now } = this.#parts;
    const from = Number(decodeCursor(cursor, PLACE) ?? 0);
    const isOther = report.gallery !== gallery;
    const matching = isOther
      ? []
      : report.findings.filter((finding) => kind === undefined || finding.kind === kind);
    const applied = await store.proposals.list(gallery, now());
    const turn = new Turn();
    const findings: ShownFinding[] = [];
    let faces = 0;
    let text = 0;
    for (const finding of matching.slice(from, from + limit)) {
      if (faces >= FACES_OF_PAGE || text >= TEXT_OF_PAGE) break;
      const shown = await this.#shownFinding(gallery, finding, turn);
      faces += shown.groups.reduce((sum, { faceIds }) => sum + faceIds.length + 1, 0);
      text += textOf(
        shown.groups.flatMap(({ externalKey, newExternalKey }) => [externalKey, newExternalKey]),
      );
      findings.push(shown);
      if (turn.isOver) await turn.next();
    }
    const next = from + findings.length;
    return {
      ...statusOf(report),
      ...{ totals: report.totals, findings },
      applied: withFewKeys(applied).map(({ kind: ofKind, ...each }) => ({
        ...each,
        kind: ofKind as FindingKind,
      })),
      nextCursor: next < matching.length ? encodeCursor(String(next)) : null,
    };
  }

  async #shownFinding(
    gallery: number,
    { groups, ...finding }: NamedFinding,
    turn: Turn,
  ): Promise<ShownFinding> {
    const { faces, proposals } = this.#parts.store;
    let isCurrent = true;
    const shown: ShownGroup[] = [];
    for (const { externalKey, newExternalKey, labels } of groups.slice(0, SHOWN_GROUPS)) {
      const faceIds: string[] = [];
      for (const label of labels.slice(0, SHOWN_FACES)) {
        const face = faces.get({ gallery, label });
        if (face?.externalKey === externalKey) faceIds.push(face.faceId);
        else isCurrent = false;
      }
      shown.push({ externalKey, newExternalKey, faceCount: labels.length, faceIds });
      if (turn.isOver) await turn.next();
    }
    const isApplied = proposals.has(gallery, finding.findingId);
    const openState = this.#isDismissed(gallery, { kind: finding.kind, groups }) ? 'dismissed' : 'open';
    return {
      ...finding,
      proposal: PROPOSALS[finding.kind],
      state: isApplied ? 'applied' : isCurrent ? openState : 'outdated',
      groups: isApplied || isCurrent ? shown : withoutDeleted(shown),
    };
  }
}

function textOf(names: readonly (string | null)[]): number {
  return names.reduce((sum, name) => sum + (name?.length ?? 0), 0);
}

/** The newest proposals keep their external keys. */
function withFewKeys(applied: readonly ListedProposal[]): ListedProposal[] {
  let text = 0;
  return applied.map(({ externalKeys, ...each }) => {
    const shown = text < TEXT_OF_PAGE ? externalKeys.slice(0, SHOWN_KEYS) : [];
    text += textOf(shown);
    return { ...each, externalKeys: shown };
  });
}

function withoutDeleted(groups: readonly ShownGroup[]): ShownGroup[] {
  const left = groups.filter(({ faceIds }) => faceIds.length > 0);
  return left.map((group) => ({ ...group, newExternalKey: null }));
}

function thresholdOf(collection: Collection, faces: number, recognizer: Recognizer): number {
  try {
    return thresholdFor(searchCriterion(collection, {}), faces, recognizer);
  } catch (error) {
    if (error instanceof VisageError && error.code === 'VALIDATION_FAILED') return SCALE_END;
    throw error;
  }
}

function statusOf({ state, progress, startedAt, endedAt }: Report): ExaminationStatus {
  return { state, progress, startedAt, endedAt };
}

function isUnderWay({ state }: Report): boolean {
  return state === 'waiting' || state === 'running';
}
