import { isDeepStrictEqual } from 'node:util';
import type { Schema } from '../api/schema.ts';

type Json = { [name: string]: unknown };

const ONE = new Set(['items', 'additionalProperties', 'not']);
const LISTS = new Set(['anyOf', 'oneOf', 'allOf']);
const MAPS = new Set(['properties', 'patternProperties']);

/**
 * Answers permit unknown fields. Requests describe defaults in words, because generators require a property
 * with `default`.
 */
export type SchemaUse = 'request' | 'answer';

function isNullable(schema: Schema): boolean {
  return Array.isArray(schema.type) && schema.type.length === 2 && schema.type.includes('null');
}

function withSpokenDefault({ default: fallback, ...schema }: Schema): Schema {
  if (fallback === undefined) return schema;
  const words = `Default: \`${JSON.stringify(fallback)}\`.`;
  return { ...schema, description: schema.description ? `${schema.description} ${words}` : words };
}

/** Schemas of one title may differ only in description and null. */
export class ComponentSchemas {
  readonly #schemas = new Map<string, Json>();

  all(): Json {
    return Object.fromEntries([...this.#schemas].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** @throws Error if two schemas of one title differ. */
  refer(schema: Schema, use: SchemaUse): Json {
    if (typeof schema.title !== 'string') return this.#parts(schema, use);
    const { title, description, ...rest } = schema;
    const definition = this.#parts(isNullable(schema) ? { ...rest, type: this.#notNull(rest) } : rest, use);
    const known = this.#schemas.get(title);
    if (!known) this.#schemas.set(title, { ...(description ? { description } : {}), ...definition });
    else {
      const { description: _, ...before } = known;
      if (!isDeepStrictEqual(before, definition)) throw new Error(`Two schemas of the title ${title} differ`);
    }
    const own =
      known && description !== known.description && description !== undefined ? { description } : {};
    const reference = { $ref: `#/components/schemas/${title}` };
    return isNullable(schema)
      ? { anyOf: [reference, { type: 'null' }], ...(description ? { description } : {}) }
      : { ...reference, ...own };
  }

  #notNull({ type }: Schema): unknown {
    return (type as readonly string[]).find((each) => each !== 'null');
  }

  #parts(schema: Schema, use: SchemaUse): Json {
    const result: Json = {};
    for (const [keyword, value] of Object.entries(use === 'request' ? withSpokenDefault(schema) : schema)) {
      if (use === 'answer' && keyword === 'additionalProperties' && value === false) continue;
      result[keyword] = this.#value(keyword, value, use);
    }
    return result;
  }

  #value(keyword: string, value: unknown, use: SchemaUse): unknown {
    if (typeof value !== 'object' || value === null) return value;
    const each = (item: unknown) => this.refer(item as Schema, use);
    if (ONE.has(keyword)) return each(value);
    if (LISTS.has(keyword)) return (value as readonly unknown[]).map(each);
    if (!MAPS.has(keyword)) return value;
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, each(item)]));
  }
}
