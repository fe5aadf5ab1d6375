import { send } from '../api/client.ts';
import { isOffline } from '../api/connection.ts';
import { ApiError, NotConfirmedError, OfflineError } from '../api/problem.ts';
import { queryClient } from '../api/query-client.ts';
import type { components } from '../api/schema.d.ts';
import { Store } from '../api/store.ts';
import { markUploads } from './pending.ts';
import { type Upload, UploadStore } from './upload-store.ts';

type Enrolled = components['schemas']['EnrollFaceResult'];

const PARALLEL = 3;
/** The service repeats an answer for 24 hours; later a retry could add a face twice. */
const KEPT_MS = 23 * 3_600_000;
const MAX_KEPT_BYTES = 1_000_000_000;
const MAX_KEPT_FILES = 5000;
const MAX_ATTEMPTS = 6;
const LOCK = 'visage-uploads';
const LOCK_TIME = 1000;

export type Pause = 'reader' | 'credits' | 'storage' | 'session';

export interface Uploads {
  readonly uploads: readonly Upload[];
  readonly sending: ReadonlySet<number>;
  readonly pause: Pause | null;
  readonly isElsewhere: boolean;
}

export const uploads = new Store<Uploads>({
  uploads: [],
  sending: new Set(),
  pause: null,
  isElsewhere: false,
});

export interface NewUpload {
  readonly file: File;
  readonly externalKey: string;
}

const channel = new BroadcastChannel(LOCK);
const inPage = new Map<number, Blob>();
let store: UploadStore | null = null;
let opening: Promise<UploadStore> | null = null;
let member: string | null = null;
let hasLock = false;
let lastId = 0;
/** Until then no request starts, in milliseconds since 1970. */
let notBefore = 0;

function set(change: Partial<Uploads>): void {
  uploads.set({ ...uploads.value, ...change });
}

function replace(upload: Upload): void {
  set({ uploads: uploads.value.uploads.map((each) => (each.id === upload.id ? upload : each)) });
}

async function opened(): Promise<UploadStore> {
  opening ??= UploadStore.open(() => {
    store = null;
    opening = null;
    inPage.clear();
    set({ uploads: [], sending: new Set(), pause: 'session' });
  });
  store = await opening;
  return store;
}

async function load(): Promise<void> {
  const database = await opened();
  const all = await database.all();
  const oldest = Date.now() - KEPT_MS;
  const isOurs = ({ userId, createdAt }: Upload) => userId === member && createdAt > oldest;
  const gone = all.filter((upload) => !isOurs(upload)).map(({ id }) => id);
  if (gone.length > 0) await database.remove(gone);
  const ours = all.filter(isOurs);
  lastId = Math.max(lastId, 0, ...ours.map(({ id }) => id));
  set({ uploads: ours });
  markUploads(ours.length > 0);
}

export async function startUploads(userId: string): Promise<void> {
  if (member === userId) {
    if (uploads.value.pause === 'session') set({ pause: null });
    return work();
  }
  member = userId;
  await load();
  if (hasLock) return work();
  setTimeout(() => set({ isElsewhere: !hasLock }), LOCK_TIME);
  void navigator.locks.request(LOCK, async () => {
    hasLock = true;
    await load();
    set({ isElsewhere: false });
    work();
    await new Promise(() => {});
  });
}

channel.addEventListener('message', () => {
  void load().then(work);
});

/** Images that only this page has would be lost. */
addEventListener('beforeunload', (event) => {
  if (inPage.size > 0) event.preventDefault();
});

function isBounded(kept: { files: number; bytes: number }, file: File): boolean {
  return kept.files < MAX_KEPT_FILES && kept.bytes + file.size <= MAX_KEPT_BYTES;
}

export async function addUploads(
  userId: string,
  collectionId: string,
  entries: readonly NewUpload[],
): Promise<number> {
  await startUploads(userId);
  const database = await opened();
  const waiting = uploads.value.uploads.filter(({ isKept, state }) => isKept && state !== 'added');
  const kept = { files: waiting.length, bytes: waiting.reduce((sum, { size }) => sum + size, 0) };
  const added = entries.map(({ file, externalKey }) => {
    const isKept = isBounded(kept, file);
    if (isKept) {
      kept.files++;
      kept.bytes += file.size;
    }
    // Ids of two tabs must differ, and sort by time.
    lastId = Math.max(lastId + 1, Date.now() * 1000);
    const upload: Upload = {
      id: lastId,
      key: crypto.randomUUID(),
      userId,
      collectionId,
      externalKey,
      name: file.name,
      size: file.size,
      createdAt: Date.now(),
      state: 'waiting',
      faceId: null,
      code: null,
      detail: null,
      quality: null,
      others: 0,
      isKept,
    };
    return { upload, image: file };
  });
  let unkept = added.filter(({ upload }) => !upload.isKept);
  try {
    await database.add(added);
  } catch {
    unkept = added.map(({ upload, image }) => ({ upload: { ...upload, isKept: false }, image }));
    await database.add(unkept).catch(() => {});
  }
  for (const { upload, image } of unkept) inPage.set(upload.id, image);
  const lost = new Set(unkept.map(({ upload }) => upload.id));
  const all = added.map(({ upload }) => (lost.has(upload.id) ? { ...upload, isKept: false } : upload));
  set({ uploads: [...uploads.value.uploads, ...all], pause: null });
  markUploads(true);
  channel.postMessage('added');
  work();
  return unkept.length;
}

function next(): Upload | undefined {
  const { uploads: all, sending } = uploads.value;
  return all.find(({ id, state }) => state === 'waiting' && !sending.has(id));
}

function work(): void {
  if (!hasLock || uploads.value.pause !== null || isOffline.value) return;
  const wait = notBefore - Date.now();
  if (wait > 0) {
    setTimeout(work, wait);
    return;
  }
  while (uploads.value.sending.size < PARALLEL) {
    const upload = next();
    if (!upload) return;
    set({ sending: new Set(uploads.value.sending).add(upload.id) });
    void one(upload).finally(() => {
      const sending = new Set(uploads.value.sending);
      sending.delete(upload.id);
      set({ sending });
      if (sending.size === 0 && !next()) refreshPeople(upload.collectionId);
      work();
    });
  }
}

isOffline.subscribe(() => {
  if (!isOffline.value) work();
});

function refreshPeople(collectionId: string): void {
  void queryClient.invalidateQueries({ queryKey: [collectionId] });
  void queryClient.invalidateQueries({ queryKey: ['collections'] });
}

async function finish(upload: Upload, change: Partial<Upload>): Promise<void> {
  const done = { ...upload, ...change };
  if (!uploads.value.uploads.some(({ id }) => id === upload.id)) return;
  replace(done);
  if (!store) return;
  await store.put(done);
  if (done.state === 'added') {
    inPage.delete(upload.id);
    await store.dropImage(upload.id);
  }
  channel.postMessage('changed');
}

async function enroll({ collectionId, externalKey, key }: Upload, image: Blob): Promise<Enrolled> {
  const query = new URLSearchParams({
    collectionId,
    externalKey,
    allowDuplicates: 'true',
    attributes: 'all',
  });
  const response = await send(
    new Request(`${location.origin}/v1/face/enroll?${query}`, {
      method: 'POST',
      headers: { 'Content-Type': image.type || 'image/jpeg', 'Idempotency-Key': key },
      body: image,
    }),
  );
  const body = await response.json().catch(() => ({}));
  if (response.ok) return body as Enrolled;
  const retryAfter = Number(response.headers.get('Retry-After'));
  throw new ApiError(response.status, body, retryAfter > 0 ? retryAfter : null);
}

function resultOf({ hasFace, refusal, faceId, face, unprocessedFaceCount }: Enrolled): Partial<Upload> {
  const quality = face?.quality ?? null;
  if (!hasFace) return { state: 'refused', code: 'NO_FACE' };
  if (refusal) return { state: 'refused', code: refusal.code, detail: refusal.detail, quality };
  return { state: 'added', faceId, quality, others: unprocessedFaceCount, code: null, detail: null };
}

const attempts = new Map<number, number>();

async function one(upload: Upload): Promise<void> {
  try {
    const image = inPage.get(upload.id) ?? (await (await opened()).image(upload.id));
    if (!image) return await finish(upload, { state: 'failed', code: 'IMAGE_LOST' });
    await finish(upload, resultOf(await enroll(upload, image)));
    attempts.delete(upload.id);
  } catch (error) {
    await fail(upload, error);
  }
}

const TRANSIENT = [408, 429, 500, 502, 503, 504];

async function fail(upload: Upload, error: unknown): Promise<void> {
  if (error instanceof OfflineError) return;
  if (error instanceof NotConfirmedError) return set({ pause: 'reader' });
  if (!(error instanceof ApiError)) return finish(upload, { state: 'failed', code: 'UNKNOWN' });
  const { status, code, retryAfter } = error;
  if (status === 401) return set({ pause: 'session' });
  if (code === 'INSUFFICIENT_CREDITS') return set({ pause: 'credits' });
  if (code === 'STORAGE_READ_ONLY') return set({ pause: 'storage' });
  const isRunning = code === 'IDEMPOTENCY_CONFLICT' && retryAfter !== null;
  const tries = (attempts.get(upload.id) ?? 0) + 1;
  attempts.set(upload.id, tries);
  if ((isRunning || TRANSIENT.includes(status)) && (tries < MAX_ATTEMPTS || status === 429)) {
    notBefore = Math.max(notBefore, Date.now() + (retryAfter ?? 0.5 * 2 ** tries) * 1000);
    return;
  }
  await finish(upload, { state: 'failed', code, detail: error.message });
}

/** The first answer of a key stands, so a new attempt after an answer needs a new key. */
function keyOfRetry({ key, state, code }: Upload): string {
  const isAnswered = state === 'refused' || code?.startsWith('IDEMPOTENCY_');
  return isAnswered ? crypto.randomUUID() : key;
}

export async function retryUploads(ids: readonly number[]): Promise<void> {
  const chosen = new Set(ids);
  const again = uploads.value.uploads
    .filter(({ id, state }) => chosen.has(id) && (state === 'failed' || state === 'refused'))
    .map(
      (upload): Upload => ({
        ...upload,
        state: 'waiting',
        key: keyOfRetry(upload),
        createdAt: Date.now(),
        code: null,
        detail: null,
      }),
    );
  for (const upload of again) {
    attempts.delete(upload.id);
    replace(upload);
    await store?.put(upload);
  }
  channel.postMessage('changed');
  set({ pause: null });
  work();
}

export async function removeUploads(ids: readonly number[]): Promise<void> {
  const chosen = new Set(ids);
  for (const id of ids) inPage.delete(id);
  set({ uploads: uploads.value.uploads.filter(({ id }) => !chosen.has(id)) });
  await store?.remove(ids);
  markUploads(uploads.value.uploads.length > 0);
  channel.postMessage('changed');
}

export function pauseUploads(): void {
  set({ pause: 'reader' });
}

export function resumeUploads(): void {
  notBefore = 0;
  set({ pause: null });
  work();
}

export async function imageOfUpload(id: number): Promise<Blob | null> {
  return inPage.get(id) ?? (await store?.image(id)) ?? null;
}
