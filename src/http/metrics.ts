/** `GET /metrics` on its own listener, without credentials. */
import type { RequestListener } from 'node:http';
import type { Log } from '../ops/log.ts';
import type { Metrics } from '../ops/metrics.ts';
import type { Admits } from './admits.ts';

export function metricsListener(metrics: Metrics, log: Log, admits: Admits): RequestListener {
  let pending: Promise<Buffer> | null = null;
  const exposition = () => {
    pending ??= metrics
      .exposition()
      .then((text) => Buffer.from(text))
      .finally(() => {
        pending = null;
      });
    return pending;
  };
  return async (request, response) => {
    const { method, url } = request;
    if (!(await admits(request, response))) return undefined;
    const end = (status: number, body: string | Buffer, headers: Record<string, string> = {}) =>
      response
        .writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', ...headers })
        .end(method === 'HEAD' ? undefined : body);
    if (url?.split('?', 1)[0] !== '/metrics') return end(404, 'Metrics are at /metrics.\n');
    if (method !== 'GET' && method !== 'HEAD') return end(405, 'Use GET.\n', { Allow: 'GET, HEAD' });
    try {
      return end(200, await exposition(), {
        'Content-Type': metrics.registry.contentType,
        'Cache-Control': 'no-store',
      });
    } catch (error) {
      log.error({ err: error }, 'the metrics could not be told');
      return end(500, 'The metrics could not be told; the log says why.\n');
    }
  };
}
