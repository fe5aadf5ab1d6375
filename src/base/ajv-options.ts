/** `test/base/ajv-options.test.ts` checks the schemas, which costs CPU time. */
export const TRUSTED_SCHEMAS = { meta: false, validateSchema: false, code: { optimize: false } } as const;
