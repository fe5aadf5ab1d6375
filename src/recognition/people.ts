import type { Caller } from '../api/caller.ts';
import { decodeCursor, encodeCursor } from '../api/paging.ts';
import { inTurns } from '../base/turns.ts';
import { VisageError } from '../errors.ts';
import type { Renaming } from '../store/external-keys.ts';
import { PERSON_SORTS, type Person, type PersonSort, sortValue } from '../store/people-table.ts';
import { checkAllowed, collectionOf, maySee } from './collection-access.ts';
import type { RecognitionParts } from './requests.ts';

const CURSOR = new RegExp(
  `^(${PERSON_SORTS.join('|')}) (asc|desc) (-?[0-9]{1,17}(?:\\.[0-9]{1,24})?(?:e-?[0-9]{1,2})?) ([!-~]{1,512})$`,
);

interface ListRequest {
  readonly filter?: string | undefined;
  readonly sort: PersonSort;
  readonly order: 'asc' | 'desc';
  readonly cursor?: string | undefined;
  readonly limit: number;
}

export interface ListedPerson extends Omit<Person, 'bestLabel'> {
  readonly faceId: string;
  readonly hasThumbnail: boolean;
}

interface ListAnswer {
  readonly people: readonly ListedPerson[];
  readonly total: number;
  readonly nextCursor: string | null;
}

export class PeopleService {
  readonly #parts: RecognitionParts;

  constructor(parts: RecognitionParts) {
    this.#parts = parts;
  }

  /** @throws `COLLECTION_NOT_FOUND`, `COLLECTION_NOT_ALLOWED`, `VALIDATION_FAILED`. */
  async list(caller: Caller, collectionId: string, request: ListRequest): Promise<ListAnswer> {
    const { store } = this.#parts;
    const { sort, order, filter, limit } = request;
    const after = placeOf(request);
    const query = { sort, isDescending: order === 'desc', filter, after, limit: limit + 1 };
    for (;;) {
      const { gallery } = collectionOf(store, caller, collectionId);
      const allowed = caller.allowedExternalKeys;
      const found = await (allowed === null
        ? store.people.page(gallery, query)
        : store.people.pageOf(gallery, allowed, query));
      const page = found.people.slice(0, limit);
      const people = await this.#shown(caller, gallery, page);
      if (collectionOf(store, caller, collectionId).gallery !== gallery) continue;
      const last = page.at(-1);
      const isLast = found.people.length <= limit || !last;
      const nextCursor = isLast
        ? null
        : encodeCursor(`${sort} ${order} ${sortValue(last, sort)} ${last.externalKey}`);
      return { people, total: found.total, nextCursor };
    }
  }

  /**
   * @throws `COLLECTION_NOT_FOUND`, `COLLECTION_NOT_ALLOWED`, `FACE_NOT_FOUND`, `FACE_NOT_ALLOWED`,
   * `EXTERNAL_KEY_CONFLICT`; `VALIDATION_FAILED` for equal keys.
   */
  async rename(caller: Caller, collectionId: string, renaming: Renaming): Promise<number> {
    const { store, events } = this.#parts;
    const { externalKey, newExternalKey } = renaming;
    checkAllowed(store, caller, collectionId);
    if (externalKey === newExternalKey) {
      const message = 'expected another external key';
      throw new VisageError('VALIDATION_FAILED', `newExternalKey: ${message}.`, [
        { path: '/newExternalKey', message },
      ]);
    }
    await store.externalKeys.rename(caller, collectionId, renaming);
    const operation = 'renameExternalKey';
    events.record(caller, { type: 'assign', result: 'assigned', operation, collectionId });
    const gallery = store.collections.get(caller, collectionId)?.gallery;
    return gallery === undefined ? 0 : store.externalKeys.count(gallery, [newExternalKey]);
  }

  async #shown(caller: Caller, gallery: number, people: readonly Person[]): Promise<ListedPerson[]> {
    const { store } = this.#parts;
    const shown: ListedPerson[] = [];
    for await (const listed of inTurns(people)) {
      const { externalKey } = listed;
      let person: Person | null = listed;
      let face = store.faces.get({ gallery, label: person.bestLabel });
      if (face?.externalKey !== externalKey) {
        person = await store.people.person(gallery, externalKey);
        face = person && store.faces.get({ gallery, label: person.bestLabel });
      }
      if (!person || !face || !maySee(caller, face)) continue;
      const { bestLabel, ...rest } = person;
      const hasThumbnail = store.thumbnails.has({ gallery, label: bestLabel });
      shown.push({ ...rest, faceId: face.faceId, hasThumbnail });
    }
    return shown;
  }
}

function placeOf({ sort, order, cursor }: ListRequest) {
  const [, ownSort, ownOrder, value, externalKey] = decodeCursor(cursor, CURSOR)?.match(CURSOR) ?? [];
  if (externalKey === undefined) return null;
  if (ownSort === sort && ownOrder === order) return { value: Number(value), externalKey };
  const message = 'expected the nextCursor of an answer with the same sort and order';
  throw new VisageError('VALIDATION_FAILED', `cursor: ${message}.`, [{ path: 'cursor', message }]);
}
