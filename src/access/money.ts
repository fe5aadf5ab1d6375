/** Money is kept in whole micro-dollars and shown in dollars. */

const MICROS = 1_000_000;

export function microsOf(dollars: number): number {
  return Math.round(dollars * MICROS);
}

export function dollarsOf(micros: number): number {
  return micros / MICROS;
}
