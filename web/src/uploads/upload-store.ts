/** Keeps the queue of uploads in IndexedDB, so that it outlives a reload. */
import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import type { FaceQuality } from '../ui/quality.tsx';

const UPLOADS_DATABASE = 'visage-uploads';

export type UploadState = 'waiting' | 'added' | 'refused' | 'failed';

export interface Upload {
  readonly id: number;
  /** Sent as `Idempotency-Key`, so that a second attempt adds no second face. */
  readonly key: string;
  readonly userId: string;
  readonly collectionId: string;
  readonly externalKey: string;
  readonly name: string;
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly state: UploadState;
  readonly faceId: string | null;
  readonly code: string | null;
  readonly detail: string | null;
  readonly quality: FaceQuality | null;
  readonly others: number;
  readonly isKept: boolean;
}

interface Schema extends DBSchema {
  uploads: { key: number; value: Upload };
  images: { key: number; value: Blob };
}

export class UploadStore {
  readonly #database: IDBPDatabase<Schema>;

  private constructor(database: IDBPDatabase<Schema>) {
    this.#database = database;
  }

  static async open(onLost: () => void): Promise<UploadStore> {
    const database = await openDB<Schema>(UPLOADS_DATABASE, 1, {
      upgrade(db) {
        db.createObjectStore('uploads', { keyPath: 'id' });
        db.createObjectStore('images');
      },
      blocking(_current, _next, event) {
        (event.target as IDBDatabase).close();
        onLost();
      },
    });
    return new UploadStore(database);
  }

  all(): Promise<Upload[]> {
    return this.#database.getAll('uploads');
  }

  /** @throws DOMException `QuotaExceededError`. */
  async add(entries: readonly { readonly upload: Upload; readonly image: Blob }[]): Promise<void> {
    const transaction = this.#database.transaction(['uploads', 'images'], 'readwrite');
    const writes = entries.flatMap(({ upload, image }) => [
      transaction.objectStore('uploads').put(upload),
      ...(upload.isKept ? [transaction.objectStore('images').put(image, upload.id)] : []),
    ]);
    await Promise.all([...writes, transaction.done]);
  }

  async put(upload: Upload): Promise<void> {
    await this.#database.put('uploads', upload);
  }

  image(id: number): Promise<Blob | undefined> {
    return this.#database.get('images', id);
  }

  async dropImage(id: number): Promise<void> {
    await this.#database.delete('images', id);
  }

  async remove(ids: readonly number[]): Promise<void> {
    const transaction = this.#database.transaction(['uploads', 'images'], 'readwrite');
    const deletions = ids.flatMap((id) => [
      transaction.objectStore('uploads').delete(id),
      transaction.objectStore('images').delete(id),
    ]);
    await Promise.all([...deletions, transaction.done]);
  }
}
