export interface Finding {
  readonly check: string;
  /** `problem`: the service cannot work; `warning`: it works with a limitation. */
  readonly level: 'ok' | 'warning' | 'problem';
  readonly says: string;
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
