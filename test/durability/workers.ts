import type { Ledger, LedgerFace } from './ledger.ts';
import type { Pictures } from './pictures.ts';

const ITSELF = 99;
const SAME_PERSON = 97;

export class Unanswered extends Error {}

export class ServiceClient {
  readonly #url: string;
  readonly #key: string;
  answered = 0;
  onAnswer: () => void = () => {};

  constructor(url: string, key: string) {
    this.#url = url;
    this.#key = key;
  }

  /** @throws Unanswered; Error for every answer but 200. */
  async call(method: string, path: string, parameters: Record<string, unknown>, image?: Buffer) {
    const inQuery = image !== undefined || method === 'DELETE' || method === 'GET';
    const query = inQuery ? `?${new URLSearchParams(parameters as Record<string, string>)}` : '';
    const headers = {
      Authorization: `ApiKey ${this.#key}`,
      'Content-Type': image ? 'image/jpeg' : 'application/json',
    };
    const body = image ? new Uint8Array(image) : inQuery ? null : JSON.stringify(parameters);
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${this.#url}/v1/${path}${query}`, { method, headers, body });
      text = await response.text();
    } catch (cause) {
      throw new Unanswered('no answer', { cause });
    }
    if (response.status !== 200) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
    this.answered++;
    this.onAnswer();
    return JSON.parse(text);
  }
}

export interface Work {
  readonly client: ServiceClient;
  readonly ledger: Ledger;
  readonly pictures: Pictures;
  /** 0 to below 1; the same every time for the same seed. */
  readonly random: () => number;
  readonly nextPicture: (collectionId: string) => number;
}

function pick<T>(random: () => number, from: readonly T[]): T | undefined {
  return from[Math.floor(random() * from.length)];
}

async function add(work: Work, collectionId: string, externalKey: string | null): Promise<LedgerFace> {
  const number = work.nextPicture(collectionId);
  const picture = await work.pictures.get(number);
  const call = async () => {
    const [path, key] = externalKey === null ? ['face/index', {}] : ['face/enroll', { externalKey }];
    return (await work.client.call('POST', path, { collectionId, ...key }, picture)).faceId;
  };
  return work.ledger.adding(collectionId, number, call, externalKey);
}

/**
 * Offsets differ, so another image of the person may score more; then a comparison with the face decides.
 * @throws Error unless the next search after an acknowledgement finds the face.
 */
export async function expectFound({ client, pictures }: Work, face: LedgerFace): Promise<void> {
  const picture = await pictures.get(face.picture);
  const parameters = { collectionId: face.collectionId, faceMatchThreshold: ITSELF };
  const answer = await client.call('POST', 'face/search', parameters, picture);
  if (face.state === 'gone') {
    if (answer.faceId === face.faceId)
      throw new Error('A search found a face whose deletion was acknowledged');
  } else if (answer.faceId !== face.faceId || answer.externalKey !== face.state.key) {
    const { collectionId, faceId } = face;
    const isOther = answer.faceId !== null && answer.faceId !== faceId;
    if (
      isOther &&
      (await client.call('POST', 'face/verify', { ...parameters, collectionId, faceId }, picture)).isMatch
    )
      return;
    throw new Error(
      `A search of ${face.collectionId} did not find an acknowledged face with its external key`,
    );
  }
}

export async function keepWriting(work: Work, collectionId: string, name: string): Promise<never> {
  const { client, ledger, random } = work;
  const own: LedgerFace[] = [];
  for (let n = 0; ; n++) {
    const face = pick(random, own);
    const dice = random();
    if (!face || dice < 0.4) {
      own.push(await add(work, collectionId, dice < 0.2 ? `${name}-${n}` : null));
    } else if (dice < 0.6) {
      const key = `${name}-${n}`;
      const request = { collectionId, faceId: face.faceId, externalKey: key };
      await ledger.changing([face], { key }, () => client.call('PUT', 'external-key/set', request));
    } else if (dice < 0.7 && face.state !== 'gone' && face.state.key !== null) {
      const parameters = { collectionId, externalKey: face.state.key };
      await ledger.changing([face], { key: null }, () =>
        client.call('DELETE', 'external-key/delete', parameters),
      );
    } else if (dice < 0.85) {
      const key = face.state === 'gone' ? null : face.state.key;
      const which = key === null ? { faceId: face.faceId } : { externalKey: key };
      await ledger.changing([face], 'gone', () =>
        client.call('DELETE', 'face/delete', { collectionId, ...which }),
      );
      own.splice(own.indexOf(face), 1);
      await expectFound(work, face);
    } else {
      await expectFound(work, face);
    }
  }
}

export async function keepClearing(work: Work, collectionId: string): Promise<never> {
  const { client, ledger } = work;
  for (let n = 0; ; n++) {
    for (let i = 0; i < 4; i++) await add(work, collectionId, null);
    const faces = ledger.facesOf(collectionId);
    if (n % 2 === 0) {
      await ledger.changing(faces, 'gone', () => client.call('DELETE', 'collection/reset', { collectionId }));
    } else {
      await ledger.changing(faces, 'gone', () =>
        client.call('DELETE', 'collection/delete', { collectionId }),
      );
      await client.call('POST', 'collection/create', { collectionId });
    }
  }
}

/** Several of these run at once and must get the same ids. */
export async function bringEverybody(
  work: Work,
  collectionId: string,
  ids: Map<number, string>,
): Promise<void> {
  const { client, ledger, pictures } = work;
  for (let person = 0; person < pictures.people; person++) {
    const picture = await pictures.get(person);
    const face = await ledger.adding(collectionId, person, async () => {
      const parameters = { collectionId, faceMatchThreshold: SAME_PERSON };
      return (await client.call('POST', 'face/search-or-index', parameters, picture)).faceId;
    });
    const told = ids.get(person);
    if (told !== undefined && told !== face.faceId) throw new Error('One person was indexed twice');
    ids.set(person, face.faceId);
  }
}
