import type { Caller } from '../api/caller.ts';
import type { ImageInput } from '../api/route.ts';
import { keepsCrop, recorded } from './call-event.ts';
import { analyzeLargestFace, type FaceAnalysis } from './face-analysis.ts';
import type { GallerySearch, Matches } from './gallery-search.ts';
import { searchCriterion } from './match-criterion.ts';
import type { RecognitionParts, SearchRequest } from './requests.ts';

/**
 * Searches for the image's largest face, and records one event.
 * @throws as `GallerySearch.open`, `searchCriterion`, `thresholdFor` and `Recognizer.analyze`.
 */
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
  const { collection, recognizer } = opened;
  const criterion = searchCriterion(collection, request);
  // A rate that is too low then costs no image analysis.
  const threshold = await search.threshold(caller, opened, criterion);
  const facts = { type, operation, collection, threshold, source };
  return recorded(parts, caller, facts, async (event) => {
    const crop = keepsCrop(parts, collection);
    const { faceAnalysis, probe } = await analyzeLargestFace(caller, recognizer, image, request, { crop });
    if (!probe) {
      event.end({ result: 'no_face' });
      return { faceAnalysis, matches: [], threshold };
    }
    event.see(probe);
    const found = await search.nearest(caller, collectionId, probe, criterion, limit);
    event.endSearch(found);
    return { faceAnalysis, ...found };
  });
}
