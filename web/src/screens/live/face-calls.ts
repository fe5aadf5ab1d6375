import { api, call, send } from '../../api/client.ts';
import { ApiError } from '../../api/problem.ts';
import type { components } from '../../api/schema.d.ts';
import type { FaceEvent, ReviewState } from './event.ts';
import { cropOf } from './event-calls.ts';

export type EnrolAnswer = components['schemas']['EnrollFaceResult'];

/** The crop of an event as a file. @throws ApiError, OfflineError; Error without a crop. */
export async function cropFile(event: FaceEvent): Promise<File> {
  const path = cropOf(event);
  if (path === null) throw new Error('The event has no crop.');
  const response = await send(new Request(new URL(path, location.origin)));
  if (!response.ok) throw new ApiError(response.status, await response.json().catch(() => ({})));
  return new File([await response.blob()], 'crop.jpg', { type: 'image/jpeg' });
}

interface Enrolment {
  readonly collectionId: string;
  readonly externalKey: string;
  readonly image: File;
  readonly source: string | null;
}

/** @throws ApiError, OfflineError. */
export async function enrolFace({ image, source, ...fields }: Enrolment): Promise<EnrolAnswer> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  form.set('allowDuplicates', 'true');
  if (source !== null) form.set('source', source);
  form.set('image', image);
  const response = await send(
    new Request(new URL('/v1/face/enroll', location.origin), { method: 'POST', body: form }),
  );
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new ApiError(response.status, body);
  return body;
}

export function moveFace(collectionId: string, faceId: string, externalKey: string) {
  return call(
    api.PUT('/v1/external-key/set', {
      body: { collectionId, faceId, externalKey, allowDuplicates: true },
      keepalive: true,
    }),
  );
}

export function deleteFace(collectionId: string, faceId: string) {
  return call(
    api.DELETE('/v1/face/delete', { params: { query: { collectionId, faceId } }, keepalive: true }),
  );
}

export function mergePeople(collectionId: string, externalKey: string, newExternalKey: string) {
  return call(
    api.PUT('/v1/external-key/rename', {
      body: { collectionId, externalKey, newExternalKey, merge: true },
      keepalive: true,
    }),
  );
}

export function reviewEvent(eventId: string, review: ReviewState | null): Promise<FaceEvent> {
  return call(api.PUT('/v1/events/review', { body: { eventId, review }, keepalive: true }));
}
