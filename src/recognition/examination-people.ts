import type { QualityRecord } from '../store/records.ts';
import type { Store } from '../store/store.ts';

const LOW_QUALITY = 25;
const PAGE = 256;

export interface Person {
  readonly externalKey: string | null;
  readonly labels: number[];
}

interface LowQuality {
  readonly person: number;
  readonly label: number;
  readonly quality: QualityRecord;
}

/** One for each external key of a gallery, and for each face without a key. */
export class ExaminedPeople {
  readonly all: Person[] = [];
  readonly lowQuality: LowQuality[] = [];
  faces = 0;
  readonly #byKey = new Map<string, number>();

  /** Calls `pause` after each page. */
  async read(faces: Store['faces'], gallery: number, pause: () => Promise<void>): Promise<void> {
    for (let after = 0, isLast = false; !isLast; ) {
      const page = faces.list(gallery, after, PAGE);
      for (const { label, face } of page) {
        const person = this.#personOf(face.externalKey);
        (this.all[person] as Person).labels.push(label);
        if (face.quality && face.quality.score < LOW_QUALITY) {
          this.lowQuality.push({ person, label, quality: face.quality });
        }
        after = label;
      }
      this.faces += page.length;
      isLast = page.length < PAGE;
      await pause();
    }
  }

  hasKey(externalKey: string): boolean {
    return this.#byKey.has(externalKey);
  }

  #personOf(externalKey: string | null): number {
    const known = externalKey === null ? undefined : this.#byKey.get(externalKey);
    if (known !== undefined) return known;
    const person = this.all.push({ externalKey, labels: [] }) - 1;
    if (externalKey !== null) this.#byKey.set(externalKey, person);
    return person;
  }
}
