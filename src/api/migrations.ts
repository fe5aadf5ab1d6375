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
  /** Of the migration; else the newest version of the pack, or null if that answers already. */
  readonly to: PackVersionView | null;
  /** `moved`: `from` is the new version; the rows of `to` are kept for a rollback. */
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

/** Methods for a collection throw `COLLECTION_NOT_FOUND`, `VALIDATION_FAILED`. */
export interface MigrationAdministration {
  list(): Promise<readonly MigrationView[]>;
  /** Also resumes. */
  begin(place: CollectionPlace, start: MigrationStart): Promise<MigrationView>;
  pause(place: CollectionPlace): Promise<MigrationView>;
  rollBack(place: CollectionPlace): Promise<MigrationView>;
  /**
   * After the switch, removes the former rows. Before it, deletes the faces that are left, and switches.
   * @throws `VALIDATION_FAILED` with faces left unless `deleteLeft`.
   */
  finish(place: CollectionPlace, deleteLeft: boolean): Promise<MigrationView>;
  /** Removes the rows that sightings added to a face. @throws `FACE_NOT_FOUND`. */
  removeSighting(place: CollectionPlace, faceId: string): Promise<MigrationView>;
  /** Faces without a row of the new version. */
  left(place: CollectionPlace): Promise<readonly LeftFace[]>;
}
