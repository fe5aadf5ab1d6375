/** Pictures by person, `<folder>/<person>/<picture>`, and the journal of what became of them. */
import { appendFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';

/** Media types by the end of a file's name. */
const TYPES: Readonly<Record<string, string>> = {
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.png': 'image/png',
  '.webp': 'image/webp',
  '.bmp': 'image/bmp',
  '.gif': 'image/gif',
};

/** What an external key may be. */
const EXTERNAL_KEY = /^[\x21-\x7E]{1,512}$/;

export interface Picture {
  /** `<person>/<picture>`, relative to the folder. */
  readonly path: string;
  /** Name of the picture's folder: the external key. */
  readonly person: string;
  /** Such as `image/jpeg`. */
  readonly type: string;
}

/** A picture that was not added. */
export interface Refused {
  readonly path: string;
  /** A code of the API, or `NO_FACE`, `NOT_READABLE`, `NAME_NOT_ALLOWED`. */
  readonly code: string;
  readonly reason: string;
}

/** Everything below a folder in order of names; people whose names cannot be external keys are refused whole. */
export function picturesOf(folder: string): { pictures: Picture[]; refused: Refused[] } {
  const pictures: Picture[] = [];
  const refused: Refused[] = [];
  const entries = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  for (const person of entries.map(({ name }) => name).sort()) {
    for (const name of readdirSync(join(folder, person)).sort()) {
      const type = TYPES[extname(name).toLowerCase()];
      if (type === undefined) continue;
      const path = `${person}/${name}`;
      if (EXTERNAL_KEY.test(person)) pictures.push({ path, person, type });
      else {
        const reason = 'The name of its folder is to be the external key, which is ASCII without spaces.';
        refused.push({ path, code: 'NAME_NOT_ALLOWED', reason });
      }
    }
  }
  return { pictures, refused };
}

/** What is known of one picture. */
export interface Known {
  /** Its face; null where the answer was never written down. */
  readonly faceId: string | null;
}

/** What became of pictures, a line of JSON each: one before a picture is sent, one with its face after. */
export class Journal {
  readonly #file: string;
  readonly #known = new Map<string, Known>();

  /** Reads what an interrupted import wrote. @throws the system's error, such as for a folder that takes no file. */
  constructor(file: string) {
    this.#file = file;
    if (existsSync(file)) {
      for (const line of readFileSync(file, 'utf8').split('\n')) {
        const entry = parseEntry(line);
        if (entry?.forgotten) this.#known.delete(entry.path);
        else if (entry) this.#known.set(entry.path, { faceId: entry.faceId });
      }
      // The last line may be half written.
      appendFileSync(file, '\n');
    } else {
      appendFileSync(file, '', { mode: 0o600 });
    }
  }

  get(path: string): Known | undefined {
    return this.#known.get(path);
  }

  /** Ids of the faces that were added. */
  faceIds(): Set<string> {
    return new Set(Array.from(this.#known.values(), ({ faceId }) => faceId).filter((id) => id !== null));
  }

  /** A picture is about to be sent. */
  begin(path: string): void {
    this.#write(path, { faceId: null });
  }

  /** A picture's face is in the collection. */
  add(path: string, faceId: string): void {
    this.#write(path, { faceId });
  }

  /** Nothing of what is written down is true any more. */
  forget(): void {
    for (const path of this.#known.keys())
      appendFileSync(this.#file, `${JSON.stringify({ path, forgotten: true })}\n`);
    this.#known.clear();
  }

  /** A picture was refused: it is tried again by the next import. */
  drop(path: string): void {
    this.#known.delete(path);
    appendFileSync(this.#file, `${JSON.stringify({ path, forgotten: true })}\n`);
  }

  #write(path: string, known: Known): void {
    this.#known.set(path, known);
    appendFileSync(this.#file, `${JSON.stringify({ path, ...known })}\n`);
  }
}

interface Entry extends Known {
  readonly path: string;
  readonly forgotten: boolean;
}

/** @returns null for half a line. */
function parseEntry(line: string): Entry | null {
  try {
    const { path, faceId = null, forgotten = false } = JSON.parse(line);
    return typeof path === 'string' ? { path, faceId, forgotten } : null;
  } catch {
    return null;
  }
}
