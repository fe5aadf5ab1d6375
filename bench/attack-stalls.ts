/**
 * `npm run bench:attack -- --part stalls`: how long each hostile request holds the event loop, in processor
 * time of its thread. First calls over galleries of 30,000 faces (6,000 with `--quick`), then every shape of
 * `hostile-shapes.ts` to every route. Changes of whole galleries run once.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request as send } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Route } from '../src/api/route.ts';
import { Health } from '../src/ops/health.ts';
import { routeTable } from '../src/service/app.ts';
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

  async hold(
    route: Route,
    shape: Shape,
    rounds = this.#rounds,
    credential = this.#credentialOf(route),
  ): Promise<Hold> {
    const url = `${this.#child.url}${pathOf(route)}${shape.query}`;
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
  await each('getAllCollections', 'limit=1000');
  await each('listApiKeys', 'limit=1000');
  await each('listAudit', 'limit=1000');
  await each('listAudit', 'limit=1000&action=nothing');
  await each('getUsage', 'limit=1000');
  await each('getUsage', 'limit=1000&granularity=hour');
  await each('deleteExternalKey', 'collectionId=untied&externalKey=many', undefined, 1);
  await each('deleteFace', 'collectionId=doomed&externalKey=many', undefined, 1);
  await each('resetCollection', 'collectionId=people', undefined, 1);
  await each('deleteCollection', 'collectionId=family', undefined, 1);
  return worst;
}

export async function measureStalls(isQuick: boolean): Promise<void> {
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
    const target = new Target(child, file, store, extent.rounds);
    await target.logIn();
    const holds = await loops(target, routes, store.limitedKey, extent);
    holds.push(...(await shapes(target, routes)));
    const over = holds.filter(({ ms }) => ms > AIM);
    console.log(
      `\nLongest hold ${worstOf(holds).ms.toFixed(1)} ms; ${over.length} of ${holds.length} lines over ${AIM} ms`,
    );
  } finally {
    await child.stop();
    await rm(folder, { recursive: true, force: true });
  }
}
