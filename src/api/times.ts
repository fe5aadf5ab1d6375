import { VisageError } from '../errors.ts';

export const UTC_TIME = {
  type: 'string',
  pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d{1,3})?Z$',
  maxLength: 24,
  examples: ['2026-01-15T10:30:00.000Z'],
} as const;

/**
 * @param path the parameter's name.
 * @throws `VALIDATION_FAILED`
 */
export function timeOf(path: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const time = Date.parse(value);
  if (!Number.isNaN(time)) return time;
  const message = 'expected a UTC time, such as 2026-01-15T10:30:00Z';
  throw new VisageError('VALIDATION_FAILED', `${path}: ${message}.`, [{ path, message }]);
}
