import sharp from 'sharp';
import { differentPeople } from '../../testing/sample-faces.ts';

/** Widths in pixels: of the crops that the pictures are made from, of the first pictures, and from one to the next. */
const SOURCE = 240;
const FIRST = 112;
const STEP = 4;
/** The person whose profile is too doubtful to match. */
const PROFILE = 3;

/**
 * Small pictures, no two alike: number `n` shows person `n % people`, in another size each time round. The template of
 * a picture differs a little from that of any other, so a search finds exactly the face that was indexed from it.
 */
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

  /** Different people. */
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
