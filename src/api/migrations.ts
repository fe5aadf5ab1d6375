import type { Environment } from './caller.ts';

export interface PackVersionView {
  readonly model: string;
  readonly version: string;
}

export interface MigrationView {
  readonly accountId: string;
  readonly environment: Environment;
  readonly collectionId: string;
  /** Answers calls. */
  readonly from: PackVersionView;
  /** Of the migration; without one, the newest version of the pack, or null if that answers already. */
  readonly to: PackVersionView | null;
  /** `moved`: `from` is the new version, and the rows of `to` are kept for a rollback. */
  readonly state: 'none' | 'moving' | 'paused' | 'moved';
  readonly sightings: boolean;
  readonly faces: number;
  readonly moved: number;
}

export interface LeftFace {
  readonly faceId: string;
  readonly externalKey: string | null;
  readonly hasThumbnail: boolean;
  readonly isProvisional: boolean;
}

export interface CollectionPlace {
  readonly accountId: string;
  readonly environment: Environment;
  readonly collectionId: string;
}

export interface MigrationStart {
  readonly to?: string | undefined;
  readonly sightings: boolean;
}

export interface MigrationAdministration {
  list(): Promise<readonly MigrationView[]>;
  /** Also resumes. @throws `COLLECTION_NOT_FOUND`, `VALIDATION_FAILED`. */
  begin(place: CollectionPlace, start: MigrationStart): Promise<MigrationView>;
  /** @throws as {@link begin}. */
  pause(place: CollectionPlace): Promise<MigrationView>;
  /** @throws as {@link begin}. */
  rollBack(place: CollectionPlace): Promise<MigrationView>;
  /**
   * After the switch, removes the former rows. Before it, deletes the faces that are left, and switches.
   * @throws as {@link begin}; `VALIDATION_FAILED` with faces left unless `deleteLeft`.
   */
  finish(place: CollectionPlace, deleteLeft: boolean): Promise<MigrationView>;
  /** Removes the rows that sightings added to a face. @throws as {@link begin}, and `FACE_NOT_FOUND`. */
  removeSighting(place: CollectionPlace, faceId: string): Promise<MigrationView>;
  /** Faces without a row of the new version. @throws as {@link begin}. */
  left(place: CollectionPlace): Promise<readonly LeftFace[]>;
}
