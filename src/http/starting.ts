import type { RequestListener } from 'node:http';
import { VisageError } from '../errors.ts';
import type { Health } from '../ops/health.ts';
import type { Log } from '../ops/log.ts';
import { createKoaApp } from './koa-app.ts';

/**
 * What is answered until there is something else to answer: `/livez` that the process runs, everything else with
 * `NOT_READY` and how far the start is.
 */
export function startingListener(health: Health, log: Log): RequestListener {
  const app = createKoaApp(log);
  app.use((context) => {
    if (context.path === '/livez' && context.method === 'GET') {
      context.body = 'ok';
      return;
    }
    throw new VisageError('NOT_READY', health.shortfall());
  });
  return app.callback();
}
