import { parseNetwork } from '../base/ip-networks.ts';
import { parseListen } from './listen-address.ts';

interface Format {
  /** Completes "expected ...". */
  readonly expected: string;
  readonly test: (text: string) => boolean;
  readonly isPath: (text: string) => boolean;
}

const isGiven = (text: string) => text.length > 0;
const always = () => true;
const never = () => false;

export const FORMATS = {
  'host-port': {
    expected: 'host:port, such as "127.0.0.1:8080" or "[::1]:8080"',
    test: (text) => parseListen(text) !== null,
    isPath: never,
  },
  network: {
    expected: 'an IP address or a CIDR range, such as "10.0.0.5" or "10.0.0.0/8"',
    test: (text) => parseNetwork(text) !== null,
    isPath: never,
  },
  origin: {
    expected: 'an origin as browsers send it, such as "https://faces.example.com"',
    test: isOrigin,
    isPath: never,
  },
  plan: { expected: 'the name of a plan', test: isGiven, isPath: never },
  account: { expected: 'the id of an account', test: isGiven, isPath: never },
  file: { expected: 'the path of a file', test: isGiven, isPath: always },
  folder: { expected: 'the path of a folder', test: isGiven, isPath: always },
  'model-pack': {
    expected: 'the name of a folder in models/, or the path of a folder',
    test: isGiven,
    isPath: (text) => text.includes('/'),
  },
} satisfies Record<string, Format>;

function isOrigin(text: string): boolean {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) return false;
  return new URL(text).origin === text;
}

export type Schema = { readonly description?: string; readonly default?: unknown } & (
  | { readonly type: 'integer' | 'number'; readonly minimum: number; readonly maximum: number }
  | { readonly type: 'boolean' }
  | { readonly type: 'string'; readonly enum: readonly string[] }
  | { readonly type: 'string'; readonly format: keyof typeof FORMATS }
  | { readonly type: 'array'; readonly items: Schema }
  | {
      readonly type: 'object';
      readonly properties: Readonly<Record<string, Schema>>;
      readonly additionalProperties: false;
      readonly required?: readonly string[];
    }
  | {
      readonly type: 'object';
      readonly propertyNames?: { readonly enum: readonly string[] };
      readonly additionalProperties: Schema;
    }
);

export interface Source {
  readonly environment: NodeJS.ProcessEnv;
  readonly file: string | undefined;
}

export type Setting = {
  readonly schema: Schema;
  /** Such as `seconds`. */
  readonly unit?: string;
  /** Hidden from the API, such as the path of a private key. */
  readonly isSecret?: true;
  readonly reload: boolean;
  /** Help text: one imperative sentence. */
  readonly about: string;
  /** For `visage.toml`; required if the default is empty or a function. */
  readonly example?: unknown;
} & (
  | {
      /** Null: no value. The schema holds defaults of a table's keys. */
      readonly default: string | number | boolean | null | object;
    }
  | { readonly default: (source: Source) => string | number; readonly defaultText: string }
);

export function wholeNumber(minimum: number, maximum: number) {
  return { type: 'integer', minimum, maximum } as const;
}

export function text<const F extends keyof typeof FORMATS>(format: F) {
  return { type: 'string', format } as const;
}

export function oneOf<const C extends readonly string[]>(...choices: C) {
  return { type: 'string', enum: choices } as const;
}

export function list<const S extends Schema>(items: S) {
  return { type: 'array', items } as const;
}

export const BOOLEAN = { type: 'boolean' } as const;

/** Completes "expected ...". */
export function expected(schema: Schema, unit?: string): string {
  switch (schema.type) {
    case 'boolean':
      return 'true or false';
    case 'string':
      if ('enum' in schema) return `one of ${schema.enum.join(', ')}`;
      return FORMATS[schema.format].expected;
    case 'array':
      return `a list; each item is ${expected(schema.items)}`;
    case 'object':
      if ('properties' in schema) return `a table with ${Object.keys(schema.properties).join(', ')}`;
      return `a table; each value is ${expected(schema.additionalProperties)}`;
    default: {
      const noun = schema.type === 'integer' ? 'a whole number' : 'a number';
      return `${noun}${unit === undefined ? '' : ` of ${unit}`} from ${schema.minimum} to ${schema.maximum}`;
    }
  }
}

export function defaultsOf(schema: Schema): Readonly<Record<string, unknown>> {
  if (!('properties' in schema)) return {};
  const entries = Object.entries(schema.properties).filter(([, value]) => value.default !== undefined);
  return Object.fromEntries(entries.map(([key, value]) => [key, value.default]));
}
