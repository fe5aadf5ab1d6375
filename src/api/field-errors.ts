import type { ErrorObject } from 'ajv/dist/2020.js';
import type { FieldError } from '../errors.ts';
import type { Schema } from './schema.ts';

const MAX_ERRORS = 20;
export const MAX_NAME_LENGTH = 64;
const MAX_SHOWN = 32;

export interface Place {
  /** `textual`: queries and forms; `typed`: JSON. */
  readonly kind: 'typed' | 'textual';
  readonly here: string | null;
  readonly elsewhere: Readonly<Record<string, string>>;
}

function range(least: unknown, most: unknown): string {
  if (least === undefined) return most === undefined ? '' : ` of at most ${most}`;
  return most === undefined ? ` of at least ${least}` : ` from ${least} to ${most}`;
}

function lengths(least: unknown, most: unknown, unit: string): string {
  if (most === undefined) return least === undefined ? '' : ` of at least ${least} ${unit}`;
  return least === undefined ? ` of at most ${most} ${unit}` : ` of ${least} to ${most} ${unit}`;
}

function typeInWords(type: unknown, schema: Schema): string {
  switch (type) {
    case 'number':
      return `a number${range(schema.minimum, schema.maximum)}`;
    case 'integer':
      return `a whole number${range(schema.minimum, schema.maximum)}`;
    case 'boolean':
      return 'true or false';
    case 'string':
      return `text${lengths(schema.minLength, schema.maxLength, 'characters')}`;
    case 'array':
      return `a list${lengths(schema.minItems, schema.maxItems, 'entries')}`;
    case 'object':
      return 'an object';
    default:
      return String(type);
  }
}

function expected(schema: Schema): string {
  if (schema.enum) return `one of ${(schema.enum as unknown[]).join(', ')}`;
  return [schema.type]
    .flat()
    .map((type) => typeInWords(type, schema))
    .join(' or ');
}

/** Text may be secret: errors show it only if a query or form expects another type. */
function got({ data, parentSchema = {} }: ErrorObject, kind: Place['kind']): string {
  if (typeof data === 'string') {
    const isText = [parentSchema.type].flat().includes('string') || parentSchema.type === undefined;
    if (kind === 'typed' || isText) return `text of ${data.length} characters`;
    return JSON.stringify(data.length > MAX_SHOWN ? `${data.slice(0, MAX_SHOWN)}...` : data);
  }
  if (Array.isArray(data)) return `a list of ${data.length} entries`;
  return typeof data === 'object' && data !== null ? 'an object' : String(data);
}

function unknownName(error: ErrorObject, { here, elsewhere }: Place): string {
  const name = String(error.params.additionalProperty);
  if (Object.hasOwn(elsewhere, name)) return `belongs in ${elsewhere[name]}${here ? `, not in ${here}` : ''}`;
  const known = Object.keys((error.parentSchema?.properties ?? {}) as object);
  const takes = known.length > 0 ? `expected one of ${known.join(', ')}` : 'expected none';
  return `is not a parameter of this call${here ? ` in ${here}` : ''}: ${takes}`;
}

const PATTERNS: Readonly<Record<string, string>> = {
  '^[\\x21-\\x7E]+$': 'visible ASCII characters without spaces',
  '^[A-Za-z0-9_.-]+$': 'letters from A to Z, digits, "_", "." and "-" only',
  '^[A-Za-z0-9_-]+$': 'letters from A to Z, digits, "_" and "-" only',
  '^[^\\p{C}\\p{Zl}\\p{Zp}]+$': 'printable characters only',
  '^[A-Za-z.-]+$': 'letters from A to Z, "." and "-" only',
  '^[a-z0-9][a-z0-9-]*$': 'lower-case letters, digits and "-", with no "-" at the start',
  '^[^\\s@]+@[^\\s@]+$': 'an e-mail address',
  '^mem_[0-9A-HJKMNP-TV-Z]{26}$': 'the id of a member',
  '^evt_[0-9A-HJKMNP-TV-Z]{26}$': 'the id of an event',
  '^\\d{4}-\\d\\d-\\d\\d$': 'a day as year-month-day',
  '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d{1,3})?Z$': 'a UTC time',
  '^[1-9]\\d{0,14}$': 'a nextCursor of an earlier answer',
};

function messageOf(error: ErrorObject, place: Place): string {
  const schema = (error.parentSchema ?? {}) as Schema;
  switch (error.keyword) {
    case 'required':
      return error.instancePath === '' && place.here ? `is required in ${place.here}` : 'is required';
    case 'additionalProperties':
      return unknownName(error, place);
    case 'pattern': {
      const [example] = (schema.examples ?? []) as unknown[];
      const such = example === undefined ? '' : `, such as ${JSON.stringify(example)}`;
      return `expected ${PATTERNS[error.schema as string] ?? 'another form'}${such}`;
    }
    case 'uniqueItems':
      return 'expected entries that differ from each other';
    case 'not':
      return `expected ${(error.schema as Schema).$comment}, got ${got(error, place.kind)}`;
    default:
      return `expected ${expected(schema)}, got ${got(error, place.kind)}`;
  }
}

function pathOf(error: ErrorObject, { kind }: Place): string {
  const { missingProperty, additionalProperty } = error.params as Record<string, string | undefined>;
  const name = missingProperty ?? additionalProperty;
  const escaped = name?.slice(0, MAX_NAME_LENGTH).replaceAll('~', '~0').replaceAll('/', '~1');
  const pointer = escaped === undefined ? error.instancePath : `${error.instancePath}/${escaped}`;
  return kind === 'textual' ? pointer.slice(1) : pointer;
}

export function fieldErrors(errors: readonly ErrorObject[], place: Place): FieldError[] {
  return errors
    .slice(0, MAX_ERRORS)
    .map((error) => ({ path: pathOf(error, place), message: messageOf(error, place) }));
}
