import type { Caller } from '../api/caller.ts';
import type { ImageInput } from '../api/route.ts';
import { keepsCrop, recorded } from './call-event.ts';
import { analyzeLargestFace, type FaceAnalysis } from './face-analysis.ts';
import { type GallerySearch, type Match, thresholdOf } from './gallery-search.ts';
import type { RecognitionParts, SearchRequest } from './requests.ts';

/**
 * Searches for the image's largest face, and records one event.
 * @returns matches, best first.
 * @throws as `GallerySearch.open` and `Recognizer.analyze`.
 */
export async function searchByImage(
  parts: RecognitionParts,
  search: GallerySearch,
  caller: Caller,
  image: ImageInput,
  request: SearchRequest,
  call: { readonly type: 'search' | 'identify'; readonly operation: string; readonly limit: number },
): Promise<{ readonly faceAnalysis: FaceAnalysis; readonly matches: readonly Match[] }> {
  const { collectionId, model, source } = request;
  const { type, operation, limit } = call;
  const { collection, recognizer } = search.open(caller, collectionId, model);
  const threshold = thresholdOf(collection, request.faceMatchThreshold);
  const facts = { type, operation, collection, threshold, source };
  return recorded(parts, caller, facts, async (event) => {
    const crop = keepsCrop(parts, collection);
    const { faceAnalysis, probe } = await analyzeLargestFace(caller, recognizer, image, request, { crop });
    if (!probe) {
      event.end({ result: 'no_face' });
      return { faceAnalysis, matches: [] };
    }
    event.see(probe);
    const matches = await search.nearest(caller, collectionId, probe, threshold, limit);
    event.endSearch(matches[0]);
    return { faceAnalysis, matches };
  });
}
