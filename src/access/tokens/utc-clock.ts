const NANOSECONDS_PER_MS = 1_000_000n;

/** Nanoseconds since 1970 at zero of the monotonic clock. */
let origin = BigInt(Math.round((performance.timeOrigin + performance.now()) * 1e6)) - process.hrtime.bigint();

/** More drift indicates a change of the system clock. */
const MAX_DRIFT_MS = 2;

/** Milliseconds from the system clock, fractions from the monotonic clock. */
function nanoseconds(): bigint {
  const system = Date.now();
  const precise = origin + process.hrtime.bigint();
  if (Math.abs(Number(precise / NANOSECONDS_PER_MS) - system) <= MAX_DRIFT_MS) return precise;
  origin = BigInt(system) * NANOSECONDS_PER_MS - process.hrtime.bigint();
  return origin + process.hrtime.bigint();
}

/** Seven fractional digits, such as `2026-01-26T13:45:30.1234567Z`. */
export function utcNow(): string {
  const now = nanoseconds();
  const seconds = new Date(Number(now / NANOSECONDS_PER_MS)).toISOString().slice(0, 19);
  const fraction = String((now / 100n) % 10_000_000n).padStart(7, '0');
  return `${seconds}.${fraction}Z`;
}
