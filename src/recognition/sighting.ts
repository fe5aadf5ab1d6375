/** What a picture shows, as answers say it. */
import type { ImageInput } from '../http/route.ts';
import type { Analysis, AnalyzedFace, Box } from '../native.ts';
import type { Recognizer } from '../vision/recognizer.ts';

/** A face as answers show it. */
export interface VisibleFace {
  /** 0..1, four decimals. */
  readonly confidence: number;
  /** Whole pixels inside the upright picture. */
  readonly boundingBox: Box;
}

/** What every answer about a picture begins with. */
export interface Sighting {
  readonly face: VisibleFace | null;
  readonly hasFace: boolean;
  readonly unprocessedFaceCount: number;
}

/** The largest face of a picture, ready to be searched for or added. */
export interface Probe {
  /** Made the template. */
  readonly recognizer: Recognizer;
  readonly face: VisibleFace;
  readonly template: Float32Array;
}

/** Looks at a picture for its largest face. @throws VisageError as `Pipeline.analyze`. */
export async function seeLargest(
  recognizer: Recognizer,
  image: ImageInput,
): Promise<{ sighting: Sighting; probe: Probe | null }> {
  const analysis = await recognizer.analyze(image.data, image.encoding);
  const [largest, ...others] = analysis.faces;
  if (!largest || !analysis.template) {
    return { sighting: { face: null, hasFace: false, unprocessedFaceCount: 0 }, probe: null };
  }
  const face = visibleFace(largest, analysis);
  return {
    sighting: { face, hasFace: true, unprocessedFaceCount: others.length },
    probe: { recognizer, face, template: analysis.template },
  };
}

function visibleFace({ confidence, box }: AnalyzedFace, picture: Analysis): VisibleFace {
  return { confidence: Math.round(confidence * 1e4) / 1e4, boundingBox: wholePixels(box, picture) };
}

/** A box in whole pixels, at least one wide and high, inside the picture. */
function wholePixels({ x, y, width, height }: Box, picture: Pick<Analysis, 'width' | 'height'>): Box {
  const [left, right] = wholeSpan(x, width, picture.width);
  const [top, bottom] = wholeSpan(y, height, picture.height);
  return { x: left, y: top, width: right - left, height: bottom - top };
}

function wholeSpan(start: number, length: number, limit: number): [number, number] {
  const first = Math.min(Math.max(Math.round(start), 0), limit - 1);
  const end = Math.min(Math.max(Math.round(start + length), first + 1), limit);
  return [first, end];
}
