import { useQuery } from '@tanstack/react-query';
import { api, call } from '../../api/client.ts';
import { COLLECTIONS_KEY, type Collection } from '../../api/collection.tsx';
import { queryClient } from '../../api/query-client.ts';

export interface CollectionSettings {
  readonly description: string | null;
  readonly minQuality: number;
  readonly faceMatchThreshold: number | null;
  readonly maxFalsePositiveRate: number | null;
  readonly maxFalseMatchRate: number | null;
  readonly storeThumbnails: boolean;
  readonly eventCropDays: number | null;
}

export function useModels() {
  return useQuery({
    queryKey: ['models'],
    queryFn: async ({ signal }) => (await call(api.GET('/v1/models', { signal }))).models,
  });
}

function refresh(collectionId: string): Promise<unknown> {
  void queryClient.invalidateQueries({ queryKey: [collectionId] });
  return queryClient.invalidateQueries({ queryKey: COLLECTIONS_KEY });
}

export async function createCollection(
  collectionId: string,
  model: string | null,
  settings: CollectionSettings,
): Promise<void> {
  const body = { collectionId, ...settings, ...(model === null ? {} : { model }) };
  await call(api.POST('/v1/collection/create', { body }));
  await refresh(collectionId);
}

export async function readCollection(
  collectionId: string,
): Promise<{ readonly collection: Collection; readonly etag: string }> {
  const answer = api.GET('/v1/collection/get', { params: { query: { collectionId } } });
  const { recognitionCollection } = await call(answer);
  return { collection: recognitionCollection, etag: (await answer).response.headers.get('ETag') ?? '' };
}

export async function changeCollection(
  collectionId: string,
  change: Partial<CollectionSettings>,
  etag: string,
): Promise<void> {
  const header = { 'If-Match': etag };
  await call(api.PUT('/v1/collection/update', { params: { header }, body: { collectionId, ...change } }));
  await refresh(collectionId);
}

export async function resetCollection(collectionId: string): Promise<void> {
  await call(api.DELETE('/v1/collection/reset', { params: { query: { collectionId } } }));
  await refresh(collectionId);
}

export async function deleteCollection(collectionId: string): Promise<void> {
  await call(api.DELETE('/v1/collection/delete', { params: { query: { collectionId } } }));
  await refresh(collectionId);
}
