import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { TRUSTED_SCHEMAS } from '../base/ajv-options.ts';
import { Turn } from '../base/turns.ts';
import { type FieldError, VisageError } from '../errors.ts';
import { firstExcess } from './bounds.ts';
import { fieldErrors, MAX_NAME_LENGTH, type Place } from './field-errors.ts';
import type { FromSchema, Schema } from './schema.ts';
import { fromText } from './text-values.ts';

const MAX_PARAMETERS = 100;

const ajv = new Ajv2020({
  ...TRUSTED_SCHEMAS,
  allErrors: true,
  verbose: true,
  useDefaults: true,
  ownProperties: true,
  allowUnionTypes: true,
  validateFormats: false,
});

const uncompiled = new Set<() => ValidateFunction>();

/** Compiling all takes 0.3 s, which commands and tests that use a few need not spend. */
function compileAtFirstUse(schema: Schema): () => ValidateFunction {
  let validate: ValidateFunction | undefined;
  const compiled = () => {
    uncompiled.delete(compiled);
    validate ??= ajv.compile(schema);
    return validate;
  };
  uncompiled.add(compiled);
  return compiled;
}

/** @throws Error for an invalid schema. */
export async function compileAll(): Promise<void> {
  const turn = new Turn();
  for (const compiled of uncompiled) {
    if (turn.isOver) await turn.next();
    compiled();
  }
}

export type ValueKind = Place['kind'];

type Validated<S> = unknown extends FromSchema<S> ? Record<string, unknown> : FromSchema<S>;

export type Validator<S = Schema> = (value: unknown) => Validated<S>;

function refused(errors: readonly FieldError[]): VisageError {
  const [first] = errors;
  const where = first?.path ? `${first.path}: ` : 'The request: ';
  return new VisageError('VALIDATION_FAILED', `${where}${first?.message ?? 'is not valid'}.`, errors);
}

/** The validator throws `VALIDATION_FAILED` with every invalid field. */
export function compile<const S extends Schema>(
  schema: S,
  kind: ValueKind,
  place: Partial<Omit<Place, 'kind'>> = {},
): Validator<S> {
  const { here = null, elsewhere = {} } = place;
  const compiled = compileAtFirstUse(schema);
  return (given) => {
    const excess = firstExcess(schema, given);
    if (excess) throw refused([kind === 'textual' ? { ...excess, path: excess.path.slice(1) } : excess]);
    const value = kind === 'textual' ? fromText(schema, given) : given;
    const validate = compiled();
    if (validate(value)) return value as Validated<S>;
    throw refused(fieldErrors(validate.errors ?? [], { kind, here, elsewhere }));
  };
}

export function elsewhere(schema: Schema | undefined, where: string): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.keys((schema?.properties ?? {}) as object).map((name) => [name, where]));
}

/** @throws `VALIDATION_FAILED` for a repeated parameter, or more than a hundred. */
export function queryParameters(query: string): Record<string, string> {
  const parameters: Record<string, string> = Object.create(null);
  let count = 0;
  for (const [name, value] of new URLSearchParams(query)) {
    const isRepeated = Object.hasOwn(parameters, name);
    if (isRepeated || ++count > MAX_PARAMETERS) {
      const message = isRepeated
        ? 'expected once, is given more than once'
        : `expected at most ${MAX_PARAMETERS} parameters`;
      throw refused([{ path: name.slice(0, MAX_NAME_LENGTH), message }]);
    }
    parameters[name] = value;
  }
  return parameters;
}
