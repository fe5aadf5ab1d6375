import { useQuery } from '@tanstack/react-query';
import { api, call } from './client.ts';

export function usePersonExists(collectionId: string | null, externalKey: string): boolean | undefined {
  const { data } = useQuery({
    queryKey: [collectionId, 'exists', externalKey],
    staleTime: 0,
    enabled: collectionId !== null && externalKey !== '',
    queryFn: async ({ signal }) => {
      const query = { collectionId: collectionId ?? '', externalKey, limit: 1 };
      const { faceIds } = await call(api.GET('/v1/external-key/get-face-ids', { params: { query }, signal }));
      return faceIds.length > 0;
    },
  });
  return data;
}
