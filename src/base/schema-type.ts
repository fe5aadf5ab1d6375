type OneOf<T> = T extends readonly (infer Item)[] ? Item : T;

type Defaulted<P> = { [N in keyof P]: P[N] extends { readonly default: unknown } ? N : never }[keyof P];

type Present<S, P> = Defaulted<P> | (S extends { readonly required?: infer R } ? OneOf<R> & keyof P : never);

type Fields<S, P> = {
  readonly [N in Present<S, P>]: FromSchema<P[N]>;
} & {
  readonly [N in Exclude<keyof P, Present<S, P>>]?: FromSchema<P[N]>;
};

type Flat<T> = { [N in keyof T]: T[N] };

type OfType<T, S> = T extends 'string'
  ? S extends { readonly format: 'binary' }
    ? Buffer
    : string
  : T extends 'number' | 'integer'
    ? number
    : T extends 'boolean'
      ? boolean
      : T extends 'null'
        ? null
        : T extends 'array'
          ? readonly (S extends { readonly items: infer Item } ? FromSchema<Item> : unknown)[]
          : T extends 'object'
            ? S extends { readonly properties: infer P }
              ? Flat<Fields<S, P>>
              : S extends { readonly additionalProperties: infer Value extends object }
                ? Readonly<Record<string, FromSchema<Value>>>
                : object
            : unknown;

/** `unknown` without literal types, so write schemas `as const`. */
export type FromSchema<S> = S extends { readonly const: infer Value }
  ? Value
  : S extends { readonly enum: infer Values }
    ? OneOf<Values>
    : S extends { readonly anyOf: infer Schemas }
      ? FromSchema<OneOf<Schemas>>
      : S extends { readonly type: infer Type }
        ? OfType<OneOf<Type>, S>
        : unknown;
