import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Database, open } from 'lmdb';
import type { Command, Option } from '../../src/cli/command.ts';
import { loadCommands } from '../../src/cli/commands.ts';
import { createLog } from '../../src/ops/log.ts';
import { openDatabases } from '../../src/store/databases.ts';
import { Store } from '../../src/store/store.ts';
import { attack, isFull, type Tally } from '../../testing/attack.ts';
import { childEnvironment, MAIN, temporaryFolder, VISAGECTL, visagectl } from '../../testing/service.ts';

const RUNNER = fileURLToPath(new URL('every-command.js', import.meta.url));

const SEQUENCES = [
  '\x1b]0;owned\x07\x1b[2J\x1b[31m',
  '\x9b2J\x9d0;owned\x9c\x90\x98',
  '\x00\x08\x08\x0b\x0c\x0e\x7f\t',
  'real\r\nFORGED row',
  '\u202eexe.gnp\u202c \u2066x\u2069 \u061c\u200e',
  'a\u200bd\u2060m\u00adi\ufeffn\u034f\u3164',
  'one\u2028FORGED\u2029FORGED\u0085FORGED',
  `z${'\u0300\u0489'.repeat(40)}`,
  '\u{e0001}\u{e0041}\u{e0100}\ufff9\u180e',
];
const ALL = SEQUENCES.join('|');
const payloads = isFull ? [...SEQUENCES, ALL] : [ALL];

/** With all sequences at once, the full form tries every option and place; with each alone, what each command needs. */
function isThorough(hostile: string): boolean {
  return isFull && hostile === ALL;
}

/** Written out here, so that a mistake in the program's own list is seen. */
function isSteering(character: string): boolean {
  const code = character.codePointAt(0) as number;
  return (
    (code < 0x20 && code !== 0x0a) ||
    (code >= 0x7f && code <= 0x9f) ||
    [0xad, 0x34f, 0x61c, 0x180e, 0x3164, 0xfeff].includes(code) ||
    (code >= 0x200b && code <= 0x200f) ||
    (code >= 0x2028 && code <= 0x202e) ||
    (code >= 0x2060 && code <= 0x206f) ||
    (code >= 0xd800 && code <= 0xdfff) ||
    (code >= 0xfff9 && code <= 0xfffb) ||
    (code >= 0xe0000 && code <= 0xe0fff)
  );
}

/** Null for harmless output. */
function harmIn(output: string): string | null {
  const found = Array.from(output).find(isSteering);
  if (found !== undefined) return `writes U+${found.codePointAt(0)?.toString(16)}`;
  if (/^\s*FORGED/m.test(output)) return 'lets a value begin a line';
  return /\p{M}{9}/u.test(output) ? 'writes a flood of combining marks' : null;
}

function wordFor({ choices }: { readonly choices?: readonly string[] }, hostile: string): string {
  return choices?.[0] ?? hostile;
}

function linesOf(
  { name, operands, options }: Command,
  hostile: string,
  data: string,
  isWhole: boolean,
): string[][] {
  const own = Object.entries(options).filter(
    ([option]) => !['data-dir', 'config', 'password-stdin'].includes(option),
  );
  const given = ([option, spec]: [string, Option]) =>
    spec.type === 'boolean' ? [`--${option}`] : [`--${option}`, wordFor(spec, hostile)];
  const words = operands.map((operand) => wordFor(operand, hostile));
  const to = 'data-dir' in options ? ['--data-dir', data] : [];
  const required = own.filter(([, spec]) => spec.required);
  const json = 'json' in options ? [['--json']] : [];
  const [plain, ...others] = [
    [...required.flatMap(given)],
    [...own.filter(([option]) => option !== 'json').flatMap(given)],
    ...json.map((flag) => [...required.flatMap(given), ...flag]),
  ] as [string[], ...string[][]];
  return [plain, ...(isWhole ? others : [])].map((args) => [
    ...name.split(' '),
    ...args.map(withoutZero),
    ...to,
    '--',
    ...words.map(withoutZero),
  ]);
}

function withoutZero(argument: string): string {
  return argument.replaceAll('\0', '');
}

async function outputsOf(lines: readonly string[][], cwd: string): Promise<string[]> {
  const child = spawn(process.execPath, [RUNNER], { env: childEnvironment({}), cwd });
  const ended = once(child, 'close');
  child.stdin.end(JSON.stringify(lines));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  await ended;
  const [out, err] = [stdout.split('<end>\n'), stderr.split('<end>\n')];
  assert.equal(out.length, lines.length + 1, stderr);
  return lines.map((_, at) => `${out[at]}\n${err[at]}`);
}

async function hostileStore(folder: string, hostile: string): Promise<void> {
  const settings = { VISAGE_DATA_DIR: folder };
  for (const args of [
    ['keys', 'create', '--create', '--name', 'a'],
    ['members', 'create', '--email', 'a@example.com', '--name', 'A'],
  ]) {
    const { code, stderr } = await visagectl(args, settings);
    assert.equal(code, 0, stderr);
  }
  const store = Store.open(folder);
  const owner = { accountId: store.accounts.first().accountId, environment: 'live' } as const;
  const pack = { pack: 'p', packVersion: '1' };
  await store.collections.create(owner, { collectionId: hostile, description: 'd', now: 1, ...pack });
  await store.close();
  const root = open(folder, { noSubdir: false, maxDbs: 64 });
  const names = [
    'name',
    'email',
    'description',
    'pack',
    'packVersion',
    'action',
    'target',
    'prefix',
    'requestId',
  ];
  const { apiKeys, members, collections, audit } = openDatabases(root);
  for (const database of [apiKeys, members, collections, audit] as unknown as Database<object, string>[]) {
    for (const { key, value } of Array.from(database.getRange())) {
      const record: Record<string, unknown> = { ...value };
      for (const name of names) if (name in record) record[name] = hostile;
      await database.put(key, record);
    }
  }
  await root.close();
}

async function hostileService(folder: string, hostile: string, status: number) {
  const record = {
    ...Object.fromEntries(
      [
        'id',
        'name',
        'email',
        'role',
        'status',
        'key',
        'key_prefix',
        'created_at',
        'collection_id',
        'account_id',
        'kid',
      ]
        .concat([
          'previous_verifies_until',
          'password',
          'device',
          'version',
          'faceId',
          'configFile',
          'detail',
        ])
        .map((field) => [field, hostile]),
    ),
    code: 'VALIDATION_FAILED',
  };
  const listeners = [{ name: hostile, address: hostile, from: hostile, url: hostile }];
  const more = { keys: [record], members: [record], changed: [hostile], needRestart: [hostile], listeners };
  const server = createServer((_, response) => {
    response.writeHead(status, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify({ ...record, ...more, settings: record }));
  });
  server.listen(join(folder, 'admin.sock'));
  await once(server, 'listening');
  return server;
}

function tallyAll(tally: Tally, lines: readonly string[][], outputs: readonly string[]): void {
  lines.forEach((args, at) => {
    const harm = harmIn(outputs[at] as string);
    tally.attempt(`visagectl ${JSON.stringify(args.slice(0, 3))} ${harm}`, harm !== null);
  });
}

describe("Root's terminal", () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  before(async () => {
    folder = await temporaryFolder();
  });
  after(() => folder.remove());

  attack('is not steered by what the store holds, whichever command shows it', async (tally) => {
    for (const [index, hostile] of payloads.entries()) {
      const stored = join(folder.path, `stored-${index}`);
      await hostileStore(stored, hostile);
      const lines = (await loadCommands()).flatMap((command) =>
        linesOf(command, hostile, 'its own', isThorough(hostile) || (!isFull && 'json' in command.options)),
      );
      // A process locks a data folder once, so each command line gets a separate store.
      const own = lines.map((args, at) => {
        const data = join(folder.path, `data-${index}-line-${at}`);
        cpSync(join(stored, 'data.mdb'), join(data, 'data.mdb'), { recursive: true });
        const place = args.indexOf('--data-dir');
        return place < 0 ? args : args.with(place + 1, data);
      });
      tallyAll(tally, own, await outputsOf(own, folder.path));
    }
  });

  attack('is not steered by a backup that somebody brings', async (tally) => {
    for (const [index, hostile] of payloads.entries()) {
      const [data, key] = [join(folder.path, `backed-up-${index}`), join(folder.path, `key-${index}`)];
      const settings = { VISAGE_DATA_DIR: data, VISAGE_BACKUP_KEY: key };
      await hostileStore(data, hostile);
      const made = await visagectl(['backup', '--to', `${data}-backups`], settings);
      const [name = ''] = readdirSync(`${data}-backups`).filter((each) => each.startsWith('visage-'));
      const backup = join(`${data}-backups`, name);
      const manifest = JSON.parse(readFileSync(join(backup, 'manifest.json'), 'utf8'));
      const outputs = [made];
      const strings = Object.keys(manifest).filter((field) => typeof manifest[field] === 'string');
      for (const fields of [
        [],
        strings,
        ...(isThorough(hostile) ? Object.keys(manifest).map((field) => [field]) : []),
      ]) {
        const changed = { ...manifest, ...Object.fromEntries(fields.map((field) => [field, hostile])) };
        writeFileSync(join(backup, 'manifest.json'), JSON.stringify(changed));
        for (const args of [['verify'], ['verify', '--json'], ['restore', '--replace', '--accept-faults']]) {
          outputs.push(await visagectl([...args, backup, '--unauthenticated'], settings));
        }
      }
      for (const { stdout, stderr } of outputs) {
        const harm = harmIn(stdout + stderr);
        tally.attempt(`a backup ${harm}`, harm !== null);
      }
    }
  });

  for (const status of isFull ? [200, 400, 503] : [200, 400]) {
    attack(`is not steered by a service that answers ${status} with hostile words`, async (tally) => {
      for (const [index, hostile] of payloads.entries()) {
        const data = join(folder.path, `service-${status}-${index}`);
        mkdirSync(data);
        const server = await hostileService(data, hostile, status);
        const lines = (await loadCommands()).flatMap((command) =>
          linesOf(command, hostile, data, isThorough(hostile)),
        );
        tallyAll(tally, lines, await outputsOf(lines, folder.path));
        server.close();
        server.closeAllConnections();
      }
    });
  }

  attack('is not steered by names of files, of settings and of variables', async (tally) => {
    for (const [index, raw] of payloads.entries()) {
      const isWhole = isThorough(raw);
      const hostile = withoutZero(raw).replaceAll('/', '').slice(0, 80);
      const people = join(folder.path, `people-${index}`);
      mkdirSync(join(people, hostile), { recursive: true });
      writeFileSync(join(people, hostile, `${hostile.slice(0, 20)}.jpg`), 'not an image');
      writeFileSync(join(people, `${hostile.slice(0, 20)}.heic`), 'not an image');
      const config = join(folder.path, `config-${index}.toml`);
      const bad = [
        `listen = ${JSON.stringify(hostile)}`,
        `${JSON.stringify(hostile)} = 1`,
        `model_pack = ${JSON.stringify(hostile)}`,
        `plan = ${JSON.stringify(hostile)}`,
        `= ${hostile}`,
      ];
      const lines: string[][] = [];
      for (const [at, toml] of bad.entries()) {
        const file = `${config}.${at}`;
        writeFileSync(file, toml);
        const commands = ['config check', ...(isWhole ? ['doctor', 'status', 'models list'] : [])];
        for (const command of commands) lines.push([...command.split(' '), '--config', file]);
      }
      lines.push(['import', people, '--collection', hostile]);
      lines.push([hostile], ['keys', hostile], ['keys', 'list', `--${hostile}`], ['help', hostile]);
      lines.push(
        ['keys', 'create', '--name', 'a', '--environment', hostile],
        ['members', 'role', 'a', hostile],
      );
      const variables = { [`VISAGE_${hostile}`]: '1', VISAGE_LISTEN: hostile, VISAGE_CONFIG: `/${hostile}` };
      for (const [variable, value] of Object.entries(variables)) {
        const env = childEnvironment({ [variable]: value });
        for (const program of [
          [MAIN],
          ...(isWhole
            ? [
                [MAIN, hostile],
                [VISAGECTL, 'status'],
              ]
            : []),
        ]) {
          const { stdout, stderr } = spawnSync(process.execPath, program, {
            env,
            cwd: folder.path,
            encoding: 'utf8',
          });
          const harm = harmIn(stdout + stderr);
          tally.attempt(`the variable ${JSON.stringify(variable)} ${harm}`, harm !== null);
        }
      }
      tallyAll(tally, lines, await outputsOf(lines, folder.path));
    }
  });

  attack('is not steered by the log', async (tally) => {
    for (const hostile of payloads) {
      const lines: string[] = [];
      const log = createLog('trace', { write: (line) => lines.push(line) });
      log.info({ [hostile]: hostile, list: [hostile] }, hostile);
      log.error({ err: new Error(hostile) }, hostile);
      const { journalLine } = await import('../../src/ops/journal.ts');
      const { terminalLine } = await import('../../src/ops/terminal-line.ts');
      for (const json of lines) {
        for (const shown of [journalLine(json), terminalLine(json, false)]) {
          const harm = harmIn(shown);
          tally.attempt(`a line of the log ${harm}`, harm !== null);
        }
      }
    }
  });
});
