import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { Caller } from '../src/api/caller.ts';
import type { Route } from '../src/api/route.ts';
import { FILE } from '../src/api/schema.ts';
import { compile } from '../src/api/validation.ts';
import { EventRecorder } from '../src/events/recorder.ts';
import { EventStreams } from '../src/events/streams.ts';
import { GalleryIndexes } from '../src/gallery/gallery-indexes.ts';
import { startIndexes } from '../src/gallery/load-indexes.ts';
import { SnapshotFolder } from '../src/gallery/snapshot-folder.ts';
import { createExecutor, type Executor } from '../src/native/executor.ts';
import { createLog } from '../src/ops/log.ts';
import { type MigrationAudit, Migrator } from '../src/recognition/migrator.ts';
import { recognitionRoutes } from '../src/recognition/routes.ts';
import { Sightings } from '../src/recognition/sightings.ts';
import type { FacePlace } from '../src/store/records.ts';
import { Store } from '../src/store/store.ts';
import { MODELS_FOLDER, type ModelPack, openModelPack } from '../src/vision/model-pack.ts';
import { Recognizer, Recognizers } from '../src/vision/recognizer.ts';
import { keyCaller } from './key-caller.ts';
import { preparedNetworks } from './prepared-networks.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of many shapes, each validated before.
export type Answer = any;

const ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true });

export class TestService {
  readonly folder: string;
  readonly recognizers: Recognizers;
  /** Milliseconds since 1970: the only thing that is not real. */
  now = Date.UTC(2026, 0, 15, 10, 30, 0, 123);
  store: Store;
  indexes: GalleryIndexes;
  events!: EventRecorder;
  eventStreams!: EventStreams;
  migrator!: Migrator;
  readonly audited: MigrationAudit[] = [];
  readonly log = createLog('silent');
  readonly #executor: Executor;
  #routes = new Map<string, Route>();

  static async open(
    packs: readonly string[] = ['yunet'],
    older: readonly (readonly [string, string])[] = [],
  ): Promise<TestService> {
    const executor = createExecutor({ threads: 2, maxQueue: 256 });
    const preparation = { folder: await preparedNetworks(), log: createLog('silent') };
    const load = async (pack: ModelPack, loaded?: readonly Recognizer[]) =>
      Recognizer.load(
        pack,
        executor,
        pack.folder.startsWith(MODELS_FOLDER) ? preparation : undefined,
        loaded,
      );
    const newest = await Promise.all(packs.map(async (pack) => load(await openModelPack(pack))));
    const former = older.map(async (pack) => load(await openModelPack(...pack), newest));
    return new TestService(executor, new Recognizers(newest, await Promise.all(former)));
  }

  private constructor(executor: Executor, recognizers: Recognizers) {
    this.folder = mkdtempSync(join(tmpdir(), 'visage-test-'));
    this.#executor = executor;
    this.recognizers = recognizers;
    this.store = Store.open(this.folder);
    this.indexes = new GalleryIndexes(executor);
    this.#serve();
  }

  get recognizer(): Recognizer {
    return this.recognizers.default;
  }

  #serve(): void {
    const { store, indexes, recognizers } = this;
    const now = () => this.now;
    const limits = { days: 1, maxEvents: 1_000_000, cropDays: 1 };
    this.events = new EventRecorder(store.events, { now, log: createLog('silent'), limits });
    this.eventStreams = new EventStreams(store.events, this.events);
    const { events, eventStreams } = this;
    const { log } = this;
    const audit = async (entry: MigrationAudit) => void this.audited.push(entry);
    const migration = { store, indexes, recognizers, audit, now, log: createLog('silent') };
    this.migrator = new Migrator(migration);
    this.migrator.start();
    const sightings = new Sightings(migration, this.migrator);
    const parts = { store, indexes, recognizers, events, eventStreams, sightings, now, log };
    const routes = recognitionRoutes(parts);
    this.#routes = new Map(routes.map((route) => [route.operationId, route]));
  }

  async restart(): Promise<void> {
    await this.migrator.close();
    await this.events.close();
    await this.store.close();
    this.store = Store.open(this.folder);
    const snapshots = new SnapshotFolder(join(this.folder, 'snapshots'));
    this.indexes = new GalleryIndexes(this.#executor, snapshots);
    const { store, indexes } = this;
    await startIndexes({
      store,
      indexes,
      snapshots,
      packs: this.recognizers.serving,
      log: createLog('silent'),
    });
    this.#serve();
  }

  async close(): Promise<void> {
    await this.migrator.close();
    await this.events.close();
    await this.store.close();
    await this.#executor.close();
    rmSync(this.folder, { recursive: true });
  }

  caller(limits: Partial<Caller> = {}): Caller {
    const { accountId } = this.store.accounts.first();
    return keyCaller(accountId, limits);
  }

  async call(
    operationId: string,
    parameters: Record<string, unknown>,
    {
      caller = this.caller(),
      image,
      images = image ? { image: [image] } : undefined,
    }: { caller?: Caller; image?: Buffer; images?: Record<string, Buffer[]> | undefined } = {},
  ): Promise<Answer> {
    const route = this.#routes.get(operationId);
    assert.ok(route && route.access.by !== 'anyone', `no route ${operationId}`);
    const schema = route.query ?? route.body ?? {};
    const beside = Object.keys(parameters).filter((name) => route.images?.[name]?.kind === 'entries');
    const own = (isBeside: boolean) =>
      Object.fromEntries(Object.entries(parameters).filter(([name]) => beside.includes(name) === isBeside));
    const input = { ...compile(schema, 'typed')(own(false)), ...own(true) };
    const request = {
      caller,
      requestId: 'test',
      address: '127.0.0.1',
      headers: {},
      reauthorize: () => {},
      params: {},
      query: route.query ? input : {},
      body: route.query ? {} : input,
    };
    assert.equal(images !== undefined, route.images !== undefined);
    const sources = Object.entries(images ?? {}).map(([name, pictures]) => {
      return [name, pictures.map((data) => async () => ({ data, encoding: 'binary' }))];
    });
    const response = await route.handler({ ...request, images: Object.fromEntries(sources) });
    const answer = route.responses[response.status];
    if (answer?.schema === FILE) {
      assert.ok(Buffer.isBuffer(response.body) && answer.contentType, `${operationId}: expected a file`);
      return response.body;
    }
    const validate = ajv.compile(answer?.schema ?? false);
    assert.ok(validate(response.body), `${operationId}: ${ajv.errorsText(validate.errors)}`);
    return response.body;
  }

  async code(...args: Parameters<TestService['call']>): Promise<string> {
    try {
      await this.call(...args);
    } catch (error) {
      return (error as { code?: string }).code ?? String(error);
    }
    return 'succeeded';
  }

  gallery(collectionId: string): FacePlace['gallery'] {
    const collection = this.store.collections.get(this.caller(), collectionId);
    assert.ok(collection);
    return collection.gallery;
  }

  /** Faces of a collection; the store and the index must agree, and the store be sound. */
  faceCount(collectionId: string): number {
    const gallery = this.gallery(collectionId);
    const count = this.store.faces.count(gallery);
    const { current, second } = this.store.faces.rowGalleries(gallery);
    assert.equal(this.indexes.state(current).size, count);
    if (second) assert.equal(this.indexes.state(second.gallery).size, second.faces);
    assert.deepEqual(this.store.check(), []);
    return count;
  }
}
