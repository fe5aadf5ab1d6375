import sharp from 'sharp';
import { differentPeople } from '../../testing/sample-faces.ts';

const SOURCE = 240;
const FIRST = 112;
const STEP = 4;
const PROFILE = 3;

/** No two templates are equal, so a search finds exactly the face that was indexed from its image. */
export class Pictures {
  readonly #sources: readonly Buffer[];
  readonly #made = new Map<number, Promise<Buffer>>();

  static async open(): Promise<Pictures> {
    const people = await differentPeople(SOURCE);
    return new Pictures(people.filter((_, i) => i !== PROFILE));
  }

  private constructor(sources: readonly Buffer[]) {
    this.#sources = sources;
  }

  get people(): number {
    return this.#sources.length;
  }

  get(n: number): Promise<Buffer> {
    let picture = this.#made.get(n);
    if (!picture) {
      const width = FIRST + STEP * Math.floor(n / this.people);
      picture = sharp(this.#sources[n % this.people])
        .resize({ width })
        .jpeg({ quality: 90 })
        .toBuffer();
      this.#made.set(n, picture);
    }
    return picture;
  }
}
