import { send } from '../../api/client.ts';
import { ApiError } from '../../api/problem.ts';
import type { components } from '../../api/schema.d.ts';

export type Face = components['schemas']['Face'];
export type Liveness = components['schemas']['CheckLivenessResult'];

export interface FaceMatch {
  readonly faceId: string;
  readonly externalKey: string | null;
  readonly similarity: number;
}

export interface SeenFace extends Face {
  readonly matches?: readonly FaceMatch[];
}

export interface Seen {
  readonly faces: readonly SeenFace[];
  readonly unprocessedFaceCount: number;
}

export const MAX_RESULTS = 5;
const MAX_FACES = 50;
const SOURCE = 'try-it';

async function post<T>(
  path: string,
  query: Record<string, string>,
  image: Blob,
  signal: AbortSignal,
): Promise<T> {
  const request = new Request(
    `${location.origin}${path}?${new URLSearchParams({ ...query, source: SOURCE })}`,
    {
      method: 'POST',
      headers: { 'Content-Type': image.type || 'image/jpeg' },
      body: image,
      signal,
    },
  );
  const response = await send(request);
  const body = await response.json().catch(() => ({}));
  if (response.ok) return body as T;
  const retryAfter = Number(response.headers.get('Retry-After'));
  throw new ApiError(response.status, body, retryAfter > 0 ? retryAfter : null);
}

export function seeFaces(
  image: Blob,
  collectionId: string | null,
  threshold: number,
  signal: AbortSignal,
): Promise<Seen> {
  const query = { maxFaces: String(MAX_FACES), attributes: 'all' };
  if (collectionId === null) return post('/v1/face/detect', query, image, signal);
  const search = {
    ...query,
    collectionId,
    faceMatchThreshold: String(threshold),
    maxResults: String(MAX_RESULTS),
  };
  return post('/v1/face/recognize', search, image, signal);
}

export function checkLiveness(image: Blob, model: string | null, signal: AbortSignal): Promise<Liveness> {
  return post('/v1/face/liveness', model === null ? {} : { model }, image, signal);
}
