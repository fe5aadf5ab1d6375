import { type AuditActor, type Caller, tenantOf } from '../api/caller.ts';
import type { ImageInput } from '../api/route.ts';
import { VisageError } from '../errors.ts';
import type { CollectionKey } from '../store/databases.ts';
import type { MovingPlace } from '../store/migrations.ts';
import type { Collection } from '../store/records.ts';
import { innerProduct } from '../vision/impostors.ts';
import { livenessOf } from '../vision/liveness.ts';
import { qualityOf } from '../vision/quality.ts';
import type { Recognizer } from '../vision/recognizer.ts';
import { isSameFace } from './face-analysis.ts';
import type { Migrator, MigratorParts } from './migrator.ts';
import type { RecordSighting, SightingWatch } from './requests.ts';

/** Of the match, and of two sightings: a false match rate of one in a million. */
const LEAST_SIMILARITY = 95;
const LEAST_QUALITY = 50;
/** From this cosine on, two images count as copies of one. */
const SAME_IMAGE = 0.999;

/** A first sighting is provisional until one of another image confirms it. */
export class Sightings implements SightingWatch {
  readonly #parts: Pick<MigratorParts, 'store' | 'audit' | 'now' | 'log'>;
  readonly #migrator: Pick<Migrator, 'add'>;

  constructor(
    parts: Pick<MigratorParts, 'store' | 'audit' | 'now' | 'log'>,
    migrator: Pick<Migrator, 'add'>,
  ) {
    this.#parts = parts;
    this.#migrator = migrator;
  }

  watch(
    caller: Caller,
    { collectionId }: Collection,
    recognizer: Recognizer,
    second: Recognizer | null,
  ): RecordSighting | null {
    if (!second?.liveness || caller.allowedExternalKeys !== null || second.sharesTemplates(recognizer))
      return null;
    const key: CollectionKey = [caller.accountId, caller.environment, collectionId];
    const place = this.#parts.store.migrations.place(key);
    if (place?.rows.second?.state !== 'moving' || !place.rows.second.sightings) return null;
    return async (image, seen) => {
      try {
        await this.#see(caller, place as MovingPlace, second, image, seen);
      } catch (error) {
        if (!(error instanceof VisageError)) this.#parts.log.error({ err: error }, 'a sighting failed');
      }
    };
  }

  async #see(
    caller: Caller,
    place: MovingPlace,
    second: Recognizer,
    { data, encoding }: ImageInput,
    { box, label, faceId, similarity }: Parameters<RecordSighting>[1],
  ): Promise<void> {
    const { store, now } = this.#parts;
    const rows = place.rows.second.gallery;
    if (similarity < LEAST_SIMILARITY || store.migrations.hasRow(rows, label)) return;
    const request = { attributes: true, liveness: true, largestOnly: true };
    const analysis = await second.analyze(data, encoding, request, tenantOf(caller));
    const { template, liveness, faces } = analysis;
    if (!template || !liveness || !second.liveness || !faces[0]) return;
    const least = Math.max(LEAST_QUALITY, place.collection.minQuality ?? 0);
    if (!isSameFace(faces[0].box, box) || qualityOf(analysis, 0).score < least) return;
    if (!livenessOf([liveness], second.liveness).isLive) return;
    const by = caller.key?.id ?? caller.member?.id ?? '';
    const earlier = store.migrations.sighting(rows, label);
    const first = earlier?.template ? vectorOf(earlier.template) : null;
    if (first && innerProduct(first, template) >= SAME_IMAGE) return;
    if (!first || similarityOf(second, first, template) < LEAST_SIMILARITY) {
      const sighting = { template: Buffer.from(Float32Array.from(template).buffer), at: now(), by: [by] };
      if (await store.migrations.putSighting(place, label, sighting)) {
        await this.#record(caller, 'migration.sighting', place, faceId);
      }
      return;
    }
    const row = second.space.row(meanOf(first, template));
    const sighting = { at: now(), by: [...(earlier?.by ?? []), by] };
    if (await this.#migrator.add(place, { label, row, sighting })) {
      await this.#record(caller, 'migration.confirm', place, faceId);
    }
  }

  #record(caller: Caller, action: string, { key }: MovingPlace, target: string): Promise<void> {
    const { accountId, environment, key: apiKey, member } = caller;
    const actor: AuditActor = apiKey
      ? { kind: 'key', id: apiKey.id }
      : { kind: 'member', id: member?.id ?? null };
    return this.#parts.audit({ actor, action, accountId, environment, collectionId: key[2], target });
  }
}

function similarityOf({ space, similarity }: Recognizer, a: Float32Array, b: Float32Array): number {
  const [score] = space.compare(space.row(a), [space.row(b)]);
  return similarity.toSimilarity(score as number);
}

function vectorOf(bytes: Buffer): Float32Array {
  return new Float32Array(Uint8Array.from(bytes).buffer);
}

function meanOf(a: Float32Array, b: Float32Array): Float32Array {
  const sum = a.map((value, i) => value + (b[i] as number));
  const length = Math.sqrt(innerProduct(sum, sum));
  return sum.map((value) => value / length);
}
