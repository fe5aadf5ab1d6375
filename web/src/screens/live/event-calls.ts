import { EventSourceParserStream } from 'eventsource-parser/stream';
import { BACKGROUND, send } from '../../api/client.ts';
import { ApiError } from '../../api/problem.ts';
import type { EventFilter, EventPage, FaceEvent } from './event.ts';

const MAX_EVENT = 1_000_000;

function target(path: string, query: object): string {
  const url = new URL(path, location.origin);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== '') url.searchParams.set(name, String(value));
  }
  return url.href;
}

async function get(url: string, signal: AbortSignal, headers: Record<string, string>): Promise<Response> {
  const response = await send(new Request(url, { signal, headers: { ...BACKGROUND, ...headers } }));
  if (response.ok) return response;
  const retryAfter = Number(response.headers.get('Retry-After'));
  throw new ApiError(
    response.status,
    await response.json().catch(() => ({})),
    retryAfter > 0 ? retryAfter : null,
  );
}

interface PageBounds {
  readonly cursor?: string | null;
  readonly limit: number;
}

/** Newest first. @throws ApiError, OfflineError. */
export async function eventPage(
  filter: EventFilter,
  bounds: PageBounds,
  signal: AbortSignal,
): Promise<EventPage> {
  const response = await get(target('/v1/events', { ...filter, ...bounds }), signal, {});
  return response.json();
}

interface StreamListener {
  readonly onOpen: () => void;
  readonly onEvent: (event: FaceEvent) => void;
  /** A member reviewed an earlier event. */
  readonly onReview: (event: FaceEvent) => void;
  readonly onGap: () => void;
}

/**
 * `fetch` and not `EventSource`: it can mark the request as background and see why the service refuses it.
 * @throws ApiError, OfflineError.
 */
export async function followEvents(
  filter: EventFilter,
  lastEventId: string | null,
  signal: AbortSignal,
  { onOpen, onEvent, onReview, onGap }: StreamListener,
): Promise<void> {
  const { since, until, ...live } = filter;
  const response = await get(target('/v1/events/stream', { ...live, since }), signal, {
    Accept: 'text/event-stream',
    ...(lastEventId === null ? {} : { 'Last-Event-ID': lastEventId }),
  });
  if (!response.body) return;
  onOpen();
  const messages = response.body
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream({ maxBufferSize: MAX_EVENT }));
  const reader = messages.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    if (value.event === 'gap') onGap();
    else if (value.event === 'event') onEvent(JSON.parse(value.data));
    else if (value.event === 'review') onReview(JSON.parse(value.data));
  }
}

export function cropOf({ id, hasCrop }: Pick<FaceEvent, 'id' | 'hasCrop'>): string | null {
  return hasCrop ? `/v1/events/crop?eventId=${encodeURIComponent(id)}` : null;
}

export function thumbnailOf(collectionId: string | null, faceId: string | null): string | null {
  if (collectionId === null || faceId === null) return null;
  return `/v1/face/thumbnail?${new URLSearchParams({ collectionId, faceId })}`;
}
