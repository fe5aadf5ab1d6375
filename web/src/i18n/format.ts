import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';

export function localeOf(language: string): string {
  return navigator.languages.find((each) => each.split('-')[0] === language) ?? language;
}

const STEPS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_557_600],
  ['month', 2_629_800],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
];
const BYTES = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;

function formatsOf(locale: string) {
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto', style: 'long' });
  const day = new Intl.DateTimeFormat(locale, { dateStyle: 'medium' });
  const minute = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' });
  const second = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'medium' });
  const clock = new Intl.DateTimeFormat(locale, { timeStyle: 'medium' });
  const numbers = new Intl.NumberFormat(locale);
  const compact = new Intl.NumberFormat(locale, { notation: 'compact', maximumFractionDigits: 1 });
  const score = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const rate = new Intl.NumberFormat(locale, { style: 'percent', maximumSignificantDigits: 3 });
  const percent = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 1 });
  const money = new Intl.NumberFormat(locale, {
    style: 'currency',
    currency: 'USD',
    maximumFractionDigits: 4,
  });
  const at = (value: string | number | Date) => new Date(value);
  return {
    locale,
    number: (value: number) => numbers.format(value),
    /** 12,345 as 12.3K. */
    compact: (value: number) => compact.format(value),
    score: (value: number) => score.format(value),
    /** @param value from 0 to 1. */
    percent: (value: number) => percent.format(value),
    rate: (value: number) => rate.format(value),
    usd: (value: number) => money.format(value),
    bytes(value: number): string {
      const power = value < 1 ? 0 : Math.min(Math.floor(Math.log10(value) / 3), BYTES.length - 1);
      const unit = BYTES[power] ?? 'byte';
      return new Intl.NumberFormat(locale, {
        style: 'unit',
        unit,
        unitDisplay: 'short',
        maximumFractionDigits: power < 2 ? 0 : 1,
      }).format(value / 1000 ** power);
    },
    milliseconds: (value: number) =>
      new Intl.NumberFormat(locale, {
        style: 'unit',
        unit: value < 1000 ? 'millisecond' : 'second',
        unitDisplay: 'short',
        maximumFractionDigits: value < 10 || value >= 1000 ? 1 : 0,
      }).format(value < 1000 ? value : value / 1000),
    date: (value: string | number | Date) => day.format(at(value)),
    dateTime: (value: string | number | Date) => minute.format(at(value)),
    exactTime: (value: string | number | Date) => second.format(at(value)),
    time: (value: string | number | Date) => clock.format(at(value)),
    /** `3 minutes ago`. */
    ago(value: string | number | Date, now = Date.now()): string {
      const seconds = (at(value).getTime() - now) / 1000;
      const [unit, length] = STEPS.find(([, each]) => Math.abs(seconds) >= each) ?? (['second', 1] as const);
      return relative.format(Math.round(seconds / length), unit);
    },
  };
}

export type Formats = ReturnType<typeof formatsOf>;

const made = new Map<string, Formats>();

function cachedFormats(locale: string): Formats {
  const formats = made.get(locale) ?? formatsOf(locale);
  made.set(locale, formats);
  return formats;
}

export function useFormat(): Formats {
  const { i18n } = useTranslation();
  return useMemo(() => cachedFormats(localeOf(i18n.language)), [i18n.language]);
}
