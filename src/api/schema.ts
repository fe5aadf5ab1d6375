export type { FromSchema } from '../base/schema-type.ts';

export type Schema = Readonly<Record<string, unknown>>;

export type Properties = Readonly<Record<string, Schema>>;

export type ObjectSchema<P extends Properties = Properties, R extends PropertyKey = PropertyKey> = {
  readonly type: 'object';
  readonly properties: P;
  readonly required?: readonly R[];
  readonly additionalProperties: false;
};

type Keywords = {
  readonly title?: string;
  readonly description?: string;
  readonly examples?: readonly unknown[];
};

/** All properties are required, unless `required` or `optional` names some. */
export function object<
  const P extends Properties,
  const R extends keyof P & string,
  const K extends Keywords,
>(properties: P, options: { readonly required: readonly R[] } & K): ObjectSchema<P, R> & Omit<K, 'required'>;
export function object<
  const P extends Properties,
  const O extends keyof P & string = never,
  const K extends Keywords = object,
>(
  properties: P,
  options?: { readonly optional?: readonly O[] } & K,
): ObjectSchema<P, Exclude<keyof P, O>> & Omit<K, 'optional'>;
export function object(
  properties: Properties,
  {
    optional = [],
    required,
    ...rest
  }: { optional?: readonly string[]; required?: readonly string[] } & Keywords = {},
): Schema {
  const names = Object.keys(properties).filter((name) =>
    required ? required.includes(name) : !optional.includes(name),
  );
  return {
    type: 'object',
    properties,
    ...(names.length > 0 ? { required: names } : {}),
    additionalProperties: false,
    ...rest,
  };
}

export function titled<S extends Schema>(title: string, schema: S): S & { readonly title: string } {
  return { title, ...schema };
}

export const EMPTY = object({}, { examples: [{}] });

/** The body is a Buffer. The response needs a `contentType`. */
export const FILE = { type: 'string', format: 'binary' } as const satisfies Schema;

export function nullable<const S extends { readonly type: string } & Schema>(
  schema: S,
  description: string,
): Omit<S, 'type' | 'description'> & {
  readonly type: readonly [S['type'], 'null'];
  readonly description: string;
} {
  return { ...schema, type: [schema.type, 'null'], description };
}

export function requiredOf(schema: Schema): readonly string[] {
  return (schema.required ?? []) as readonly string[];
}
