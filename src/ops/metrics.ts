/** What Prometheus reads: what was done, counted as it happens, and how things stand, looked at when it asks. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { ERRORS } from '../errors.ts';
import type { RequestRecord } from './log.ts';
import { onStage } from './stage-times.ts';

/** Upper bounds of the buckets in seconds: of whole requests, and of their stages. */
const REQUEST_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const STAGE_BUCKETS = [0.0001, 0.00025, 0.0005, ...REQUEST_BUCKETS.slice(0, -1)];

/** Requests that no route of the table answered: unknown paths, the documentation's pages. */
const NO_OPERATION = 'other';

/** What a build is told apart by. */
export interface BuildInfo {
  /** Version of the program. */
  readonly version: string;
  /** Version of ONNX Runtime. */
  readonly onnxruntime: string;
  /** Kernel of the search, such as `avx2`. */
  readonly searchKernel: string;
}

/**
 * The metrics of one service. Labels hold names from fixed tables only (operations, codes, stages), never what a
 * client sends, so their number is bounded.
 */
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
      help: 'Time from the header of a request to the end of its answer, by operation and class of status.',
      labelNames: ['operation', 'status'],
      buckets: REQUEST_BUCKETS,
      registers,
    });
    this.#inFlight = new Gauge({
      name: 'visage_http_requests_in_flight',
      help: 'Requests that are not answered yet.',
      registers,
    });
    this.#refusals = new Counter({
      name: 'visage_http_problems_total',
      help: 'Requests that were answered with a problem, by its code.',
      labelNames: ['code'],
      registers,
    });
    // A counter that appears with its first event hides that event from rate().
    for (const code of Object.keys(ERRORS)) this.#refusals.inc({ code }, 0);
    const stages = new Histogram({
      name: 'visage_stage_duration_seconds',
      help: 'Time in one stage of a request: waiting in the queue, each stage of the pipeline, a search, a write until it is on disk.',
      labelNames: ['stage'],
      buckets: STAGE_BUCKETS,
      registers,
    });
    this.#stopListening = onStage(({ stage, seconds }) => stages.observe({ stage }, seconds));
    new Gauge({
      name: 'visage_build_info',
      help: 'Always 1; the labels say what runs.',
      labelNames: ['version', 'node', 'onnxruntime', 'search_kernel'],
      registers,
    }).set({ version, node: process.versions.node, onnxruntime, search_kernel: searchKernel }, 1);
    collectDefaultMetrics({ register: this.registry });
  }

  /** A request came in. */
  requestBegan(): void {
    this.#inFlight.inc();
  }

  /** Its answer has left, or there is nobody to answer any more. */
  requestEnded({ operation, status, ms, code }: RequestRecord): void {
    this.#inFlight.dec();
    const labels = { operation: operation ?? NO_OPERATION, status: `${Math.floor(status / 100)}xx` };
    this.#requests.observe(labels, ms / 1000);
    if (code !== null) this.#refusals.inc({ code });
  }

  /** Everything in Prometheus' text format 0.0.4; its media type is `registry.contentType`. */
  exposition(): Promise<string> {
    return this.registry.metrics();
  }

  /** Counts no stages any more. */
  close(): void {
    this.#stopListening();
  }
}
