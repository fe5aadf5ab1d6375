import type { Caller } from '../access/caller.ts';
import { VisageError } from '../errors.ts';
import type { ImageInput } from '../http/route.ts';
import { type LivenessVerdict, livenessOf } from '../vision/liveness.ts';
import type { Recognizer } from '../vision/recognizer.ts';
import { chooseModel } from './model-choice.ts';
import type { RecognitionParts } from './parts.ts';
import type { PictureRequest } from './requests.ts';
import { type VisibleFace, visibleFace } from './sighting.ts';

export interface DetectAnswer {
  /** Largest first. */
  readonly faces: readonly VisibleFace[];
  readonly hasFace: boolean;
  /** Faces found beyond `maxFaces`. */
  readonly unprocessedFaceCount: number;
}

export interface DetectRequest extends PictureRequest {
  readonly maxFaces: number;
}

export interface LivenessAnswer {
  /** False also where there is no face. */
  readonly isLive: boolean;
  /** 0.5..1; null where there is no face. */
  readonly confidence: number | null;
  readonly spoofType: LivenessVerdict['spoofType'];
  /** The largest face of the first picture that has one. */
  readonly face: VisibleFace | null;
  readonly hasFace: boolean;
}

/** What pictures show, without any collection. */
export class DetectionService {
  readonly #parts: RecognitionParts;

  constructor(parts: RecognitionParts) {
    this.#parts = parts;
  }

  /** Finds the faces of a picture. @throws VisageError as `chooseModel` and `Recognizer.analyze`. */
  async detect(
    caller: Caller,
    image: ImageInput,
    { model, attributes, maxFaces, minFaceSize }: DetectRequest,
  ): Promise<DetectAnswer> {
    const recognizer = chooseModel(this.#parts.recognizers, caller, model);
    const isDescribed = attributes === 'all';
    const analysis = await recognizer.analyze(image.data, image.encoding, {
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
   * Judges whether a live face was before the camera, by one picture or several of it.
   * @param images at least one; those without a face do not count where another has one.
   * @throws VisageError as `detect`; what is wrong with one of several pictures names it.
   */
  async liveness(
    caller: Caller,
    images: readonly ImageInput[],
    request: PictureRequest,
  ): Promise<LivenessAnswer> {
    const recognizer = chooseModel(this.#parts.recognizers, caller, request.model);
    const frames = await Promise.all(
      images.map((image, i) =>
        seeFrame(recognizer, image, request).catch((error) =>
          Promise.reject(images.length > 1 ? ofFrame(error, i) : error),
        ),
      ),
    );
    const seen = frames.filter((frame) => frame !== null);
    const [first] = seen;
    if (!first || !recognizer.liveness) {
      return { isLive: false, confidence: null, spoofType: null, face: null, hasFace: false };
    }
    const verdict = livenessOf(
      seen.map(({ probabilities }) => probabilities),
      recognizer.liveness,
    );
    return { ...verdict, face: first.face, hasFace: true };
  }
}

/** The largest face of a frame; null where it has none. */
async function seeFrame(
  recognizer: Recognizer,
  image: ImageInput,
  { attributes, minFaceSize }: PictureRequest,
) {
  const isDescribed = attributes === 'all';
  const analysis = await recognizer.analyze(image.data, image.encoding, {
    template: false,
    liveness: true,
    attributes: isDescribed,
    minFaceSize,
    largestOnly: minFaceSize === undefined,
  });
  const { liveness: probabilities } = analysis;
  return probabilities && { face: visibleFace(analysis, 0, isDescribed), probabilities };
}

/** The same error, with the picture that it is about. */
function ofFrame(error: unknown, index: number): unknown {
  if (!(error instanceof VisageError)) return error;
  return new VisageError(error.code, error.message, [{ path: `/images/${index}`, message: error.message }]);
}
