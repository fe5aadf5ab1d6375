import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { loadConfig } from '../config/load.ts';
import { VisageError } from '../errors.ts';
import { EXIT, ExitError } from '../ops/exit-codes.ts';
import type { AdminCall } from './admin-access.ts';
import { columns, command, DATA_OPTIONS, environmentOf, print } from './command.ts';
import {
  type FolderOptions,
  type ImageFile,
  type People,
  type Refused,
  readImageFile,
  readPeople,
  SKIPPED,
  type SkippedCode,
} from './import-folder.ts';
import { Journal } from './import-journal.ts';
import { EXTERNAL_KEY_RULE, readNameMap } from './name-map.ts';
import { ENVIRONMENT_OPTIONS, withOperatorApi } from './operator-api.ts';
import { line } from './output.ts';
import { Progress } from './progress.ts';

const BUSY_MS = 250;

const ITSELF = 95;

const SHOWN = 5;

const IMAGE_STATUSES = [400, 413, 415];

interface Counts {
  readonly collectionId: string;
  added: number;
  present: number;
  several: number;
  readonly refused: Refused[];
  interrupted: boolean;
}

type Summary = Counts & Pick<People, 'skipped' | 'unknown'>;

class Import {
  readonly #api: AdminCall;
  readonly #folder: string;
  readonly #collectionId: string;
  readonly #journal: Journal;
  readonly summary: Counts;

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

  async checkJournal(): Promise<void> {
    const faceIds = this.#journal.faceIds();
    if (faceIds.size === 0) return;
    for (const faceId of faceIds) {
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

  /**
   * Finds faces that an earlier run added without recording the answer. Joins the most similar image and
   * face, then the next.
   */
  async recover(images: readonly ImageFile[]): Promise<void> {
    const written = this.#journal.faceIds();
    const pairs: { readonly image: ImageFile; readonly faceId: string; readonly similarity: number }[] = [];
    for (const image of images) {
      if (this.#journal.get(image.path)?.faceId !== null) continue;
      const bytes = await readImageFile(this.#folder, image);
      if (!Buffer.isBuffer(bytes)) continue;
      for (const faceId of await this.#facesOf(image)) {
        if (written.has(faceId)) continue;
        const similarity = await this.#similarity(image, bytes, faceId);
        if (similarity >= ITSELF) pairs.push({ image, faceId, similarity });
      }
    }
    pairs.sort((a, b) => b.similarity - a.similarity);
    for (const { image, faceId } of pairs) {
      if (written.has(faceId) || this.#journal.get(image.path)?.faceId) continue;
      this.#journal.add(image.path, faceId);
      written.add(faceId);
    }
  }

  /** @throws VisageError, ExitError if the import cannot continue. */
  async add(image: ImageFile): Promise<void> {
    if (this.#journal.get(image.path)?.faceId) {
      this.summary.present++;
      return;
    }
    const bytes = await readImageFile(this.#folder, image);
    if (!Buffer.isBuffer(bytes)) return this.#refuse(image, bytes.code, bytes.reason);
    this.#journal.begin(image.path);
    try {
      await this.#enroll(image, bytes);
    } catch (error) {
      if (!(error instanceof VisageError && IMAGE_STATUSES.includes(error.status))) throw error;
      this.#refuse(image, error.code, error.message);
    }
  }

  #refuse({ path }: ImageFile, code: string, reason: string): void {
    this.#journal.drop(path);
    this.summary.refused.push({ path, code, reason });
  }

  async #enroll(image: ImageFile, bytes: Buffer): Promise<void> {
    const { faceId, unprocessedFaceCount, refusal } = (await this.#send(image, bytes, 'enroll', {
      externalKey: image.person,
      allowDuplicates: 'true',
    })) as {
      faceId: string | null;
      unprocessedFaceCount: number;
      refusal?: { code: string; detail: string };
    };
    if (refusal) return this.#refuse(image, refusal.code, refusal.detail);
    if (faceId === null) return this.#refuse(image, 'NO_FACE', 'Found no face in the image.');
    this.#journal.add(image.path, faceId);
    this.summary.added++;
    if (unprocessedFaceCount > 0) this.summary.several++;
  }

  async #facesOf({ person }: ImageFile): Promise<readonly string[]> {
    const query = new URLSearchParams({ collectionId: this.#collectionId, externalKey: person });
    const { faceIds } = (await this.#api('GET', `/v1/external-key/get-face-ids?${query}`)) as {
      faceIds: string[];
    };
    return faceIds;
  }

  async #similarity(image: ImageFile, bytes: Buffer, faceId: string): Promise<number> {
    const answer = await this.#send(image, bytes, 'verify', { faceId }).catch((error: unknown) => {
      if (error instanceof VisageError && IMAGE_STATUSES.includes(error.status)) return null;
      throw error;
    });
    const { similarity } = (answer ?? { similarity: null }) as { similarity: number | null };
    return similarity ?? 0;
  }

  async #send(
    { type }: ImageFile,
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

async function runAll(work: Import, images: readonly ImageFile[], parallel: number): Promise<void> {
  const { summary } = work;
  const progress = new Progress(images.length);
  const interrupt = () => {
    summary.interrupted = true;
  };
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  let next = 0;
  let done = 0;
  let failure: unknown = null;
  const worker = async () => {
    for (let at = next++; at < images.length && !summary.interrupted && !failure; at = next++) {
      try {
        await work.add(images[at] as ImageFile);
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

function textOf(summary: Summary): string {
  const { added, present, several, refused, interrupted } = summary;
  return [
    ...refused.map(({ path, code, reason }) => line`${path}  ${code}  ${reason}`),
    line`Added ${added} images; ${present} were added before, ${refused.length} were refused.`,
    several > 0 ? line`${several} of them showed several faces; the largest was added.` : '',
    leftOut(summary),
    interrupted ? line`Interrupted. Run the same command again to resume.` : '',
  ].join('');
}

function leftOut({ skipped, unknown }: Pick<People, 'skipped' | 'unknown'>): string {
  const codes = Object.keys(SKIPPED) as SkippedCode[];
  const lines = codes.map((code) => {
    const paths = skipped.filter((each) => each.code === code).map(({ path }) => path);
    return paths.length === 0
      ? ''
      : line`Skipped ${paths.length} ${SKIPPED[code].reason} (${someOf(paths)}).`;
  });
  if (unknown.length > 0) {
    lines.push(line`The folder lacks ${unknown.length} names of the map (${someOf(unknown)}).`);
  }
  return lines.join('');
}

function someOf(words: readonly string[]): string {
  return words.length > SHOWN ? `${words.slice(0, SHOWN).join(', ')}, ...` : words.join(', ');
}

function planOf({ images, refused, skipped, unknown }: People) {
  const names = new Map<string, { readonly externalKey: string; images: number }>();
  for (const { path, person } of images) {
    const name = path.split('/', 1)[0] as string;
    const known = names.get(name) ?? { externalKey: person, images: 0 };
    known.images++;
    names.set(name, known);
  }
  return { people: Array.from(names, ([name, plan]) => ({ name, ...plan })), refused, skipped, unknown };
}

function planText(plan: ReturnType<typeof planOf>): string {
  const { people, refused } = plan;
  return [
    columns(people.map(({ name, externalKey, images }) => [name, '->', externalKey, `${images} images`])),
    ...refused.map(({ path, code, reason }) => line`${path}  ${code}  ${reason}`),
    leftOut(plan),
    line`Nothing was added: this was a dry run.`,
  ].join('');
}

function lacksImages({ refused, skipped }: Pick<People, 'refused' | 'skipped'>): boolean {
  return refused.length > 0 || skipped.some(({ code }) => SKIPPED[code].isImage);
}

export const importPeople = command({
  name: 'import',
  summary:
    'Add images to a collection from FOLDER/<person>/<image>. The name <person> becomes the external key.',
  details: [
    'The service must be running. A journal in FOLDER records the progress, so the same command resumes after an ' +
      'interruption and later adds only new images. If an image shows several faces, the largest is added. The command ' +
      'lists refused images with the reason, and counts skipped files by reason. The exit code is 65 if an image was not ' +
      'added. Symbolic links are not followed.',
    `An external key has ${EXTERNAL_KEY_RULE}. Assign keys to names with umlauts or spaces in a CSV file for --map: each ` +
      'line has the name of the folder, a comma and the external key. Names may be quoted. Composed and decomposed ' +
      'umlauts match. Names that are not in the file are their own external keys.',
  ],
  examples: [
    'import /srv/people --collection staff',
    'import /srv/people --collection staff --map names.csv --dry-run',
  ],
  operands: [
    { name: 'FOLDER', completion: 'folder', about: 'A folder with one subfolder of images per person.' },
  ],
  options: {
    collection: {
      type: 'string',
      value: 'ID',
      required: true,
      about: 'Add the faces to this existing collection.',
    },
    map: {
      type: 'string',
      value: 'FILE',
      completion: 'file',
      about: 'Read the external keys of folders and loose images from this CSV file.',
    },
    files: {
      type: 'boolean',
      about: 'Also add images directly in FOLDER. The name without its extension becomes the external key.',
    },
    'dry-run': { type: 'boolean', about: 'Show the planned external keys without adding anything.' },
    journal: {
      type: 'string',
      value: 'FILE',
      completion: 'file',
      about: 'Write the journal to this file. Default: a hidden file in FOLDER.',
    },
    ...ENVIRONMENT_OPTIONS,
    ...DATA_OPTIONS,
  },
  async run(values, [given]) {
    const config = loadConfig(environmentOf(values));
    const { collection: collectionId, environment } = values;
    const folder = resolve(given);
    const map = values.map === undefined ? new Map<string, string>() : readNameMap(values.map);
    const people = readFolder(folder, { map, looseFiles: values.files });
    if (values['dry-run']) {
      print(planOf(people), values.json, planText);
      if (lacksImages(people)) process.exitCode = EXIT.data;
      return;
    }
    const { images, refused, skipped, unknown } = people;
    const file = values.journal ?? join(folder, `.visage-import-${environment}-${collectionId}.jsonl`);
    const summary = await withOperatorApi(config, { name: 'visagectl import', environment }, async (api) => {
      await api('GET', `/v1/collection/get?${new URLSearchParams({ collectionId })}`).catch(
        (error: unknown) => {
          if (!(error instanceof VisageError && error.code === 'COLLECTION_NOT_FOUND')) throw error;
          throw new ExitError(
            EXIT.data,
            `The collection "${collectionId}" does not exist. Create it with \`visagectl collections create ${collectionId}\`.`,
          );
        },
      );
      const journal = openJournal(file);
      try {
        const work = new Import(api, { folder, collectionId, journal });
        work.summary.refused.push(...refused);
        await work.checkJournal();
        await work.recover(images);
        await runAll(work, images, 2 * config.threads);
        return { ...work.summary, skipped, unknown };
      } finally {
        journal.close();
      }
    });
    print(summary, values.json, textOf);
    if (summary.interrupted) process.exitCode = EXIT.forced;
    else if (lacksImages(summary)) process.exitCode = EXIT.data;
  },
});

function readFolder(folder: string, options: FolderOptions): People {
  let found: People;
  try {
    found = readPeople(folder, options);
  } catch (error) {
    throw new ExitError(EXIT.data, `Cannot read ${folder}: ${(error as NodeJS.ErrnoException).code}.`);
  }
  if (found.images.length + found.refused.length > 0) return found;
  const seen = leftOut(found).trimEnd().replaceAll('\n', ' ');
  throw new ExitError(
    EXIT.data,
    `Found no images in ${folder}: expected <person>/<image>.${seen && ` ${seen}`}`,
  );
}

function openJournal(file: string): Journal {
  try {
    return new Journal(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ExitError(
      EXIT.data,
      `Cannot write the journal ${file} (${code === 'ELOOP' ? 'symbolic link' : code}). Choose another file with ` +
        '--journal FILE.',
    );
  }
}
