/** Validation would visit each item of an oversized value. */
import type { FieldError } from '../errors.ts';
import type { Schema } from './schema.ts';

const MAX_UNKNOWN = 20;

function hasMoreThan(value: object, most: number): boolean {
  let count = 0;
  for (const _ in value) if (++count > most) return true;
  return false;
}

export function firstExcess(schema: Schema, value: unknown, path = ''): FieldError | null {
  if (Array.isArray(value)) {
    const most = (schema.maxItems as number | undefined) ?? 0;
    if (value.length > most) {
      return { path, message: `expected a list of at most ${most} entries, got ${value.length}` };
    }
    return firstOf(value.entries(), path, () => schema.items as Schema | undefined);
  }
  if (typeof value !== 'object' || value === null) return null;
  const properties = (schema.properties ?? {}) as Readonly<Record<string, Schema>>;
  const most = Object.keys(properties).length + MAX_UNKNOWN;
  if (hasMoreThan(value, most)) return { path, message: `expected an object of at most ${most} properties` };
  return firstOf(Object.entries(value), path, (name) =>
    Object.hasOwn(properties, name) ? properties[name as string] : undefined,
  );
}

function firstOf(
  entries: Iterable<[string | number, unknown]>,
  path: string,
  schemaOf: (name: string | number) => Schema | undefined,
): FieldError | null {
  for (const [name, item] of entries) {
    const schema = schemaOf(name);
    const excess = schema && firstExcess(schema, item, `${path}/${name}`);
    if (excess) return excess;
  }
  return null;
}
