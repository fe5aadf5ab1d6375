/** Compares figures in prose with a bench's report (`npm run figures`) or a constant of the code. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ROOT } from '../../testing/service.ts';

interface Source {
  readonly page: string;
  readonly block?: string;
  readonly pattern: RegExp;
  readonly times?: number;
}

interface Claim {
  readonly page: string;
  readonly sentence: RegExp;
  readonly source: Source;
}

const BENCH = { page: 'docs/measurements.md', block: 'bench' };
const SEARCH = { page: 'docs/measurements.md', block: 'search' };
const ACCESS = { page: 'docs/measurements.md', block: 'access' };
const ATTACK = { page: 'docs/measurements.md', block: 'attack' };
const SUMMARY = 'docs/performance.md';
const SIZING = { page: 'docs/sizing.md', block: 'sizing' };
const ACCURACY = { page: 'docs/accuracy.md', block: 'accuracy' };
/** The measured false match rate at a similarity of 80, in scientific notation. */
const STRANGERS: Source = { ...ACCURACY, pattern: /^ {2}80 +[\d.]+ +1e-4 +([\d.]+e-\d)/m };

const CLAIMS: readonly Claim[] = [
  {
    page: 'README.md',
    sentence: /in 1,000,000 faces it finds the most similar one in ([\d.]+) % of searches/,
    source: {
      ...SEARCH,
      pattern: /^1,000,000 people[\s\S]*?recall +([\d.]+)/m,
      times: 100,
    },
  },
  {
    page: 'README.md',
    sentence: /searches, in ([\d.]+) ms instead/,
    source: { ...SEARCH, pattern: /^1,000,000 people[\s\S]*?p50, ms +([\d.]+)/m },
  },
  {
    page: 'README.md',
    sentence: /instead of ([\d.]+) ms/,
    source: { ...SEARCH, pattern: /^1,000,000 people[\s\S]*?p50, ms +[\d.]+ +([\d.]+)/m },
  },
  {
    page: 'README.md',
    sentence: /A face takes ([\d,]+) bytes of memory/,
    source: { ...SIZING, pattern: /a face takes (\d+) bytes of memory in the index/ },
  },
  {
    page: 'README.md',
    sentence: /([\d,]+) bytes of disk/,
    source: { ...SIZING, pattern: /a face takes (\d+) bytes of the store/ },
  },
  {
    page: 'README.md',
    sentence: /\*\*Accuracy\*\* is ([\d.]+) %/,
    source: { ...ACCURACY, pattern: /accuracy over 10 folds ([\d.]+) %/ },
  },
  {
    page: 'README.md',
    sentence: /% on ([\d,]+) pairs/,
    source: { ...ACCURACY, pattern: /given pairs +(\d+),/ },
  },
  {
    page: 'README.md',
    sentence: /Visage finds faces from (\d+) pixels of width/,
    source: {
      page: 'docs/accuracy.md',
      block: 'reach',
      pattern: /1920 x 1080, pixels\n(?: {2}\d+ +(?!100\.0)[\d.]+ % .*\n)* {2}(\d+) +100\.0 %/,
    },
  },
  { page: 'README.md', sentence: /one false match in ([\d,]+) comparisons/, source: STRANGERS },
  {
    page: SUMMARY,
    sentence: /640 x 480 JPEG, one client, p50 \| ([\d.]+) ms/,
    source: { ...BENCH, pattern: /640 x 480 JPEG over HTTP, one client, image body, p50 +([\d.]+) ms/ },
  },
  {
    page: SUMMARY,
    sentence: /4000 x 3000 JPEG, one client, p50 \| ([\d.]+) ms/,
    source: { ...BENCH, pattern: /4000 x 3000 JPEG over HTTP, one client, image body, p50 +([\d.]+) ms/ },
  },
  {
    page: SUMMARY,
    sentence: /640 x 480 JPEG, 16 clients \| ([\d.]+) requests/,
    source: { ...BENCH, pattern: /640 x 480 JPEG over HTTP, 16 clients +([\d.]+) requests/ },
  },
  {
    page: SUMMARY,
    sentence: /detect, align, embed, 16 clients \| ([\d.]+) images/,
    source: { ...BENCH, pattern: /HTTP, 16 clients: Visage, whole service +([\d.]+) images/ },
  },
  {
    page: SUMMARY,
    sentence: /longest stall of the event loop, 16 clients \| ([\d.]+) ms/,
    source: { ...BENCH, pattern: /longest stall, 16 clients: Visage, whole service +([\d.]+) ms/ },
  },
  ...['10,000', '100,000', '1,000,000'].map((faces) => ({
    page: SUMMARY,
    sentence: new RegExp(`\\| ${faces} \\| ([\\d.]+) ms`),
    source: {
      ...SEARCH,
      pattern: new RegExp(`^${faces} people[\\s\\S]*?p50, ms +([\\d.]+)`, 'm'),
    },
  })),
  {
    page: SUMMARY,
    sentence: /An API key adds ([\d.]+) µs/,
    source: { ...ACCESS, pattern: /^key +\d+ +\d+ +(\d+)$/m },
  },
  {
    page: SUMMARY,
    sentence: /one request holds the event loop \| ([\d.]+) ms/,
    source: { ...ATTACK, pattern: /Longest hold ([\d.]+) ms/ },
  },
  { page: 'docs/security.md', sentence: /threshold of 80 one of ([\d,]+) comparisons/, source: STRANGERS },
];

const NOT_MEASURED: Readonly<Record<string, string>> = {
  '1,920 pixels': 'images are searched in this size: a sixtieth of it is 32 pixels',
  '1,000,000 faces': 'size of the gallery in the bench',
};

const UNITS = '%|ms|seconds?|bytes|[KMG]B|pixels|faces|pairs|comparisons|requests|searches|images';

function textOf(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8');
}

const unwrapped = (text: string) => text.replaceAll(/\s+/g, ' ');

function blockOf({ page, block }: Source): string {
  const text = textOf(page);
  if (block === undefined) return text;
  const found = new RegExp(`<!-- figures: ${block} -->\\n([\\s\\S]*?)<!-- end -->`).exec(text)?.[1];
  assert.ok(found, `${page} has no figures of the bench ${block}`);
  return found;
}

const numberOf = (text: string) => Number(text.replaceAll(',', ''));

function disagreement(claimed: string, measured: string, times = 1): string | null {
  const value = numberOf(measured) * times;
  const decimals = claimed.split('.')[1]?.length ?? 0;
  const isRate = measured.includes('e-');
  const expected = Number(isRate ? (1 / value).toPrecision(1) : value.toFixed(decimals));
  return numberOf(claimed) === expected ? null : `claimed ${claimed}, measured ${expected}`;
}

describe('Figures in prose', () => {
  for (const { page, sentence, source } of CLAIMS) {
    test(`agree with ${source.page}: ${page}, ${sentence.source}`, () => {
      const claimed = sentence.exec(unwrapped(textOf(page)))?.[1];
      assert.ok(claimed, `${page} lacks this sentence: change the claim here too`);
      const measured = source.pattern.exec(blockOf(source))?.[1];
      assert.ok(measured, `${source.page} lacks this figure`);
      assert.equal(disagreement(claimed, measured, source.times), null);
    });
  }

  test('of the README all have a source', () => {
    const text = unwrapped(textOf('README.md').replaceAll(/```[\s\S]*?```/g, ''));
    const claims = CLAIMS.filter(({ page }) => page === 'README.md');
    const places = claims.map(({ sentence }) => {
      const found = new RegExp(sentence.source, 'd').exec(text);
      return found?.indices?.[1];
    });
    for (const match of text.matchAll(new RegExp(`[\\d][\\d,.]* ?(?:${UNITS})(?![A-Za-z])`, 'g'))) {
      const isClaim = places.some((place) => place && match.index >= place[0] && match.index < place[1]);
      assert.ok(isClaim || match[0] in NOT_MEASURED, `"${match[0]}" comes from no bench`);
    }
  });

  test('agree only after the right rounding', () => {
    assert.equal(disagreement('99.5', '99.48'), null);
    assert.equal(disagreement('10,000', '1.03e-4'), null);
    assert.equal(disagreement('99.95', '0.9995', 100), null);
    assert.match(disagreement('99.5', '99.42') ?? '', /claimed 99.5, measured 99.4/);
    assert.match(disagreement('10,000', '1e-5') ?? '', /measured 100000/);
    assert.match(disagreement('2,000', '1246') ?? '', /measured 1246/);
  });
});
