/**
 * Checking and optimising schemas takes a third of a start's CPU time; `test/base/ajv-options.test.ts` checks
 * them instead.
 */
export const TRUSTED_SCHEMAS = { meta: false, validateSchema: false, code: { optimize: false } } as const;
