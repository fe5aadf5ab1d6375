/** Validation of what comes in, by the schemas of the route table. */
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { type FieldError, VisageError } from '../errors.ts';
import { TRUSTED_SCHEMAS } from '../ops/trusted-schemas.ts';
import type { Schema } from './route.ts';

/** More errors than these help nobody. */
const MAX_ERRORS = 20;
const MAX_NAME_LENGTH = 64;

const OPTIONS = {
  ...TRUSTED_SCHEMAS,
  allErrors: true,
  useDefaults: true,
  ownProperties: true,
  allowUnionTypes: true,
  validateFormats: false,
};
const typed = new Ajv2020(OPTIONS);
const textual = new Ajv2020({ ...OPTIONS, coerceTypes: true });

/** How the values of an object arrive: with JSON's types, or all as text (queries and forms). */
export type ValueKind = 'typed' | 'textual';

/** Checks a value, fills defaults in and, where it is textual, makes numbers and booleans of text. */
export type Validator = (value: unknown) => Record<string, unknown>;

function fieldOf(error: ErrorObject, kind: ValueKind): string {
  const { missingProperty, additionalProperty } = error.params as Record<string, string | undefined>;
  const name = missingProperty ?? additionalProperty;
  const escaped = name?.slice(0, MAX_NAME_LENGTH).replaceAll('~', '~0').replaceAll('/', '~1');
  const pointer = escaped === undefined ? error.instancePath : `${error.instancePath}/${escaped}`;
  // The parameters of queries and forms are flat, so their names alone say it.
  return kind === 'textual' ? pointer.slice(1) : pointer;
}

function messageOf(error: ErrorObject): string {
  if (error.keyword === 'required') return 'is required';
  if (error.keyword === 'additionalProperties') return 'is not a parameter of this call';
  if (error.keyword === 'enum')
    return `must be one of ${(error.params.allowedValues as unknown[]).join(', ')}`;
  return error.message ?? 'is not valid';
}

function fieldErrors(errors: readonly ErrorObject[], kind: ValueKind): FieldError[] {
  return errors
    .slice(0, MAX_ERRORS)
    .map((error) => ({ path: fieldOf(error, kind), message: messageOf(error) }));
}

/**
 * Compiles a schema, once per route.
 * @returns a validator that throws a VisageError `VALIDATION_FAILED` with every field that is wrong, and no value.
 */
export function compile(schema: Schema, kind: ValueKind): Validator {
  const validate: ValidateFunction = (kind === 'typed' ? typed : textual).compile(schema);
  return (value) => {
    if (validate(value)) return value as Record<string, unknown>;
    const errors = fieldErrors(validate.errors ?? [], kind);
    const first = errors[0];
    const detail = first?.path ? `${first.path}: ${first.message}.` : 'The request is not valid.';
    throw new VisageError('VALIDATION_FAILED', detail, errors);
  };
}

/**
 * The parameters of a query, all text.
 * @throws VisageError `VALIDATION_FAILED` if one is given twice or there are more than a hundred.
 */
export function queryParameters(query: string): Record<string, string> {
  const parameters: Record<string, string> = Object.create(null);
  let count = 0;
  for (const [name, value] of new URLSearchParams(query)) {
    const path = name.slice(0, MAX_NAME_LENGTH);
    const message = Object.hasOwn(parameters, name)
      ? 'is given more than once'
      : ++count > 100
        ? 'is too much'
        : null;
    if (message !== null)
      throw new VisageError('VALIDATION_FAILED', `${path}: ${message}.`, [{ path, message }]);
    parameters[name] = value;
  }
  return parameters;
}
