/** The time of day with more digits than `Date` has. */

const NANOSECONDS_PER_MS = 1_000_000n;

/** Nanoseconds since 1970 at the zero of the process's own clock. */
let origin = BigInt(Math.round((performance.timeOrigin + performance.now()) * 1e6)) - process.hrtime.bigint();

/** The process's clock may be so far from the system's, milliseconds, before the system's was set. */
const MAX_DRIFT_MS = 2;

/** Nanoseconds since 1970 by the system's clock, its fractions of a millisecond by the process's. */
function nanoseconds(): bigint {
  const system = Date.now();
  const precise = origin + process.hrtime.bigint();
  if (Math.abs(Number(precise / NANOSECONDS_PER_MS) - system) <= MAX_DRIFT_MS) return precise;
  origin = BigInt(system) * NANOSECONDS_PER_MS - process.hrtime.bigint();
  return origin + process.hrtime.bigint();
}

/** UTC with seven fractional digits, such as `2026-01-26T13:45:30.1234567Z`. */
export function utcNow(): string {
  const now = nanoseconds();
  const seconds = new Date(Number(now / NANOSECONDS_PER_MS)).toISOString().slice(0, 19);
  const fraction = String((now / 100n) % 10_000_000n).padStart(7, '0');
  return `${seconds}.${fraction}Z`;
}
