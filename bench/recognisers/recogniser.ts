/** Makes the template of the largest face of a JPEG; null where it finds none. */
export type Recogniser = (jpeg: Buffer) => Promise<ArrayLike<number> | null>;
