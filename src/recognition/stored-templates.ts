import { Turn } from '../base/turns.ts';
import type { Row, SearchSpace } from '../native/gallery-index.ts';
import type { Store } from '../store/store.ts';
import type { ScoreMatrix } from './examination-statistics.ts';

const NO_LEAST = -1;

export class StoredTemplates {
  readonly #faces: Pick<Store['faces'], 'row' | 'rowGalleries'>;
  readonly #gallery: number;
  readonly #space: SearchSpace;

  constructor(faces: Pick<Store['faces'], 'row' | 'rowGalleries'>, gallery: number, space: SearchSpace) {
    this.#faces = faces;
    this.#gallery = gallery;
    this.#space = space;
  }

  read(labels: readonly number[]): Row[] {
    const { current } = this.#faces.rowGalleries(this.#gallery);
    return labels.flatMap((label) => this.#faces.row({ gallery: current, label }) ?? []);
  }

  /** Null if all faces are gone or the templates cancel out. */
  mean(labels: readonly number[]): Row | null {
    const rows = this.read(labels);
    const [first] = rows;
    if (!first) return null;
    if (rows.length > 1) return this.#space.mean(rows, NO_LEAST);
    return first.length === this.#space.rowBytes ? first : this.#space.row(this.#space.template(first));
  }

  async scoresAmong(rows: readonly Row[]): Promise<ScoreMatrix> {
    const turn = new Turn();
    const size = rows.length;
    const scores = new Float64Array(size * size);
    for (const [i, row] of rows.entries()) {
      scores.set(this.#space.compare(row, rows), i * size);
      if (turn.isOver) await turn.next();
    }
    return { size, scores };
  }
}
