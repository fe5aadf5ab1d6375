export interface Timeline<T> {
  /** Begin of each step, seconds since 1970. */
  readonly times: readonly number[];
  readonly step: number;
  readonly points: readonly (T | null)[];
}

interface Steps {
  readonly step: number;
  readonly count: number;
}

export function timelineOf<T>(
  points: readonly T[],
  timeOf: (point: T) => number,
  { step, count }: Steps,
  now: number,
): Timeline<T> {
  const slots = new Map(points.map((point) => [Math.floor(timeOf(point) / step), point]));
  const newest = Math.max(Math.floor(now / step), ...slots.keys());
  const all = Array.from({ length: count }, (_, index) => newest - count + 1 + index);
  return { step, times: all.map((slot) => slot * step), points: all.map((slot) => slots.get(slot) ?? null) };
}

export function valuesOf<T>({ points }: Timeline<T>, pick: (point: T) => number | null): (number | null)[] {
  return points.map((point) => (point === null ? null : pick(point)));
}

export function sumOf<T>({ points }: Timeline<T>, pick: (point: T) => number): number {
  return points.reduce((sum, point) => sum + (point === null ? 0 : pick(point)), 0);
}

export function newestWith<T>(
  { points }: Timeline<T>,
  pick: (point: T) => number | null,
): { readonly point: T; readonly value: number } | null {
  for (const point of points.toReversed()) {
    const value = point === null ? null : pick(point);
    if (point !== null && value !== null) return { point, value };
  }
  return null;
}
