import { Health } from '../src/ops/health.ts';
import type { RequestRecord } from '../src/ops/log.ts';
import { Metrics } from '../src/ops/metrics.ts';
import { stageTook } from '../src/ops/stage-times.ts';
import { addStateMetrics } from '../src/ops/state-metrics.ts';

export const SEARCH_RECORD: RequestRecord = {
  requestId: 'r',
  method: 'POST',
  route: '/v1/face/search',
  operation: 'searchFace',
  status: 200,
  ms: 30,
  code: null,
  aborted: false,
  account: 'acc_1',
  key: 'key_1',
  member: null,
};

export const STAGES = 'queue decode detect align embed attributes liveness search store'.split(' ');

export interface Family {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly labels: readonly string[];
}

/** Reads the text format 0.0.4: every metric by its name. */
export function familiesOf(text: string): Map<string, Family> {
  const families = new Map<string, Family>();
  for (const [, name = '', help = ''] of text.matchAll(/^# HELP (\S+) (.*)$/gm)) {
    const type = new RegExp(`^# TYPE ${name} (\\w+)$`, 'm').exec(text)?.[1] ?? '';
    const series = new RegExp(`^${name}(?:_sum)?\\{(.*)\\} \\S+$`, 'm').exec(text)?.[1] ?? '';
    const labels = Array.from(series.matchAll(/(\w+)="/g), ([, label]) => label as string);
    families.set(name, { name, type, help, labels });
  }
  return families;
}

export async function exposition(): Promise<string> {
  const metrics = new Metrics({ version: '1.2.3', onnxruntime: '9.9', searchKernel: 'avx2' });
  addStateMetrics(metrics.registry, {
    executor: { stats: () => ({ threads: 4, queued: 3, running: 2, ended: 0 }) },
    maxQueue: 64,
    health: new Health(),
    index: {
      totals: () => ({ galleries: 7, templates: 70, bytes: 77_000, linked: 50, tombstones: 5, onDisk: 4 }),
    },
    indexStart: { faces: 70, fromSnapshots: 60, seconds: 1.5 },
    snapshots: () => ({ written: 3, failed: 1, bytes: 1_000 }),
    models: [{ pack: 'p', version: '1', provider: 'CPUExecutionProvider', device: 'cpu' }],
    storeFile: process.execPath,
    lastBackup: () => 1_000,
    events: () => ({ recorded: 9, dropped: 1, stored: 5, streams: 2 }),
    connections: { open: 2, closed: { address_limit: 1 } },
    certificateExpiry: () => 2_000,
  });
  stageTook('embed', 4);
  metrics.requestBegan();
  metrics.requestEnded(SEARCH_RECORD);
  const text = await metrics.exposition();
  metrics.close();
  return text;
}

export function metricsTable(families: Iterable<Family>): string {
  return [...families]
    .filter(({ name }) => name.startsWith('visage_'))
    .map(({ name, type, labels, help }) => {
      const shown = labels.map((label) => `\`${label}\``).join(', ');
      return `| \`${name}\` | ${type} | ${shown} | ${help} |\n`;
    })
    .join('');
}

export const TABLE_IN_MANUAL = /(<!-- metrics -->\n\|.*\n\|[-|]+\n)([\s\S]*?)(<!-- end -->)/;
