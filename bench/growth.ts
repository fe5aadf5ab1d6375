/** `npm run bench:growth -- [--seconds N]`: cost of a search over HTTP by image size, clients and threads. */
import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { rateOf } from './recognisers/rate.ts';
import { report, reportPoint } from './report.ts';
import { bodiesOf, type SearchService, sample, startSearchService } from './search-service.ts';

const SIZES = [
  [320, 240],
  [640, 480],
  [1280, 960],
  [1920, 1440],
  [2880, 2160],
  [4000, 3000],
] as const;
const CLIENTS = [1, 2, 4, 8, 16, 32] as const;

const { values: options } = parseArgs({ options: { seconds: { type: 'string', default: '4' } } });
const seconds = Number(options.seconds);
if (!(seconds > 0)) {
  console.error('Usage: npm run bench:growth -- [--seconds N]');
  process.exit(64);
}

console.log(`machine       ${cpus()[0]?.model}, ${availableParallelism()} cores, Node ${process.version}\n`);
const small = await picture(640, 480);
await withService({}, async (service) => {
  console.log('picture         ms a search, one client');
  const costs: number[] = [];
  for (const [width, height] of SIZES) {
    const jpeg = await picture(width, height);
    const ms = 1000 / (await rate(service, jpeg, 1));
    console.log(`${width} x ${height}`.padEnd(16) + ms.toFixed(1));
    reportPoint({ plot: 'picture', line: 'a search over HTTP', x: (width * height) / 1e6, y: ms });
    costs.push(ms);
  }
  const [, first = Number.NaN] = costs;
  const last = costs.at(-1) ?? Number.NaN;
  report({
    claim: '4000 x 3000 JPEG over HTTP, one client',
    value: last,
    unit: 'ms',
    against: { name: '640 x 480', value: first },
    ratio: last / first,
  });
});
const threads = Array.from({ length: Math.floor(Math.log2(availableParallelism())) + 1 }, (_, i) => 2 ** i);
console.log(`\nsearches a second, ${small.length} bytes of 640 x 480`);
console.log(`threads  ${CLIENTS.map((clients) => `${clients} clients`.padStart(12)).join('')}`);
const most: number[] = [];
for (const count of threads) {
  await withService({ VISAGE_THREADS: String(count) }, async (service) => {
    const rates: number[] = [];
    for (const clients of CLIENTS) {
      const y = await rate(service, small, clients);
      rates.push(y);
      reportPoint({ plot: 'clients', line: `${count} thread${count > 1 ? 's' : ''}`, x: clients, y });
    }
    console.log(String(count).padEnd(9) + rates.map((value) => value.toFixed(1).padStart(12)).join(''));
    const value = Math.max(...rates);
    reportPoint({ plot: 'cores', line: 'searches a second', x: count, y: value });
    most.push(value);
    const [single = Number.NaN] = most;
    report({
      claim: `640 x 480 JPEG over HTTP, ${count} thread${count > 1 ? 's' : ''}, any clients`,
      value,
      unit: 'searches/s',
      ...(count > 1 ? { against: { name: '1 thread', value: single }, ratio: value / single } : {}),
    });
  });
}

async function withService(
  environment: Record<string, string>,
  work: (service: SearchService) => Promise<void>,
): Promise<void> {
  const service = await startSearchService(environment);
  try {
    await work(service);
  } finally {
    await service.stop();
  }
}

function rate({ search }: SearchService, jpeg: Buffer, clients: number): Promise<number> {
  const [body] = bodiesOf(jpeg);
  const ask = async () => {
    const status = await search(body);
    if (status !== 200) throw new Error(`A search answered ${status}`);
  };
  return rateOf(ask, [jpeg], clients, seconds);
}

function picture(width: number, height: number): Promise<Buffer> {
  return sample(1, width, height).jpeg({ quality: 90 }).toBuffer();
}
