import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { loadConfig } from '../config/load.ts';
import { VisageError } from '../errors.ts';
import { EXIT, ExitError } from '../ops/exit-codes.ts';
import type { AdminCall } from './admin-access.ts';
import { command, DATA_OPTIONS, environmentOf, print } from './command.ts';
import { Journal, type Picture, picturesOf, type Refused } from './import-folder.ts';
import { ENVIRONMENT_OPTIONS, withOperatorApi } from './operator-api.ts';
import { Progress } from './progress.ts';

/** How long to wait where the service is busy. */
const BUSY_MS = 250;

/** Least similarity of a face with the picture that it was made from. */
const ITSELF = 99.9;

/** Codes that are about one picture; any other ends the import. */
const PICTURE_STATUSES = [400, 413, 415];

interface Summary {
  readonly collectionId: string;
  /** Pictures whose faces were added. */
  added: number;
  /** Pictures whose faces an earlier run added. */
  present: number;
  /** Pictures of which the largest of several faces was taken. */
  several: number;
  readonly refused: Refused[];
  interrupted: boolean;
}

/** Adds the pictures of a folder to a collection. */
class Import {
  readonly #api: AdminCall;
  readonly #folder: string;
  readonly #collectionId: string;
  readonly #journal: Journal;
  readonly summary: Summary;

  constructor(
    api: AdminCall,
    { folder, collectionId, journal }: { folder: string; collectionId: string; journal: Journal },
  ) {
    this.#api = api;
    this.#folder = folder;
    this.#collectionId = collectionId;
    this.#journal = journal;
    this.summary = { collectionId, added: 0, present: 0, several: 0, refused: [], interrupted: false };
  }

  /** The journal counts only where the faces that it names are still there: the collection may have been emptied. */
  async checkJournal(): Promise<void> {
    for (const faceId of this.#journal.faceIds()) {
      const query = new URLSearchParams({ collectionId: this.#collectionId, faceId });
      const isThere = await this.#api('GET', `/v1/face/get?${query}`).then(
        () => true,
        (error: VisageError) => {
          if (error.code === 'FACE_NOT_FOUND') return false;
          throw error;
        },
      );
      if (isThere) return;
    }
    this.#journal.forget();
  }

  /** Adds one picture, or says why not. @throws VisageError, ExitError where nothing more can be added. */
  async add(picture: Picture): Promise<void> {
    const known = this.#journal.get(picture.path);
    if (known?.faceId) {
      this.summary.present++;
      return;
    }
    const bytes = await readFile(join(this.#folder, picture.path)).catch(() => null);
    if (bytes === null) return this.#refuse(picture, 'NOT_READABLE', 'The file cannot be read.');
    // The answer to an earlier run's call was never written down: the face may be there.
    const earlier = known && (await this.#find(picture, bytes));
    if (earlier) {
      this.#journal.add(picture.path, earlier);
      this.summary.present++;
      return;
    }
    this.#journal.begin(picture.path);
    try {
      await this.#enroll(picture, bytes);
    } catch (error) {
      if (!(error instanceof VisageError && PICTURE_STATUSES.includes(error.status))) throw error;
      this.#refuse(picture, error.code, error.message);
    }
  }

  #refuse({ path }: Picture, code: string, reason: string): void {
    this.#journal.drop(path);
    this.summary.refused.push({ path, code, reason });
  }

  async #enroll(picture: Picture, bytes: Buffer): Promise<void> {
    const { faceId, unprocessedFaceCount, refusal } = (await this.#send(picture, bytes, 'enroll', {
      externalKey: picture.person,
      allowDuplicates: 'true',
    })) as {
      faceId: string | null;
      unprocessedFaceCount: number;
      refusal?: { code: string; detail: string };
    };
    if (refusal) return this.#refuse(picture, refusal.code, refusal.detail);
    if (faceId === null) return this.#refuse(picture, 'NO_FACE', 'No face was found in the picture.');
    this.#journal.add(picture.path, faceId);
    this.summary.added++;
    if (unprocessedFaceCount > 0) this.summary.several++;
  }

  /** The face of a person that was made from this very picture and that the journal does not know. */
  async #find(picture: Picture, bytes: Buffer): Promise<string | null> {
    const query = new URLSearchParams({ collectionId: this.#collectionId, externalKey: picture.person });
    const { faceIds } = (await this.#api('GET', `/v1/external-key/get-face-ids?${query}`)) as {
      faceIds: string[];
    };
    const written = this.#journal.faceIds();
    for (const faceId of faceIds.filter((each) => !written.has(each))) {
      const answer = await this.#send(picture, bytes, 'verify', { faceId }).catch((error: unknown) => {
        // The enrolment that follows says what is wrong with it.
        if (error instanceof VisageError && PICTURE_STATUSES.includes(error.status)) return null;
        throw error;
      });
      const { similarity } = (answer ?? { similarity: null }) as { similarity: number | null };
      if (similarity !== null && similarity >= ITSELF) return faceId;
    }
    return null;
  }

  async #send(
    { type }: Picture,
    bytes: Buffer,
    what: string,
    parameters: Record<string, string>,
  ): Promise<unknown> {
    const query = new URLSearchParams({ collectionId: this.#collectionId, ...parameters });
    for (;;) {
      try {
        return await this.#api('POST', `/v1/face/${what}?${query}`, bytes, { 'Content-Type': type });
      } catch (error) {
        const isBusy =
          error instanceof VisageError && ['OVERLOADED', 'RATE_LIMIT_EXCEEDED'].includes(error.code);
        if (!isBusy) throw error;
        await delay(BUSY_MS);
      }
    }
  }
}

/** Adds every picture, some at a time, until one fails for all or the operator has enough. */
async function runAll(work: Import, pictures: readonly Picture[], parallel: number): Promise<void> {
  const { summary } = work;
  const progress = new Progress(pictures.length);
  const interrupt = () => {
    summary.interrupted = true;
  };
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  let next = 0;
  let done = 0;
  let failure: unknown = null;
  const worker = async () => {
    for (let at = next++; at < pictures.length && !summary.interrupted && !failure; at = next++) {
      try {
        await work.add(pictures[at] as Picture);
      } catch (error) {
        failure ??= error;
        return;
      }
      progress.update(++done, `${summary.refused.length} refused`);
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  progress.end();
  process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  if (failure) throw failure;
}

function textOf({ added, present, several, refused, interrupted }: Summary): string {
  const lines = refused.map(({ path, code, reason }) => `${path}  ${code}  ${reason}\n`);
  return [
    ...lines,
    `Added ${added} pictures; ${present} were there already, ${refused.length} were refused.\n`,
    ...(several > 0 ? [`In ${several} of them there were several faces; the largest was taken.\n`] : []),
    ...(interrupted ? ['Interrupted. The same command goes on from here.\n'] : []),
  ].join('');
}

export const importPeople = command({
  name: 'import',
  summary: 'Add FOLDER/<person>/<picture> to a collection; the name of the folder becomes the external key.',
  details: [
    'The service must be running. What is done is written to a journal in FOLDER, so the same command goes on after an ' +
      'interruption, and adds later what is new. Of several faces in a picture the largest is taken. Pictures that are refused ' +
      'are listed with the reason; the exit code is 65 if there was one.',
  ],
  examples: ['import /srv/people --collection staff'],
  operands: [{ name: 'FOLDER', completion: 'folder', about: 'a folder for each person, with pictures' }],
  options: {
    collection: { type: 'string', value: 'ID', required: true, about: 'the collection, which must be there' },
    journal: {
      type: 'string',
      value: 'FILE',
      completion: 'file',
      about: 'where to write what is done; a hidden file in FOLDER unless given',
    },
    ...ENVIRONMENT_OPTIONS,
    ...DATA_OPTIONS,
  },
  async run(values, [given]) {
    const config = loadConfig(environmentOf(values));
    const { collection: collectionId, environment } = values;
    const folder = resolve(given);
    const { pictures, refused } = readFolder(folder);
    const file = values.journal ?? join(folder, `.visage-import-${environment}-${collectionId}.jsonl`);
    const summary = await withOperatorApi(config, { name: 'visagectl import', environment }, async (api) => {
      await api('GET', `/v1/collection/get?${new URLSearchParams({ collectionId })}`).catch(
        (error: unknown) => {
          if (!(error instanceof VisageError && error.code === 'COLLECTION_NOT_FOUND')) throw error;
          throw new ExitError(
            EXIT.data,
            `There is no collection "${collectionId}". Make it with \`visagectl collections create ${collectionId}\`.`,
          );
        },
      );
      const work = new Import(api, { folder, collectionId, journal: openJournal(file) });
      work.summary.refused.push(...refused);
      await work.checkJournal();
      await runAll(work, pictures, 2 * config.threads);
      return work.summary;
    });
    print(summary, values.json, textOf);
    if (summary.interrupted) process.exitCode = EXIT.forced;
    else if (summary.refused.length > 0) process.exitCode = EXIT.data;
  },
});

function readFolder(folder: string) {
  let found: ReturnType<typeof picturesOf>;
  try {
    found = picturesOf(folder);
  } catch (error) {
    throw new ExitError(EXIT.data, `${folder} cannot be read: ${(error as NodeJS.ErrnoException).code}.`);
  }
  if (found.pictures.length + found.refused.length > 0) return found;
  throw new ExitError(
    EXIT.data,
    `${folder} has no pictures: they are looked for as <person>/<picture> in it.`,
  );
}

function openJournal(file: string): Journal {
  try {
    return new Journal(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ExitError(
      EXIT.data,
      `The journal ${file} cannot be written (${code}). Give another place with --journal FILE.`,
    );
  }
}
