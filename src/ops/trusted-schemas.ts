/**
 * For every Ajv that compiles schemas of ours. Ajv would first compile the schema of schemas, once for each instance, hold
 * each of ours against it, and rewrite the code that it makes: a third of the processor time of a start. Our schemas are
 * the same each time, so a test holds them against it (`test/ops/trusted-schemas.test.ts`); the code is as fast
 * without.
 */
export const TRUSTED_SCHEMAS = { meta: false, validateSchema: false, code: { optimize: false } } as const;
