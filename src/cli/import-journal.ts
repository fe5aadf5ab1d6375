import { closeSync, constants, existsSync, openSync, readFileSync, writeSync } from 'node:fs';

export interface Known {
  /** Null if the import ended before the answer. */
  readonly faceId: string | null;
}

/** JSON lines: one before sending an image, one with its face afterwards. */
export class Journal {
  readonly #descriptor: number;
  readonly #known = new Map<string, Known>();

  /** @throws the system's error. */
  constructor(file: string) {
    const isThere = existsSync(file);
    const { O_RDWR, O_CREAT, O_APPEND, O_NOFOLLOW } = constants;
    // Refuses a planted link, through which root would write elsewhere.
    this.#descriptor = openSync(file, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW, 0o600);
    if (isThere) {
      for (const line of readFileSync(this.#descriptor, 'utf8').split('\n')) {
        const entry = parseEntry(line);
        if (entry?.forgotten) this.#known.delete(entry.path);
        else if (entry) this.#known.set(entry.path, { faceId: entry.faceId });
      }
      writeSync(this.#descriptor, '\n');
    }
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  get(path: string): Known | undefined {
    return this.#known.get(path);
  }

  faceIds(): Set<string> {
    return new Set(Array.from(this.#known.values(), ({ faceId }) => faceId).filter((id) => id !== null));
  }

  begin(path: string): void {
    this.#write(path, { faceId: null });
  }

  add(path: string, faceId: string): void {
    this.#write(path, { faceId });
  }

  forget(): void {
    for (const path of this.#known.keys())
      writeSync(this.#descriptor, `${JSON.stringify({ path, forgotten: true })}\n`);
    this.#known.clear();
  }

  /** Lets the next import try a refused image again. */
  drop(path: string): void {
    this.#known.delete(path);
    writeSync(this.#descriptor, `${JSON.stringify({ path, forgotten: true })}\n`);
  }

  #write(path: string, known: Known): void {
    this.#known.set(path, known);
    writeSync(this.#descriptor, `${JSON.stringify({ path, ...known })}\n`);
  }
}

interface Entry extends Known {
  readonly path: string;
  readonly forgotten: boolean;
}

function parseEntry(line: string): Entry | null {
  try {
    const { path, faceId = null, forgotten = false } = JSON.parse(line);
    return typeof path === 'string' ? { path, faceId, forgotten } : null;
  } catch {
    return null;
  }
}
