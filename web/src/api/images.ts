import { send } from './client.ts';
import { ApiError } from './problem.ts';
import type { components } from './schema.d.ts';

interface Answers {
  readonly enroll: components['schemas']['EnrollFaceResult'];
  readonly identify: components['schemas']['IdentifyFaceResult'];
}

/** Calls `/v1/face/<name>` with an image file. @throws ApiError, OfflineError. */
export async function sendImage<N extends keyof Answers>(
  name: N,
  image: File,
  fields: Readonly<Record<string, string>>,
): Promise<Answers[N]> {
  const form = new FormData();
  for (const [field, value] of Object.entries(fields)) form.set(field, value);
  form.set('image', image);
  const response = await send(
    new Request(new URL(`/v1/face/${name}`, location.origin), { method: 'POST', body: form }),
  );
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new ApiError(response.status, body);
  return body;
}
