import { VisageError } from '../errors.ts';
import type { Executor } from '../native/executor.ts';
import {
  type Analysis,
  type AnalysisRequest,
  type ImageEncoding,
  loadPipeline,
  type Pipeline,
} from '../native/pipeline.ts';
import { stageTook } from '../ops/stage-times.ts';
import { type DevicePreparation, deviceNetworks } from './graph/device-networks.ts';
import { type Preparation, prepareNetworks } from './graph/prepare.ts';
import type { LivenessScale } from './liveness.ts';
import type { ModelPack } from './model-pack.ts';
import type { SimilarityScale } from './similarity.ts';

/** A model pack at work: pictures to faces and a template, scores to similarity. */
export class Recognizer {
  /** Name and version of the pack, as the store keeps them beside every template. */
  readonly packId: { readonly pack: string; readonly packVersion: string };
  /** Floats of a template. */
  readonly dimension: number;
  readonly similarity: SimilarityScale;
  /** How the pack's liveness is read; undefined where it has no network for it. */
  readonly liveness: LivenessScale | undefined;
  readonly #pipeline: Pipeline;

  /**
   * @param preparation where the pack's networks are made faster once, for the CPU or for another device; without it they
   *   run as they are on the CPU.
   * @throws Error naming the file that does not load and why, or where the pack has no similarity scale.
   */
  static async load(
    pack: ModelPack,
    executor: Executor,
    preparation?: Preparation | DevicePreparation,
  ): Promise<Recognizer> {
    const { similarity } = pack;
    if (!similarity) {
      throw new Error(
        `The model pack ${pack.name} has no similarity scale, so its scores mean nothing yet. ` +
          'Make one with `visagectl models calibrate FOLDER --pack PACK --write`.',
      );
    }
    if (preparation && 'device' in preparation) {
      const networks = await deviceNetworks(pack, executor, preparation);
      return new Recognizer(pack, similarity, await loadPipeline(executor, networks, preparation.device));
    }
    if (preparation) {
      const prepared = await prepareNetworks(pack, executor, preparation);
      try {
        return new Recognizer(pack, similarity, await loadPipeline(executor, prepared));
      } catch (error) {
        // Where the pack itself is at fault, loading it as it is says so and names its own file.
        preparation.log.warn({ err: error }, 'the prepared networks do not load: the originals are used');
      }
    }
    return new Recognizer(pack, similarity, await loadPipeline(executor, pack.pipeline));
  }

  private constructor(pack: ModelPack, similarity: SimilarityScale, pipeline: Pipeline) {
    this.packId = { pack: pack.name, packVersion: pack.version };
    this.dimension = pack.pipeline.embedder.dimension;
    this.similarity = similarity;
    this.liveness = pack.pipeline.liveness;
    this.#pipeline = pipeline;
  }

  /**
   * Every face of a picture and what is asked about them; see `Pipeline.analyze` for errors and for the bytes.
   * @throws VisageError `VALIDATION_FAILED` also where liveness is asked of a pack that has no network for it.
   */
  async analyze(image: Uint8Array, encoding: ImageEncoding, request?: AnalysisRequest): Promise<Analysis> {
    if (request?.liveness && !this.liveness) {
      throw new VisageError(
        'VALIDATION_FAILED',
        `The model pack ${this.packId.pack} cannot tell a live face from a picture of one: it has no liveness network.`,
      );
    }
    const analysis = await this.#pipeline.analyze(image, encoding, request);
    for (const [stage, ms] of Object.entries(analysis.timings)) if (ms > 0) stageTook(stage, ms);
    return analysis;
  }
}
