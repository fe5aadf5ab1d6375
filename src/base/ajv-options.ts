/**
 * Checking and optimising Visage's schemas takes a third of the CPU time of a start;
 * `test/base/ajv-options.test.ts` checks them instead.
 */
export const TRUSTED_SCHEMAS = { meta: false, validateSchema: false, code: { optimize: false } } as const;
