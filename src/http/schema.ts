/** JSON Schemas and the like, as the tables of routes are written with. */
import type { ImageParameters, Schema } from './route.ts';

/** An object schema that takes no other property; all of them are required but those named. */
export function object(
  properties: Readonly<Record<string, Schema>>,
  { optional = [], ...rest }: { optional?: readonly string[]; [keyword: string]: unknown } = {},
): Schema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return {
    type: 'object',
    properties,
    ...(required.length > 0 ? { required } : {}),
    additionalProperties: false,
    ...rest,
  };
}

/** A route's one picture. */
export const ONE_IMAGE: ImageParameters = { image: { kind: 'one', required: true } };

/** The answer of calls that say nothing but that they succeeded. */
export const EMPTY: Schema = object({}, { examples: [{}] });

/** The same schema with null allowed. */
export function nullable(schema: Schema, description: string): Schema {
  return { ...schema, type: [schema.type, 'null'], description };
}

/** The names of the properties that an object schema requires. A body that requires none may be left out. */
export function requiredOf(schema: Schema): readonly string[] {
  return (schema.required ?? []) as readonly string[];
}
