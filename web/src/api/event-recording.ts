import { useMutation, useQuery } from '@tanstack/react-query';
import { api, call } from './client.ts';
import { queryClient } from './query-client.ts';

const KEY = ['event-recording'];

export function useEventRecording() {
  return useQuery({
    queryKey: KEY,
    queryFn: ({ signal }) => call(api.GET('/v1/events/recording', { signal })),
  });
}

export async function setEventRecording(enabled: boolean): Promise<void> {
  queryClient.setQueryData(KEY, await call(api.PUT('/v1/events/recording', { body: { enabled } })));
}

export function useSetEventRecording() {
  return useMutation({ mutationFn: setEventRecording });
}
