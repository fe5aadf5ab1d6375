/**
 * `npm run bench:attack -- --part stalls`: how long each hostile request holds the event loop, in processor
 * time of its thread. First calls over galleries of 30,000 faces (6,000 with `--quick`), then every shape of
 * `hostile-shapes.ts` to every route.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request as send } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Route } from '../src/api/route.ts';
import { Health } from '../src/ops/health.ts';
import { routeTable } from '../src/service/app.ts';
import { PERSON_SORTS } from '../src/store/people-table.ts';
import { type Child, ROOT, startChild } from '../testing/service.ts';
import { type AttackStore, makeAttackStore } from './attack-store.ts';
import { type Shape, shapesOf } from './hostile-shapes.ts';
import { report } from './report.ts';
import { stallSettings, stallsOf } from './stalls.ts';

const AIM = 20;

interface Extent {
  readonly rounds: number;
  readonly faces: number;
}

const SETTINGS = `plan = "bench"
address_rate_limit = 1000000
[plans.bench]
keys_per_member = 1000000
max_rate_limit = 1000000
`;

interface Hold {
  readonly name: string;
  readonly status: number | null;
  readonly ms: number;
}

function call(
  url: string,
  method: string,
  credential: string | null,
  body: Shape['body'],
): Promise<number | null> {
  return new Promise((resolve) => {
    const headers = {
      ...(credential === null ? {} : { Authorization: `Bearer ${credential}` }),
      ...(body ? { 'Content-Type': body.type, 'Content-Length': body.data.length } : {}),
    };
    const sending = send(url, { method, headers, agent: false }, (response) => {
      response.resume();
      response.once('close', () => resolve(response.statusCode ?? null));
    });
    sending.once('error', () => resolve(null));
    sending.end(body?.data);
  });
}

function pathOf({ path }: Route): string {
  const kind = path.includes('/members/') ? 'mem' : 'key';
  return path.replaceAll(/\{\w+\}/g, `${kind}_01KF2M7Q8TC5V9XW3E6YB4NZRD`);
}

class Target {
  readonly #child: Child;
  readonly #file: string;
  readonly #store: AttackStore;
  readonly #rounds: number;
  #token = '';

  constructor(child: Child, file: string, store: AttackStore, rounds: number) {
    this.#child = child;
    this.#file = file;
    this.#store = store;
    this.#rounds = rounds;
  }

  async logIn(): Promise<void> {
    const { email, password } = this.#store;
    const response = await fetch(`${this.#child.url}/auth/login`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ email, password }),
    });
    const { data } = (await response.json()) as { data?: { token: string } };
    if (!data) throw new Error(`The log-in answered ${response.status}`);
    this.#token = data.token;
  }

  #credentialOf({ access }: Route): string | null {
    if (access.by === 'anyone') return null;
    return access.by === 'member' ? this.#token : this.#store.key;
  }

  /** @param isOver the work that the request left behind has ended. */
  async holdOfWork(route: Route, shape: Shape, isOver: () => Promise<boolean>): Promise<Hold> {
    const { process } = this.#child;
    await stallsOf(process, this.#file);
    const status = await call(this.#urlOf(route, shape), route.method, this.#store.key, shape.body);
    while (!(await isOver())) await wait(200);
    const [, ms] = await stallsOf(process, this.#file);
    return { name: shape.name, status, ms };
  }

  async read(route: Route, query: string): Promise<Record<string, unknown>> {
    const headers = { Authorization: `Bearer ${this.#store.key}` };
    const response = await fetch(this.#urlOf(route, { query: `?${query}` }), { headers });
    if (!response.ok) throw new Error(`${route.operationId} answered ${response.status}`);
    return (await response.json()) as Record<string, unknown>;
  }

  #urlOf(route: Route, { query }: Pick<Shape, 'query'>): string {
    return `${this.#child.url}${pathOf(route)}${query}`;
  }

  async hold(
    route: Route,
    shape: Shape,
    rounds = this.#rounds,
    credential = this.#credentialOf(route),
  ): Promise<Hold> {
    const url = this.#urlOf(route, shape);
    const { process } = this.#child;
    let ms = Number.POSITIVE_INFINITY;
    let status: number | null = null;
    for (let round = 0; round < rounds; round++) {
      await stallsOf(process, this.#file);
      status = await call(url, route.method, credential, shape.body);
      const [, processor] = await stallsOf(process, this.#file);
      ms = Math.min(ms, processor);
    }
    return { name: shape.name, status, ms };
  }
}

function line(claim: string, { name, status, ms }: Hold, requests: number): void {
  const note = `${name}, ${status ?? 'closed'}; of ${requests} requests`;
  console.log(`  ${claim.padEnd(44)} ${ms.toFixed(1).padStart(7)} ms  ${note}`);
  report({
    claim: `${claim}, longest hold of the event loop`,
    value: ms,
    unit: 'ms',
    aim: `at most ${AIM} ms`,
    note,
  });
}

function worstOf(holds: readonly Hold[]): Hold {
  return holds.reduce((worst, hold) => (hold.ms > worst.ms ? hold : worst));
}

async function shapes(target: Target, routes: readonly Route[]): Promise<Hold[]> {
  console.log('Hostile requests, by route: the one that held the event loop longest');
  const worst: Hold[] = [];
  for (const route of routes) {
    await target.logIn();
    const holds: Hold[] = [];
    for (const shape of shapesOf(route)) holds.push(await target.hold(route, shape));
    worst.push(worstOf(holds));
    line(`${route.method} ${route.path}`, worstOf(holds), holds.length);
  }
  return worst;
}

async function loops(
  target: Target,
  routes: readonly Route[],
  limitedKey: string,
  { rounds: most, faces }: Extent,
): Promise<Hold[]> {
  console.log(`Work over galleries of ${faces.toLocaleString('en')} faces`);
  const photograph = await readFile(join(ROOT, 'node_modules/@vladmandic/face-api/demo/sample1.jpg'));
  const image = { type: 'image/jpeg', data: photograph };
  const of = (operationId: string) => routes.find((route) => route.operationId === operationId) as Route;
  const worst: Hold[] = [];
  const each = async (operation: string, query: string, credential?: string, rounds = most) => {
    const route = of(operation);
    const shape = { name: query, query: `?${query}`, body: route.images ? image : null };
    const hold = await target.hold(route, shape, rounds, credential);
    worst.push(hold);
    line(credential ? `${operation}, 1,000 allowed faces` : operation, hold, rounds);
  };
  for (const collection of ['family', 'people']) {
    const at = `collectionId=${collection}`;
    await each('identifyFace', `${at}&faceMatchThreshold=0&maxResults=100`);
    await each('searchFace', `${at}&faceMatchThreshold=0`);
    await each('listFaces', `${at}&limit=1000`);
  }
  for (const operation of ['identifyFace', 'searchFace']) {
    await each(operation, 'collectionId=people&faceMatchThreshold=0', limitedKey);
  }
  await each('listFaces', 'collectionId=people&limit=1000', limitedKey);
  await each('verifyFace', 'collectionId=family&externalKey=many');
  await each('getFaceIds', 'collectionId=family&externalKey=many&limit=1000');
  for (const sort of PERSON_SORTS) {
    await each('listExternalKeys', `collectionId=twins&limit=1000&sort=${sort}&filter=twin`);
  }
  await each('listEvents', 'limit=1000');
  await each('getAllCollections', 'limit=1000');
  await each('listApiKeys', 'limit=1000');
  await each('listAudit', 'limit=1000');
  await each('listAudit', 'limit=1000&action=nothing');
  await each('getUsage', 'limit=1000');
  await each('getUsage', 'limit=1000&granularity=hour');
  worst.push(...(await examinations(target, of, most)));
  await each('deleteExternalKey', 'collectionId=untied&externalKey=many', undefined, 1);
  await each('deleteFace', 'collectionId=doomed&externalKey=many', undefined, 1);
  await each('resetCollection', 'collectionId=people', undefined, 1);
  await each('deleteCollection', 'collectionId=family', undefined, 1);
  return worst;
}

function json(name: string, value: object): Shape {
  return { name, query: '', body: { type: 'application/json', data: Buffer.from(JSON.stringify(value)) } };
}

/** Examines galleries whose every face is a finding, and reads, applies and undoes the findings. */
async function examinations(
  target: Target,
  of: (operationId: string) => Route,
  rounds: number,
): Promise<Hold[]> {
  const worst: Hold[] = [];
  const note = (claim: string, hold: Hold, requests: number) => {
    worst.push(hold);
    line(claim, hold, requests);
  };
  for (const collectionId of ['family', 'people', 'twins', 'mixed']) {
    const at = `collectionId=${collectionId}`;
    const isOver = async () => (await target.read(of('getExamination'), `${at}&limit=1`)).state === 'done';
    const shape = json(collectionId, { collectionId });
    note('startExamination', await target.holdOfWork(of('startExamination'), shape, isOver), 1);
    const shown = { name: at, query: `?${at}&limit=1000`, body: null };
    note('getExamination', await target.hold(of('getExamination'), shown, rounds), rounds);
  }
  for (const operation of ['applyProposal', 'undoProposal']) {
    const holds: Hold[] = [];
    for (const kind of ['mixed', 'duplicate', 'low-quality']) {
      const collectionId = kind === 'mixed' ? 'mixed' : 'twins';
      const query = `collectionId=${collectionId}&kind=${kind}&limit=10`;
      const { findings } = await target.read(of('getExamination'), query);
      for (const { findingId } of findings as { findingId: string }[]) {
        holds.push(await target.hold(of(operation), json(kind, { collectionId, findingId }), 1));
      }
    }
    note(operation, worstOf(holds), holds.length);
  }
  return worst;
}

/** @param parts of paths: measures only their routes. */
export async function measureStalls(isQuick: boolean, parts?: readonly string[]): Promise<void> {
  const extent = isQuick ? { rounds: 1, faces: 6_000 } : { rounds: 3, faces: 30_000 };
  const folder = await mkdtemp(join(tmpdir(), 'visage-bench-'));
  const file = join(folder, 'stall');
  await writeFile(join(folder, 'visage.toml'), SETTINGS);
  console.error('filling the store ...');
  const store = await makeAttackStore(join(folder, 'data'), extent.faces);
  const child = await startChild(join(folder, 'data'), {
    VISAGE_CONFIG: join(folder, 'visage.toml'),
    VISAGE_LOG_LEVEL: 'info',
    ...stallSettings(file),
  });
  try {
    const services = { health: new Health(), identity: {}, access: {} };
    const routes = routeTable(services as Parameters<typeof routeTable>[0]);
    const chosen = routes.filter(({ path }) => parts?.some((part) => path.includes(part)) ?? true);
    const target = new Target(child, file, store, extent.rounds);
    await target.logIn();
    const holds = parts ? [] : await loops(target, routes, store.limitedKey, extent);
    holds.push(...(await shapes(target, chosen)));
    const over = holds.filter(({ ms }) => ms > AIM);
    console.log(
      `\nLongest hold ${worstOf(holds).ms.toFixed(1)} ms; ${over.length} of ${holds.length} lines over ${AIM} ms`,
    );
  } finally {
    await child.stop();
    await rm(folder, { recursive: true, force: true });
  }
}
