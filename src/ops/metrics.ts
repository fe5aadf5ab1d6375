import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { ERRORS } from '../errors.ts';
import type { RequestRecord } from './log.ts';
import { onStage } from './stage-times.ts';

/** Seconds. */
const REQUEST_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const STAGE_BUCKETS = [0.0001, 0.00025, 0.0005, ...REQUEST_BUCKETS.slice(0, -1)];

const NO_OPERATION = 'other';

export interface BuildInfo {
  readonly version: string;
  readonly onnxruntime: string;
  readonly searchKernel: string;
}

/** Labels come from fixed tables, never from clients. */
export class Metrics {
  readonly registry = new Registry();
  readonly #requests: Histogram<'operation' | 'status'>;
  readonly #inFlight: Gauge;
  readonly #refusals: Counter<'code'>;
  readonly #stopListening: () => void;

  constructor({ version, onnxruntime, searchKernel }: BuildInfo) {
    const registers = [this.registry];
    this.#requests = new Histogram({
      name: 'visage_http_request_duration_seconds',
      help: 'Time from the head of a request to the end of its answer, by operation and status class.',
      labelNames: ['operation', 'status'],
      buckets: REQUEST_BUCKETS,
      registers,
    });
    this.#inFlight = new Gauge({
      name: 'visage_http_requests_in_flight',
      help: 'Requests in progress.',
      registers,
    });
    this.#refusals = new Counter({
      name: 'visage_http_problems_total',
      help: 'Requests answered with an error, by error code.',
      labelNames: ['code'],
      registers,
    });
    // rate() misses a new counter's first event.
    for (const code of Object.keys(ERRORS)) this.#refusals.inc({ code }, 0);
    const stages = new Histogram({
      name: 'visage_stage_duration_seconds',
      help: 'Time in one stage of a request: queue, each pipeline stage, search, store write until durable.',
      labelNames: ['stage'],
      buckets: STAGE_BUCKETS,
      registers,
    });
    this.#stopListening = onStage(({ stage, seconds }) => stages.observe({ stage }, seconds));
    new Gauge({
      name: 'visage_build_info',
      help: 'Always 1; the labels identify the build.',
      labelNames: ['version', 'node', 'onnxruntime', 'search_kernel'],
      registers,
    }).set({ version, node: process.versions.node, onnxruntime, search_kernel: searchKernel }, 1);
    collectDefaultMetrics({ register: this.registry });
  }

  requestBegan(): void {
    this.#inFlight.inc();
  }

  requestEnded({ operation, status, ms, code }: RequestRecord): void {
    this.#inFlight.dec();
    const labels = { operation: operation ?? NO_OPERATION, status: `${Math.floor(status / 100)}xx` };
    this.#requests.observe(labels, ms / 1000);
    if (code !== null) this.#refusals.inc({ code });
  }

  exposition(): Promise<string> {
    return this.registry.metrics();
  }

  close(): void {
    this.#stopListening();
  }
}
