import { useQuery } from '@tanstack/react-query';
import { createContext, type ReactNode, use, useEffect, useMemo } from 'react';
import { useSearchParams } from 'wouter';
import { api, call } from './client.ts';
import { queryClient } from './query-client.ts';
import type { components } from './schema.d.ts';

export type Collection = components['schemas']['Collection'];

const STORED = 'visage.collection';

interface Current {
  readonly collections: readonly Collection[];
  readonly collection: Collection | null;
  readonly select: (collectionId: string) => void;
  readonly isLoading: boolean;
  readonly error: unknown;
  readonly refetch: () => void;
}

const Context = createContext<Current | null>(null);

export const COLLECTIONS_KEY = ['collections'];

async function readCollections({ signal }: { readonly signal: AbortSignal }): Promise<readonly Collection[]> {
  return (await call(api.GET('/v1/collection/get-all', { signal }))).collections;
}

export function prefetchCollections(): Promise<void> {
  return queryClient.prefetchQuery({ queryKey: COLLECTIONS_KEY, queryFn: readCollections, retry: false });
}

export function CollectionProvider({ children }: { readonly children: ReactNode }) {
  const [params, setParams] = useSearchParams();
  const { data, isLoading, error, refetch } = useQuery({
    queryKey: COLLECTIONS_KEY,
    queryFn: readCollections,
  });
  const inAddress = params.get('collection');
  const wanted = inAddress ?? localStorage.getItem(STORED);
  useEffect(() => {
    if (inAddress !== null) localStorage.setItem(STORED, inAddress);
  }, [inAddress]);
  const value = useMemo((): Current => {
    const collections = data ?? [];
    const find = (id: string | null) => collections.find(({ collectionId }) => collectionId === id);
    return {
      collections,
      collection: find(wanted) ?? collections[0] ?? null,
      isLoading,
      error,
      refetch: () => void refetch(),
      select(collectionId) {
        localStorage.setItem(STORED, collectionId);
        setParams(
          (previous) => {
            previous.set('collection', collectionId);
            return previous;
          },
          { replace: true },
        );
      },
    };
  }, [data, isLoading, error, refetch, wanted, setParams]);
  return <Context value={value}>{children}</Context>;
}

export function useCollection(): Current {
  const current = use(Context);
  if (!current) throw new Error('No CollectionProvider above');
  return current;
}
