export type Recogniser = (jpeg: Buffer) => Promise<ArrayLike<number> | null>;
