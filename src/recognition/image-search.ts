import type { Caller } from '../api/caller.ts';
import type { ImageInput } from '../api/route.ts';
import { keepsCrop, recorded } from './call-event.ts';
import { analyzeLargestFace, type FaceAnalysis, type Probe } from './face-analysis.ts';
import type { GallerySearch, Match, Matches } from './gallery-search.ts';
import { searchCriterion } from './match-criterion.ts';
import type { RecognitionParts, SearchRequest } from './requests.ts';

export async function searchByImage(
  parts: RecognitionParts,
  search: GallerySearch,
  caller: Caller,
  image: ImageInput,
  request: SearchRequest,
  call: { readonly type: 'search' | 'identify'; readonly operation: string; readonly limit: number },
): Promise<Matches & { readonly faceAnalysis: FaceAnalysis }> {
  const { collectionId, model, source } = request;
  const { type, operation, limit } = call;
  const opened = search.open(caller, collectionId, model);
  const { collection, recognizer, second } = opened;
  const recordSighting = parts.sightings?.watch(caller, collection, recognizer, second) ?? null;
  const criterion = searchCriterion(collection, request);
  const threshold = await search.threshold(caller, opened, criterion);
  const facts = { type, operation, collection, threshold, source };
  return recorded(parts, caller, facts, async (event) => {
    const crop = keepsCrop(parts, collection);
    return whileHeld(image, recordSighting !== null, async (held) => {
      const { faceAnalysis, probe } = await analyzeLargestFace(caller, recognizer, held, request, { crop });
      if (!probe) {
        event.end({ result: 'no_face' });
        return { faceAnalysis, matches: [], threshold };
      }
      event.see(probe);
      const found = await search.nearest(caller, collectionId, probe, criterion, limit);
      event.endSearch(found);
      const [match] = found.matches;
      if (match) await recordSighting?.(held, sightingOf(probe, match));
      return { faceAnalysis, ...found };
    });
  });
}

export function sightingOf({ face: { boundingBox } }: Probe, { label, face, similarity }: Match) {
  return { box: boundingBox, label, faceId: face.faceId, similarity };
}

/** If `isHeld`, the image's bytes live until `work` ends. */
export async function whileHeld<T>(
  image: ImageInput,
  isHeld: boolean,
  work: (image: ImageInput) => Promise<T>,
): Promise<T> {
  if (!isHeld) return work(image);
  const { release, ...held } = image;
  return work(held).finally(release);
}
