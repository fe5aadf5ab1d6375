import { setTimeout as delay } from 'node:timers/promises';
import { EXIT, ExitError, usageError } from '../ops/exit-codes.ts';
import type { AdminCall } from './admin-access.ts';
import { columns, command, configOf, DATA_OPTIONS, print } from './command.ts';
import { COLLECTION, ENVIRONMENT_OPTIONS, withOperatorApi } from './operator-api.ts';
import { tell } from './output.ts';
import { Progress } from './progress.ts';

const KEY_NAME = 'visagectl collections examine';
const PATH = '/v1/collection/examine';
const POLL_MS = 200;
const SHOWN = 4;

const CHANGES = ['apply', 'undo', 'dismiss', 'restore'] as const;
const DONE = {
  apply: 'Applied the proposal of',
  undo: 'Undid the proposal of',
  dismiss: 'Dismissed',
  restore: 'Restored',
} as const;

interface Group {
  readonly externalKey: string | null;
  readonly newExternalKey: string | null;
  readonly faceCount: number;
  readonly faceIds: readonly string[];
}

interface Finding {
  readonly findingId: string;
  readonly kind: string;
  readonly state: string;
  readonly proposal: string | null;
  readonly groups: readonly Group[];
  readonly similarity: number | null;
  readonly falseAlarms: number | null;
  readonly quality: { readonly score: number; readonly reasons: readonly string[] } | null;
}

interface Report {
  readonly state: string;
  readonly progress: number;
  readonly faces: number;
  readonly people: number;
  readonly findings: readonly Finding[];
  readonly applied: readonly {
    readonly findingId: string;
    readonly kind: string;
    readonly undoUntil: string;
  }[];
  readonly nextCursor: string | null;
}

export const collectionsExamine = command({
  name: 'collections examine',
  summary:
    'Find people under two keys, two people under one key, look-alikes and poor faces of a collection.',
  examples: ['collections examine staff', 'collections examine staff --apply fnd_01KF2M7Q8TC5V9XW3E6YB4NZRD'],
  operands: [COLLECTION],
  options: {
    apply: {
      type: 'string',
      value: 'FINDING',
      about: 'Apply the proposal of this finding instead. You can undo it for 7 days.',
    },
    undo: { type: 'string', value: 'FINDING', about: 'Undo the applied proposal of this finding instead.' },
    dismiss: {
      type: 'string',
      value: 'FINDING',
      about: 'Dismiss this finding instead, because nothing is wrong.',
    },
    restore: { type: 'string', value: 'FINDING', about: 'Restore this dismissed finding instead.' },
    dismissed: { type: 'boolean', about: 'List dismissed findings too.' },
    ...ENVIRONMENT_OPTIONS,
    ...DATA_OPTIONS,
  },
  async run(values, [collectionId]) {
    const { environment, dismissed, json } = values;
    const changes = CHANGES.filter((what) => values[what] !== undefined);
    if (changes.length > 1) throw usageError('Use one of --apply, --undo, --dismiss and --restore.');
    const [what] = changes;
    await withOperatorApi(configOf(values), { name: KEY_NAME, environment }, async (api) => {
      if (what !== undefined) {
        const findingId = values[what];
        print(await api('POST', `${PATH}/${what}`, { collectionId, findingId }), json, () => '');
        if (!json) tell`${DONE[what]} ${findingId}.`;
        return;
      }
      const report = await examine(api, collectionId);
      const findings = report.findings.filter(({ state }) => dismissed || state !== 'dismissed');
      print(report, json, () => shown({ ...report, findings }));
      if (!json) {
        const hidden = report.findings.length - findings.length;
        tell`Examined ${report.faces} faces of ${report.people} people: ${findings.length} findings.`;
        if (hidden > 0) tell`${hidden} dismissed findings are not listed; --dismissed lists them.`;
      }
    });
  },
});

async function examine(api: AdminCall, collectionId: string): Promise<Report> {
  await api('POST', PATH, { collectionId });
  const progress = new Progress(100);
  const read = async (more: Readonly<Record<string, string>> = {}) =>
    (await api('GET', `${PATH}?${new URLSearchParams({ collectionId, ...more })}`)) as Report;
  let report = await read();
  while (report.state === 'waiting' || report.state === 'running') {
    progress.update(Math.round(100 * report.progress), 'percent');
    await delay(POLL_MS);
    report = await read();
  }
  progress.end();
  if (report.state !== 'done') {
    throw new ExitError(
      EXIT.failure,
      `The examination of ${collectionId} failed: the collection was reset, or the log of the service has an error.`,
    );
  }
  const findings = [...report.findings];
  for (let cursor = report.nextCursor; cursor !== null; ) {
    const page = await read({ cursor });
    findings.push(...page.findings);
    cursor = page.nextCursor;
  }
  return { ...report, findings };
}

function shown({ findings, applied }: Report): string {
  const lines = findings.map(({ findingId, kind, state, proposal, groups, ...more }) => [
    findingId,
    kind,
    state === 'dismissed' ? state : (proposal ?? ''),
    measureOf(more),
    groups.slice(0, SHOWN).map(groupText).join('; ') + (groups.length > SHOWN ? '; ...' : ''),
  ]);
  const undoable = applied.map(({ findingId, kind, undoUntil }) => [
    findingId,
    kind,
    'applied',
    '',
    `undo until ${undoUntil}`,
  ]);
  return columns([...lines, ...undoable]);
}

function measureOf({
  similarity,
  falseAlarms,
  quality,
}: Pick<Finding, 'similarity' | 'falseAlarms' | 'quality'>): string {
  if (quality) return `quality ${quality.score} ${quality.reasons.join(' ')}`.trimEnd();
  const alarms = falseAlarms === null ? '' : `, ${Math.round(100 * falseAlarms)} % false alarms`;
  return `similarity ${similarity}${alarms}`;
}

function groupText({ externalKey, newExternalKey, faceCount, faceIds }: Group): string {
  const name = externalKey ?? faceIds[0] ?? '';
  const target = newExternalKey === null || newExternalKey === externalKey ? '' : ` -> ${newExternalKey}`;
  return `${name} (${faceCount})${target}`;
}
