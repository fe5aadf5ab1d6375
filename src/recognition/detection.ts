import type { Caller } from '../api/caller.ts';
import type { ImageInput } from '../api/route.ts';
import { VisageError } from '../errors.ts';
import { type LivenessVerdict, livenessOf } from '../vision/liveness.ts';
import type { Recognizer } from '../vision/recognizer.ts';
import { recorded } from './call-event.ts';
import { analyzeFor, type VisibleFace, visibleFace } from './face-analysis.ts';
import { chooseModel } from './model-choice.ts';
import type { DetectRequest, ImageRequest, RecognitionParts } from './requests.ts';

interface DetectAnswer {
  readonly faces: readonly VisibleFace[];
  readonly hasFace: boolean;
  readonly unprocessedFaceCount: number;
}

interface LivenessAnswer {
  readonly isLive: boolean;
  /** 0.5..1; null without a face. */
  readonly confidence: number | null;
  readonly spoofType: LivenessVerdict['spoofType'];
  readonly face: VisibleFace | null;
  readonly hasFace: boolean;
}

export class DetectionService {
  readonly #parts: RecognitionParts;

  constructor(parts: RecognitionParts) {
    this.#parts = parts;
  }

  /** @throws as `chooseModel` and `Recognizer.analyze`. */
  async detect(
    caller: Caller,
    image: ImageInput,
    { model, attributes, maxFaces, minFaceSize }: DetectRequest,
  ): Promise<DetectAnswer> {
    const recognizer = chooseModel(this.#parts.recognizers, caller, model);
    const isDescribed = attributes === 'all';
    const analysis = await analyzeFor(caller, recognizer, image, {
      described: isDescribed ? maxFaces : 0,
      template: false,
      attributes: isDescribed,
      minFaceSize,
    });
    const count = analysis.faces.length;
    const shown = Math.min(count, maxFaces);
    return {
      faces: Array.from({ length: shown }, (_, i) => visibleFace(analysis, i, isDescribed)),
      hasFace: count > 0,
      unprocessedFaceCount: count - shown,
    };
  }

  /**
   * Skips images without a face.
   * @param images at least one, of one person.
   * @throws as `detect`; with several images, the error names the image.
   */
  async liveness(
    caller: Caller,
    images: readonly ImageInput[],
    request: ImageRequest,
  ): Promise<LivenessAnswer> {
    const recognizer = chooseModel(this.#parts.recognizers, caller, request.model);
    const facts = {
      type: 'liveness',
      operation: 'checkLiveness',
      collection: null,
      source: request.source,
    } as const;
    return recorded(this.#parts, caller, facts, async (event) => {
      const frames = await Promise.all(
        images.map((image, i) =>
          analyzeFrame(caller, recognizer, image, request).catch((error) =>
            Promise.reject(images.length > 1 ? ofFrame(error, i) : error),
          ),
        ),
      );
      const seen = frames.filter((frame) => frame !== null);
      const [first] = seen;
      if (!first || !recognizer.liveness) {
        event.end({ result: 'no_face' });
        return { isLive: false, confidence: null, spoofType: null, face: null, hasFace: false };
      }
      const verdict = livenessOf(
        seen.map(({ probabilities }) => probabilities),
        recognizer.liveness,
      );
      event.end({ result: verdict.isLive ? 'live' : 'not_live', box: first.face.boundingBox });
      return { ...verdict, face: first.face, hasFace: true };
    });
  }
}

async function analyzeFrame(
  caller: Caller,
  recognizer: Recognizer,
  image: ImageInput,
  { attributes, minFaceSize }: ImageRequest,
) {
  const isDescribed = attributes === 'all';
  const analysis = await analyzeFor(caller, recognizer, image, {
    template: false,
    liveness: true,
    attributes: isDescribed,
    minFaceSize,
    largestOnly: minFaceSize === undefined,
  });
  const { liveness: probabilities } = analysis;
  return probabilities && { face: visibleFace(analysis, 0, isDescribed), probabilities };
}

function ofFrame(error: unknown, index: number): unknown {
  if (!(error instanceof VisageError)) return error;
  return new VisageError(error.code, error.message, [{ path: `/images/${index}`, message: error.message }]);
}
