import { setTimeout as sleep } from 'node:timers/promises';
import type { LeftFace, MigrationView } from '../api/migrations.ts';
import { EXIT, ExitError, usageError } from '../ops/exit-codes.ts';
import { type AdminCall, ask } from './admin-access.ts';
import { columns, command, DATA_OPTIONS, JSON_OPTION, print } from './command.ts';
import { Progress } from './progress.ts';

const POLL_MS = 500;
const STILL_MS = 5_000;
const NAMED_LEFT = 20;

type Action = 'start' | 'pause' | 'rollback' | 'finish' | 'remove-sighting';

export const modelsMigrate = command({
  name: 'models migrate',
  summary: 'Move collections to another version of their model pack without new images.',
  details: [
    'Each face gets a row of the new version beside its old one: from the stored row if both versions embed alike, else from ' +
      'its kept thumbnail. Meanwhile the collection answers by the old version, scores included. When every face has moved, ' +
      'it switches in one transaction. New faces get both rows.',
    '--sightings: faces without a thumbnail move when people are seen. A live image of quality 50 that matches at similarity ' +
      '95, in a search by a caller who may add faces, gives a provisional row. A second such image confirms it.',
    'Without --status, --pause, --rollback, --finish and --undo, start or resume, and wait until no more faces can move. ' +
      'Interrupting the command does not stop the migration. After the switch, the old rows stay until --finish, so that ' +
      '--rollback can return to them.',
  ],
  examples: [
    'models migrate staff',
    'models migrate --all --status',
    'models migrate guests --to yunet --sightings',
    'models migrate guests --finish --delete-left',
  ],
  operands: [{ name: 'COLLECTION', about: "The collection's id.", optional: true }],
  options: {
    all: { type: 'boolean', about: 'Move every collection that can move, instead of one.' },
    to: { type: 'string', value: 'PACK', about: "Move to this loaded pack. Default: the collection's own." },
    sightings: { type: 'boolean', about: 'Let searches move faces without a thumbnail.' },
    status: { type: 'boolean', about: 'Only print the state, and who is left.' },
    pause: { type: 'boolean', about: 'Pause; start again without this option.' },
    rollback: { type: 'boolean', about: 'Return to the old version.' },
    finish: {
      type: 'boolean',
      about: 'After the switch, delete the old rows. Before it, switch without the faces that are left.',
    },
    'delete-left': { type: 'boolean', about: 'With --finish, delete the faces that are left.' },
    undo: { type: 'string', value: 'FACE', about: 'Remove the rows that sightings added to this face.' },
    account: { type: 'string', value: 'ID', about: 'Choose the account, if several have the collection.' },
    environment: { type: 'string', choices: ['live', 'test'], about: 'Choose the environment.' },
    ...JSON_OPTION,
    ...DATA_OPTIONS,
  },
  async run(values, [collectionId]) {
    if ((collectionId === undefined) !== values.all) throw usageError('Name a collection, or set --all.');
    const actions = ['status', 'pause', 'rollback', 'finish'] as const;
    const chosen = actions.filter((name) => values[name]);
    if (chosen.length + (values.undo === undefined ? 0 : 1) > 1) {
      throw usageError('Set at most one of --status, --pause, --rollback, --finish and --undo.');
    }
    const reports = await ask(values, async (call) => {
      const found = await chosenOf(call, { ...values, collectionId });
      const act = (view: MigrationView, action: Action, more: object = {}) =>
        call('POST', '/migrations', { ...placeOf(view), action, ...more }) as Promise<MigrationView>;
      const [action] = chosen;
      const after: MigrationView[] = [];
      for (const view of found) {
        if (values.undo !== undefined)
          after.push(await act(view, 'remove-sighting', { faceId: values.undo }));
        else if (action === 'status') after.push(view);
        else if (action !== undefined)
          after.push(await act(view, action, { deleteLeft: values['delete-left'] }));
        else {
          const { to, sightings } = values;
          const started = await act(view, 'start', { sightings, ...(to === undefined ? {} : { to }) });
          after.push(await followed(call, started, values.json));
        }
      }
      return Promise.all(after.map(async (view) => ({ ...view, left: await leftOf(call, view) })));
    });
    print({ migrations: reports }, values.json, () => reports.map(reportOf).join('\n'));
  },
});

type Report = MigrationView & { readonly left: readonly LeftFace[] };

function placeOf({ accountId, environment, collectionId }: MigrationView) {
  return { accountId, environment, collectionId };
}

function isAt(view: MigrationView, { accountId, environment, collectionId }: MigrationView): boolean {
  return (
    view.accountId === accountId && view.environment === environment && view.collectionId === collectionId
  );
}

async function viewsOf(call: AdminCall): Promise<readonly MigrationView[]> {
  const { migrations } = (await call('GET', '/migrations')) as { migrations: MigrationView[] };
  return migrations;
}

async function chosenOf(
  call: AdminCall,
  choice: {
    readonly collectionId: string | undefined;
    readonly account: string | undefined;
    readonly environment: 'live' | 'test' | undefined;
    readonly to: string | undefined;
    readonly status: boolean;
    readonly pause: boolean;
    readonly rollback: boolean;
    readonly finish: boolean;
  },
): Promise<readonly MigrationView[]> {
  const { collectionId, account, environment, to } = choice;
  const found = (await viewsOf(call)).filter(
    (view) =>
      (account === undefined || view.accountId === account) &&
      (environment === undefined || view.environment === environment) &&
      (collectionId === undefined || view.collectionId === collectionId),
  );
  if (collectionId === undefined) {
    if (choice.status) return found;
    if (choice.pause) return found.filter(({ state }) => state === 'moving');
    if (choice.finish) return found.filter(({ state }) => state === 'moved');
    if (choice.rollback) return found.filter(({ state }) => state !== 'none');
    return found.filter(({ state, from, to: newest }) => {
      if (state !== 'none') return state !== 'moved';
      return to === undefined ? newest !== null : from.model !== to || newest !== null;
    });
  }
  if (found.length === 1) return found;
  const places = found.map((view) => `${view.accountId} ${view.environment}`).join(', ');
  throw new ExitError(
    EXIT.data,
    found.length === 0
      ? `The collection "${collectionId}" does not exist. Run \`visagectl collections list\` to see all collections.`
      : `Several collections have the id "${collectionId}": ${places}. Choose one with --account and --environment.`,
  );
}

async function followed(call: AdminCall, started: MigrationView, isQuiet: boolean): Promise<MigrationView> {
  const progress = new Progress(started.faces);
  let view = started;
  let movedAt = performance.now();
  while (view.state === 'moving' && performance.now() - movedAt < STILL_MS) {
    await sleep(POLL_MS);
    const next = (await viewsOf(call)).find((each) => isAt(each, started));
    if (!next)
      throw new ExitError(EXIT.data, `The collection ${started.collectionId} was deleted meanwhile.`);
    if (next.moved !== view.moved) movedAt = performance.now();
    view = next;
    if (!isQuiet && view.state === 'moving') progress.update(view.moved, started.collectionId);
  }
  if (!isQuiet) progress.end();
  return view;
}

async function leftOf(call: AdminCall, view: MigrationView): Promise<readonly LeftFace[]> {
  if (view.state !== 'moving' && view.state !== 'paused') return [];
  const query = new URLSearchParams(placeOf(view));
  const { faces } = (await call('GET', `/migrations/left?${query}`)) as { faces: LeftFace[] };
  return faces;
}

function reportOf(report: Report): string {
  const { collectionId, from, to, state, faces, moved, left } = report;
  const old = `${from.model} ${from.version}`;
  const other = to ? `${to.model} ${to.version}` : '';
  const says = {
    none: to ? `answers by ${old}; ${other} is available` : `answers by ${old}, the newest version`,
    moving: `answers by ${old}; ${moved} of ${faces} faces have moved to ${other}`,
    paused: `answers by ${old}; paused with ${moved} of ${faces} faces moved to ${other}`,
    moved: `answers by ${old}; the rows of ${other} are kept until --finish`,
  }[state];
  const named = left
    .slice(0, NAMED_LEFT)
    .map(({ faceId, externalKey, hasThumbnail, isProvisional }) => [
      '  left:',
      externalKey ?? '(no external key)',
      faceId,
      isProvisional ? 'seen once' : hasThumbnail ? 'no face found in its thumbnail' : 'no thumbnail',
    ]);
  const more = left.length > NAMED_LEFT ? `  and ${left.length - NAMED_LEFT} more; --json lists all\n` : '';
  return columns([[collectionId, says]]) + columns(named) + more;
}
