import { parseDecimal } from '../base/decimal.ts';
import type { Schema } from './schema.ts';

const BOOLEANS: Readonly<Record<string, boolean>> = { true: true, false: false };

function isOf(schema: Schema, type: string): boolean {
  return [schema.type].flat().includes(type);
}

/** Leaves unreadable text to the validation. */
export function fromText(schema: Schema, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => fromText((schema.items ?? {}) as Schema, item));
  if (typeof value === 'object' && value !== null) {
    const properties = (schema.properties ?? {}) as Readonly<Record<string, Schema>>;
    const read: Record<string, unknown> = Object.create(null);
    for (const [name, item] of Object.entries(value)) {
      read[name] = Object.hasOwn(properties, name) ? fromText(properties[name] as Schema, item) : item;
    }
    return read;
  }
  if (typeof value !== 'string') return value;
  if (isOf(schema, 'number') || isOf(schema, 'integer')) {
    return value === 'null' && isOf(schema, 'null') ? null : (parseDecimal(value) ?? value);
  }
  if (isOf(schema, 'boolean')) return Object.hasOwn(BOOLEANS, value) ? BOOLEANS[value] : value;
  return value;
}
