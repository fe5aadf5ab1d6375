/**
 * `npm run bench:sizing [faces...]`: memory and disk of a face, time of a start, and processor time of a
 * search.
 */
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { createApiKey } from '../src/access/keys/api-keys.ts';
import { openSearchSpace } from '../src/native/gallery-index.ts';
import { Store } from '../src/store/store.ts';
import { openModelPack } from '../src/vision/model-pack.ts';
import { type Child, ROOT, startChild } from '../testing/service.ts';
import { DEFAULT_PACK } from './as-served.ts';
import { Gallery } from './distinct-people.ts';
import { openPeopleBase } from './people-base.ts';

const PACK = await openModelPack(DEFAULT_PACK);
const SPACE = openSearchSpace(PACK.searchSpace ?? PACK.pipeline.embedder.dimension);
const BASE = await openPeopleBase(undefined);
const DIMENSION = BASE.dimension;
const BATCH = 500;
const SEARCHES = 60;
const CLIENTS = 8;

interface Size {
  readonly faces: number;
  readonly disk: number;
  readonly snapshot: number;
  readonly memory: number;
  readonly index: number;
  readonly reading: number;
  readonly loading: number;
  readonly search: number;
  readonly cpu: number;
}

async function fill(folder: string, faces: number): Promise<string> {
  const store = Store.open(folder);
  const packId = { pack: PACK.name, packVersion: PACK.version };
  const owner = { accountId: store.accounts.first().accountId, environment: 'live' } as const;
  const collection = { collectionId: 'people', description: null, now: Date.now(), ...packId };
  await store.collections.create(owner, collection);
  const people = new Gallery(BASE, { people: faces }, 1);
  for (let done = 0; done < faces; done += BATCH) {
    const face = {
      box: { x: 60, y: 80, width: 120, height: 150 },
      confidence: 0.99,
      quality: { score: 78, reasons: [] },
      isDoubtful: false,
      createdAt: Date.now(),
      ...packId,
    };
    const batch = Array.from({ length: Math.min(BATCH, faces - done) }, (_, i) =>
      store.faces.add(owner, 'people', face, SPACE.row(people.take(done + i, 1))),
    );
    const labels = await Promise.all(batch);
    await Promise.all(
      labels.map(({ faceId }, i) =>
        store.externalKeys.set(owner, 'people', {
          faceId,
          externalKey: `person-${done + i}`,
          allowDuplicates: false,
        }),
      ),
    );
  }
  const { key } = await createApiKey(store, {
    accountId: owner.accountId,
    name: 'bench',
    environment: 'live',
  });
  await store.close();
  return key;
}

async function ownMemory(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

async function metricsOf(child: Child): Promise<(series: string) => number> {
  const url = child.log.find(({ msg }) => msg === 'metrics')?.url;
  const text = await (await fetch(String(url))).text();
  return (series) =>
    Number(
      text
        .split('\n')
        .find((line) => line.startsWith(`${series} `))
        ?.split(' ')
        .at(-1),
    );
}

async function search(child: Child, key: string, clients: number, each: number): Promise<void> {
  const client = async () => {
    for (let i = 0; i < each; i++) {
      const response = await fetch(`${child.url}/v1/face/search?collectionId=people`, {
        method: 'POST',
        headers: { 'X-API-Key': key, 'Content-Type': 'image/jpeg' },
        body: picture,
      });
      if (!response.ok) throw new Error(`A search answered ${response.status}`);
      await response.arrayBuffer();
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
}

async function measure(faces: number): Promise<Size> {
  const folder = await mkdtemp(join(tmpdir(), 'visage-bench-'));
  try {
    const key = await fill(folder, faces);
    const settings = { VISAGE_METRICS_LISTEN: '127.0.0.1:0' };
    const first = await startChild(folder, settings);
    const filled = await metricsOf(first);
    await first.stop();
    const child = await startChild(folder, settings);
    try {
      await search(child, key, CLIENTS, 5);
      const start = await metricsOf(child);
      await search(child, key, CLIENTS, SEARCHES);
      const busy = await metricsOf(child);
      // One at a time, so that nothing waits for a thread.
      await search(child, key, 1, SEARCHES);
      const quiet = await metricsOf(child);
      const added = (series: string, from: typeof start, to: typeof start) => to(series) - from(series);
      const looks = (part: string) =>
        added(`visage_stage_duration_seconds_${part}{stage="search"}`, busy, quiet);
      return {
        faces,
        disk: (await stat(join(folder, 'data.mdb'))).size,
        snapshot: quiet('visage_snapshots_size_bytes'),
        memory: await ownMemory(child.process.pid),
        index: quiet('visage_index_size_bytes'),
        reading: filled('visage_index_start_duration_seconds'),
        loading: quiet('visage_index_start_duration_seconds'),
        search: (1000 * looks('sum')) / looks('count'),
        cpu: (1000 * added('process_cpu_seconds_total', start, busy)) / (CLIENTS * SEARCHES),
      };
    } finally {
      await child.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const MB = 1e6;
const GB = 1e9;
const counts = process.argv.slice(2).map(Number);
const sample = join(ROOT, 'node_modules/@vladmandic/face-api/demo/sample1.jpg');
const picture = await sharp(sample).resize(640, 480).jpeg({ quality: 90 }).toBuffer();
const sizes: Size[] = [];
for (const faces of counts.length > 0 ? counts : [1, 10_000, 50_000]) sizes.push(await measure(faces));

console.log(`machine       ${cpus()[0]?.model}, ${availableParallelism()} cores, Node ${process.version}`);
console.log(
  `model pack    ${PACK.name}, templates of ${DIMENSION} numbers; a search sends a 640 x 480 JPEG\n`,
);
console.log('                                          index filled on start, from');
console.log(
  '     faces    disk MB  memory MB       store s       snapshot s  in the index ms   processor ms a search',
);
for (const { faces, disk, snapshot, memory, reading, loading, search: look, cpu } of sizes) {
  const columns = [
    faces.toLocaleString('en').padStart(10),
    (disk / MB).toFixed(1).padStart(10),
    (memory / MB).toFixed(1).padStart(10),
    reading.toFixed(2).padStart(13),
    (snapshot > 0 ? loading.toFixed(2) : '-').padStart(16),
    look.toFixed(2).padStart(16),
    cpu.toFixed(1).padStart(23),
  ];
  console.log(columns.join(' '));
}

const [least, most] = [sizes[0], sizes.at(-1)];
if (least && most && most.faces > least.faces) {
  const onDisk = (most.disk - least.disk) / (most.faces - least.faces);
  const inIndex = most.index / most.faces;
  console.log(`\na face takes ${onDisk.toFixed(0)} bytes of the store`);
  console.log(`a face takes ${(most.snapshot / most.faces).toFixed(0)} bytes of the snapshot of the index`);
  console.log(`a face takes ${inIndex.toFixed(0)} bytes of memory in the index`);
  console.log(`a core does ${(1000 / least.cpu).toFixed(0)} searches a second in a small collection\n`);
  for (const faces of [1_000_000, 10_000_000]) {
    const disk = ((least.disk + faces * (onDisk + most.snapshot / most.faces)) / GB).toFixed(1);
    const memory = ((least.memory + faces * inIndex) / GB).toFixed(1);
    console.log(
      `${faces.toLocaleString('en').padStart(10)} faces, reckoned: ${disk} GB of disk, ${memory} GB of memory`,
    );
  }
}
