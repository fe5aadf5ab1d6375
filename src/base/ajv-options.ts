/**
 * For Visage's schemas. Validating and optimising them takes a third of the CPU time of a start;
 * `test/base/ajv-options.test.ts` validates them instead.
 */
export const TRUSTED_SCHEMAS = { meta: false, validateSchema: false, code: { optimize: false } } as const;
