/** What a check of the machine found. */
export interface Finding {
  /** What was looked at, such as `disk`. */
  readonly check: string;
  /** `problem`: the service does not work so; `warning`: it does, but not as it should. */
  readonly level: 'ok' | 'warning' | 'problem';
  readonly says: string;
  /** What to do; null where there is nothing to do. */
  readonly advice: string | null;
}

export function ok(check: string, says: string): Finding {
  return { check, level: 'ok', says, advice: null };
}

export function warning(check: string, says: string, advice: string): Finding {
  return { check, level: 'warning', says, advice };
}

export function problem(check: string, says: string, advice: string): Finding {
  return { check, level: 'problem', says, advice };
}
