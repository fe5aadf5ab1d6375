import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { json } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { adminSocketPath } from '../src/ops/data-folder.ts';
import { type Answer, Contract } from '../test/e2e/contract.ts';
import { addPreparedNetworks } from './prepared-networks.ts';
import { addSigningKey } from './signing-keys.ts';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const MAIN = join(ROOT, 'dist/src/main.js');
export const VISAGECTL = join(ROOT, 'bin/visagectl');

export function childEnvironment(settings: Record<string, string>): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(VISAGE|NODE_TEST)_/.test(name));
  const state = { XDG_STATE_HOME: join(ROOT, 'build', 'test-state') };
  return { ...Object.fromEntries(own), ...state, ...settings };
}

export async function temporaryFolder(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'visage-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

export interface Child {
  readonly url: string;
  readonly process: ChildProcess;
  readonly log: Record<string, unknown>[];
  stdout(): string;
  stderr(): string;
  stop(): Promise<number | null>;
}

/** @throws Error with the service's output if it ends instead. */
export async function startChild(folder: string, settings: Record<string, string> = {}): Promise<Child> {
  const environment = { VISAGE_DATA_DIR: folder, VISAGE_LISTEN: '127.0.0.1:0', ...settings };
  await addPreparedNetworks(environment.VISAGE_DATA_DIR);
  addSigningKey(environment.VISAGE_DATA_DIR);
  const child = spawn(process.execPath, [MAIN], { env: childEnvironment(environment), cwd: ROOT });
  const log: Record<string, unknown>[] = [];
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  const url = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      const entry = JSON.parse(line) as Record<string, unknown>;
      log.push(entry);
      if (entry.msg === 'listening') resolve(String(entry.url));
    });
    child.once('close', (code) =>
      reject(Object.assign(new Error(`The service ended: ${stderr}`), { code, stderr })),
    );
  });
  return {
    url,
    process: child,
    log,
    stdout: () => stdout,
    stderr: () => stderr,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      const closed = once(child, 'close');
      child.kill('SIGTERM');
      const [code] = (await closed) as [number | null];
      return code;
    },
  };
}

export async function setupCodeOf(child: Child): Promise<string> {
  for (let tries = 0; tries < 500; tries++) {
    const code = child.log.find((line) => line.setupCode)?.setupCode;
    if (typeof code === 'string' && child.stderr().includes(code)) return code;
    await sleep(10);
  }
  throw new Error('No set-up code was told');
}

export async function visagectl(
  args: string[],
  settings: Record<string, string>,
): Promise<{ code: number; stdout: string; stderr: string }> {
  try {
    const options = { env: childEnvironment(settings), cwd: ROOT, maxBuffer: 64 * 2 ** 20 };
    const output = await promisify(execFile)(VISAGECTL, args, options);
    return { code: 0, ...output };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, stdout, stderr };
  }
}

/** Over the admin socket, as visagectl. */
async function newKey(dataFolder: string): Promise<{ id: string; key: string; account_id: string }> {
  const { path, release } = adminSocketPath(dataFolder);
  try {
    const headers = { 'Content-Type': 'application/json' };
    const call = request({ socketPath: path, method: 'POST', path: '/api-keys', headers });
    call.end(JSON.stringify({ name: 'test', environment: 'live' }));
    const [response] = (await once(call, 'response')) as [IncomingMessage];
    const answer = await json(response);
    assert.equal(response.statusCode, 201, JSON.stringify(answer));
    return answer as { id: string; key: string; account_id: string };
  } finally {
    release();
  }
}

export interface Sent {
  readonly json?: unknown;
  readonly body?: NonNullable<RequestInit['body']>;
  readonly headers?: Record<string, string>;
}

export class Client {
  readonly url: string;
  readonly contract: Contract;
  readonly #key: string;

  constructor(url: string, contract: Contract, key: string) {
    this.url = url;
    this.contract = contract;
    this.#key = key;
  }

  async call(method: string, target: string, { json, body, headers }: Sent = {}): Promise<Answer> {
    const isJson = json !== undefined;
    const response = await fetch(this.url + target, {
      method,
      headers: {
        Authorization: `ApiKey ${this.#key}`,
        ...(isJson ? { 'Content-Type': 'application/json' } : {}),
        ...headers,
      },
      ...(isJson ? { body: JSON.stringify(json) } : body === undefined ? {} : { body }),
    });
    return this.contract.check(method, target, response);
  }

  /** A call that must succeed. @returns its body. */
  async ok(method: string, target: string, sent?: Sent): Promise<Answer['body']> {
    const { status, body } = await this.call(method, target, sent);
    assert.equal(status, 200, `${method} ${target}: ${JSON.stringify(body)}`);
    return body;
  }

  /** A call that must be refused with a code. @returns the problem. */
  async refused(code: string, method: string, target: string, sent?: Sent): Promise<Answer['body']> {
    const { body } = await this.call(method, target, sent);
    assert.equal(body.code, code, `${method} ${target}: ${JSON.stringify(body)}`);
    return body;
  }

  at(url: string): Client {
    return new Client(url, this.contract, this.#key);
  }

  withKey(key: string): Client {
    return new Client(this.url, this.contract, key);
  }
}

export interface Service {
  readonly child: Child;
  readonly client: Client;
  readonly folder: string;
  key(...options: string[]): Promise<{ id: string; key: string; account_id: string }>;
  stop(): Promise<void>;
}

export async function startService(settings: Record<string, string> = {}): Promise<Service> {
  const folder = await temporaryFolder();
  const child = await startChild(folder.path, settings);
  const key = async (...options: string[]) => {
    // A start of visagectl costs about 0.4 s of processor time.
    if (options.length === 0) return newKey(folder.path);
    const args = ['keys', 'create', '--name', 'test', '--json', ...options];
    const { code, stdout, stderr } = await visagectl(args, { VISAGE_DATA_DIR: folder.path });
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout) as { id: string; key: string; account_id: string };
  };
  const document = await (await fetch(`${child.url}/openapi.json`)).json();
  const client = new Client(child.url, new Contract(document as never), (await key()).key);
  return {
    child,
    client,
    folder: folder.path,
    key,
    stop: async () => {
      await child.stop();
      await folder.remove();
    },
  };
}
