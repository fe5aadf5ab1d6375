export interface Series {
  readonly label: string;
  /** Name of a token, such as `--chart-1`. */
  readonly color: string;
  readonly values: readonly (number | null)[];
}

export interface ChartData {
  /** Begin of each step in seconds since 1970, ascending and without holes. */
  readonly times: readonly number[];
  readonly step: number;
  readonly series: readonly Series[];
  readonly kind: 'lines' | 'bars' | 'stack';
  readonly format: (value: number) => string;
}

export function hasValues({ series }: Pick<ChartData, 'series'>): boolean {
  return series.some(({ values }) => values.some((value) => value !== null));
}
