/** The parameters of calls about pictures, as the routes' schemas let them in. */

/** What every call with a picture takes. */
export interface PictureRequest {
  /** Name of a loaded model pack. */
  readonly model?: string;
  /** Whether faces are shown with landmarks, pose and quality. */
  readonly attributes: 'none' | 'all';
  /** Width in pixels from which on faces are looked for. */
  readonly minFaceSize?: number;
}

export interface CollectionRequest extends PictureRequest {
  readonly collectionId: string;
}

export interface SearchRequest extends CollectionRequest {
  /** Least similarity, 0..100. */
  readonly faceMatchThreshold: number;
}

export interface IndexRequest extends CollectionRequest {
  /** 0..100; what the collection asks for holds where it is more. */
  readonly minQuality?: number;
}

export interface SearchOrIndexRequest extends SearchRequest, IndexRequest {}
