const NANOSECONDS_PER_MS = 1_000_000n;

/** Nanoseconds since 1970 at zero of the monotonic clock. */
let origin = BigInt(Math.round((performance.timeOrigin + performance.now()) * 1e6)) - process.hrtime.bigint();

const MAX_DRIFT_MS = 2;

function nanoseconds(): bigint {
  const system = Date.now();
  const precise = origin + process.hrtime.bigint();
  if (Math.abs(Number(precise / NANOSECONDS_PER_MS) - system) <= MAX_DRIFT_MS) return precise;
  origin = BigInt(system) * NANOSECONDS_PER_MS - process.hrtime.bigint();
  return origin + process.hrtime.bigint();
}

/** Seven fractional digits. */
export function utcNow(): string {
  const now = nanoseconds();
  const seconds = new Date(Number(now / NANOSECONDS_PER_MS)).toISOString().slice(0, 19);
  const fraction = String((now / 100n) % 10_000_000n).padStart(7, '0');
  return `${seconds}.${fraction}Z`;
}
