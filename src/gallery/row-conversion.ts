import type { SearchSpace } from '../native/gallery-index.ts';
import type { Log } from '../ops/log.ts';
import type { Faces } from '../store/faces.ts';
import type { PackId } from '../store/records.ts';

export interface RowConversionParts {
  readonly faces: Pick<Faces, 'unconverted' | 'convertSome' | 'packOf'>;
  readonly packs: readonly { readonly packId: PackId; readonly space: SearchSpace }[];
  readonly log: Log;
}

/**
 * Converts templates of schema 3 to rows in small background transactions. Galleries of an unloaded pack stay
 * unconverted. A later start resumes.
 */
export class RowConversion {
  readonly #parts: RowConversionParts;
  #running: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(parts: RowConversionParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#running = this.#convertAll().catch((err: unknown) => {
      this.#parts.log.warn({ err }, 'templates could not be converted: the next start continues');
    });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  settled(): Promise<void> {
    return this.#running;
  }

  async #convertAll(): Promise<void> {
    const { faces, packs, log } = this.#parts;
    for (const gallery of faces.unconverted()) {
      const own = await faces.packOf(gallery);
      const pack = packs.find(
        ({ packId }) => packId.pack === own?.pack && packId.packVersion === own.packVersion,
      );
      if (own && !pack) continue;
      const began = performance.now();
      do if (this.#isStopped) return;
      while (await faces.convertSome(gallery, pack?.space ?? null));
      const seconds = (performance.now() - began) / 1000;
      log.info({ gallery, seconds }, 'the templates of a gallery were converted to rows');
    }
  }
}
