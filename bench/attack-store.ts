import { hashSync } from '@node-rs/argon2';
import { createApiKey } from '../src/access/keys/api-keys.ts';
import type { Owner } from '../src/api/caller.ts';
import { uniforms } from '../src/base/random.ts';
import { openSearchSpace, type Row } from '../src/native/gallery-index.ts';
import type { QualityRecord } from '../src/store/records.ts';
import { Store } from '../src/store/store.ts';
import { openModelPack } from '../src/vision/model-pack.ts';
import { DEFAULT_PACK } from './as-served.ts';

const PEOPLE = 1_000;
const COLLECTIONS = 2_000;
const KEYS = 2_000;

const FAMILIES = ['family', 'doomed', 'untied'] as const;

export interface AttackStore {
  readonly email: string;
  readonly password: string;
  readonly key: string;
  readonly limitedKey: string;
}

const uniform = uniforms(1);

function randomDirection(dimension: number): Float32Array {
  const vector = Float32Array.from({ length: dimension }, () => uniform() - 0.5);
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

async function packOf() {
  const { name, version, pipeline, searchSpace } = await openModelPack(DEFAULT_PACK);
  return {
    pack: name,
    packVersion: version,
    space: openSearchSpace(searchSpace ?? pipeline.embedder.dimension),
  };
}

interface Filling {
  readonly keyOf: (i: number) => string;
  /** Different templates; face `i` has template `i` modulo their number. */
  readonly templates?: number;
  readonly quality?: QualityRecord;
}

async function fill(
  store: Store,
  owner: Owner,
  collectionId: string,
  count: number,
  { keyOf, templates = 100, quality }: Filling,
) {
  const { space, ...pack } = await packOf();
  await store.collections.create(owner, { collectionId, description: null, now: Date.now(), ...pack });
  const face = {
    ...{ box: { x: 0, y: 0, width: 1, height: 1 }, confidence: 1, createdAt: Date.now() },
    ...pack,
    ...(quality ? { quality } : {}),
  };
  const rows = Array.from({ length: templates }, () => space.row(randomDirection(space.dimension)));
  for (let from = 0; from < count; from += 1000) {
    const adding = Array.from({ length: Math.min(1000, count - from) }, (_, i) => {
      const key = { externalKey: keyOf(from + i), allowDuplicates: true };
      return store.faces.add(owner, collectionId, face, rows[i % rows.length] as Row, key);
    });
    await Promise.all(adding);
  }
}

export async function makeAttackStore(folder: string, faces: number): Promise<AttackStore> {
  const store = Store.open(folder);
  const { accountId } = store.accounts.first();
  const owner = { accountId, environment: 'live' } as const;
  const credentials = { email: 'owner@example.com', password: 'a password of the bench' };
  await store.members.add(accountId, {
    email: credentials.email,
    name: null,
    username: null,
    role: 'owner',
    passwordHash: hashSync(credentials.password, { memoryCost: 19_456, timeCost: 2, parallelism: 1 }),
    invitation: null,
    createdAt: Date.now(),
  });
  for (const collectionId of FAMILIES) await fill(store, owner, collectionId, faces, { keyOf: () => 'many' });
  await fill(store, owner, 'people', faces, { keyOf: (i) => `person-${i % PEOPLE}` });
  const half = Math.floor(faces / 2);
  await fill(store, owner, 'twins', faces, {
    ...{ keyOf: (i) => `twin-${i}`, templates: half },
    quality: { score: 1, reasons: ['LOW_SHARPNESS'] },
  });
  await fill(store, owner, 'mixed', faces, { keyOf: (i) => `mixed-${i % half}`, templates: faces });
  const { space: _, ...pack } = await packOf();
  for (let i = 0; i < COLLECTIONS; i += 500) {
    const making = Array.from({ length: 500 }, (_, at) =>
      store.collections.create(owner, {
        collectionId: `c-${i + at}`,
        description: null,
        now: Date.now(),
        ...pack,
      }),
    );
    await Promise.all(making);
  }
  const request = { accountId, name: 'bench', environment: 'live', rateLimit: 1_000_000 } as const;
  for (let i = 0; i < KEYS; i += 500) {
    const making = Array.from({ length: 500 }, () => createApiKey(store, request));
    await Promise.all(making);
  }
  const { key } = await createApiKey(store, request);
  const allowedExternalKeys = Array.from({ length: PEOPLE }, (_, i) => `person-${i}`);
  const limited = await createApiKey(store, { ...request, allowedExternalKeys });
  await store.close();
  return { ...credentials, key, limitedKey: limited.key };
}
