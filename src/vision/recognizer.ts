import { VisageError } from '../errors.ts';
import type { Executor } from '../native/executor.ts';
import { openSearchSpace, type SearchSpace } from '../native/gallery-index.ts';
import {
  type Analysis,
  type AnalysisRequest,
  type ImageEncoding,
  loadPipeline,
  type Pipeline,
  type Tenant,
} from '../native/pipeline.ts';
import { stageTook } from '../ops/stage-times.ts';
import { type DevicePreparation, deviceNetworks } from './graph/device-networks.ts';
import { type Preparation, prepareNetworks } from './graph/prepare.ts';
import type { LivenessScale } from './liveness.ts';
import { checkPackNames, type ModelPack } from './model-pack.ts';
import type { SimilarityScale } from './similarity.ts';

export class Recognizer {
  readonly packId: { readonly pack: string; readonly packVersion: string };
  readonly dimension: number;
  readonly space: SearchSpace;
  readonly similarity: SimilarityScale;
  /** Undefined without a liveness network. */
  readonly liveness: LivenessScale | undefined;
  readonly hasPose: boolean;
  readonly #pipeline: Pipeline;
  readonly #pipelineKey: string;
  readonly #embedderKey: string;

  /**
   * @param preparation default: unchanged networks on the CPU.
   * @param loaded of the same device; shares a pipeline with equal networks and options.
   * @throws Error that names the bad file, or for a missing similarity scale.
   */
  static async load(
    pack: ModelPack,
    executor: Executor,
    preparation?: Preparation | DevicePreparation,
    loaded: readonly Recognizer[] = [],
  ): Promise<Recognizer> {
    const { similarity } = pack;
    if (!similarity) {
      throw new Error(
        `The model pack ${pack.name} has no similarity scale, so it cannot serve. ` +
          'Create one with `visagectl models calibrate FOLDER --pack PACK --write`.',
      );
    }
    const scales = { similarity, space: spaceOf(pack) };
    const key = pipelineKeyOf(pack);
    const twin = loaded.find((each) => each.#pipelineKey === key);
    if (twin) return new Recognizer(pack, scales, twin.#pipeline);
    if (preparation && 'device' in preparation) {
      const networks = await deviceNetworks(pack, executor, preparation);
      return new Recognizer(pack, scales, await loadPipeline(executor, networks, preparation.device));
    }
    if (preparation) {
      const prepared = await prepareNetworks(pack, executor, preparation);
      try {
        return new Recognizer(pack, scales, await loadPipeline(executor, prepared));
      } catch (error) {
        preparation.log.warn({ err: error }, 'the prepared networks do not load: using the originals');
      }
    }
    return new Recognizer(pack, scales, await loadPipeline(executor, pack.pipeline));
  }

  private constructor(
    pack: ModelPack,
    { similarity, space }: Pick<Recognizer, 'similarity' | 'space'>,
    pipeline: Pipeline,
  ) {
    this.packId = { pack: pack.name, packVersion: pack.version };
    this.dimension = pack.pipeline.embedder.dimension;
    this.space = space;
    this.similarity = similarity;
    this.liveness = pack.pipeline.liveness;
    this.hasPose = pack.pipeline.pose !== undefined;
    this.#pipeline = pipeline;
    this.#pipelineKey = pipelineKeyOf(pack);
    this.#embedderKey = keyOf(pack, pack.pipeline.embedder);
  }

  /** Whether templates of one serve the other. */
  sharesTemplates(other: Recognizer): boolean {
    return this.#embedderKey === other.#embedderKey;
  }

  /** See `Pipeline.analyze`. @throws `VALIDATION_FAILED` for liveness without a network. */
  async analyze(
    image: Uint8Array,
    encoding: ImageEncoding,
    request?: AnalysisRequest,
    tenant?: Tenant,
  ): Promise<Analysis> {
    if (request?.liveness && !this.liveness) {
      throw new VisageError(
        'VALIDATION_FAILED',
        `The model pack ${this.packId.pack} has no liveness network. Use a pack with one, or send the request without liveness.`,
      );
    }
    const analysis = await this.#pipeline.analyze(image, encoding, request, tenant);
    for (const [stage, ms] of Object.entries(analysis.timings)) if (ms > 0) stageTook(stage, ms);
    return analysis;
  }
}

function pipelineKeyOf(pack: ModelPack): string {
  const { liveness, ...stages } = pack.pipeline;
  const judged = liveness?.map((look) => ({ ...look, classes: look.classes.length, threshold: undefined }));
  return keyOf(pack, { ...stages, liveness: judged });
}

function keyOf({ hashes }: ModelPack, options: object): string {
  return JSON.stringify(options, (name, value) => (name === 'file' ? hashes.get(value) : value));
}

function spaceOf({ searchSpace, cohort, pipeline }: ModelPack): SearchSpace {
  return openSearchSpace(searchSpace ?? pipeline.embedder.dimension, cohort ?? undefined);
}

export class Recognizers {
  readonly default: Recognizer;
  readonly #byName: ReadonlyMap<string, Recognizer>;
  readonly #older: readonly Recognizer[];

  /**
   * @param newest one of each pack, the default first.
   * @param older other versions, only for existing collections.
   * @throws Error for an empty list or a repeated name.
   */
  constructor(newest: readonly Recognizer[], older: readonly Recognizer[] = []) {
    const [first] = newest;
    if (!first) throw new Error('Expected at least one model pack, got none. Set model_pack.');
    this.default = first;
    this.#byName = new Map(newest.map((recognizer) => [recognizer.packId.pack, recognizer]));
    this.#older = older;
    checkPackNames(newest.map(({ packId }) => packId.pack));
  }

  get all(): readonly Recognizer[] {
    return [...this.#byName.values()];
  }

  get older(): readonly Recognizer[] {
    return this.#older;
  }

  get serving(): readonly Recognizer[] {
    return [...this.all, ...this.#older];
  }

  get names(): readonly string[] {
    return [...this.#byName.keys()];
  }

  byName(pack: string): Recognizer | null {
    return this.#byName.get(pack) ?? null;
  }

  /** Null unless this version is loaded. */
  of({ pack, packVersion }: Recognizer['packId']): Recognizer | null {
    const isIt = ({ packId }: Recognizer) => packId.pack === pack && packId.packVersion === packVersion;
    return this.serving.find(isIt) ?? null;
  }
}
