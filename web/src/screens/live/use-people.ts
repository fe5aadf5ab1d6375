import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useDeferredValue } from 'react';
import { useTranslation } from 'react-i18next';
import { api, BACKGROUND, call } from '../../api/client.ts';
import type { Suggestion } from '../../ui/combo-box.tsx';

const SUGGESTIONS = 8;

export function useSuggestedPeople(collectionId: string | null, text: string): readonly Suggestion[] {
  const { t } = useTranslation('live');
  const filter = useDeferredValue(text.trim());
  const { data } = useQuery({
    queryKey: ['people', collectionId, 'suggested', filter],
    enabled: collectionId !== null,
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      call(
        api.GET('/v1/external-key/list', {
          params: {
            query: {
              collectionId: collectionId ?? '',
              ...(filter === '' ? {} : { filter }),
              limit: SUGGESTIONS,
            },
          },
          headers: BACKGROUND,
          signal,
        }),
      ),
  });
  if (collectionId === null) return [];
  const typed = text.trim().toLowerCase();
  return (data?.people ?? [])
    .filter(({ externalKey }) => externalKey.toLowerCase().includes(typed))
    .map(({ externalKey, faceCount }) => ({ value: externalKey, hint: t('faces', { count: faceCount }) }));
}
