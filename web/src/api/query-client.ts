import { QueryClient } from '@tanstack/react-query';
import { isOffline } from './connection.ts';
import { ApiError } from './problem.ts';

const TRANSIENT = [429, 503];

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5000,
      networkMode: 'always',
      retry: (failures, error) =>
        error instanceof ApiError && TRANSIENT.includes(error.status) && failures < 3,
      retryDelay: (failures, error) =>
        error instanceof ApiError && error.retryAfter !== null
          ? error.retryAfter * 1000
          : 500 * 2 ** failures,
    },
    mutations: { networkMode: 'always' },
  },
});

isOffline.subscribe(() => {
  if (!isOffline.value) void queryClient.invalidateQueries();
});
