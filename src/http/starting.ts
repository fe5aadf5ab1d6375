import type { RequestListener } from 'node:http';
import { VisageError } from '../errors.ts';
import type { Health } from '../ops/health.ts';
import type { Log } from '../ops/log.ts';
import { createKoaApp } from './koa-app.ts';

/** Answers everything with `NOT_READY` and how far the start is, until there is something else to answer. */
export function startingListener(health: Health, log: Log): RequestListener {
  const app = createKoaApp(log);
  app.use(() => {
    throw new VisageError('NOT_READY', health.shortfall());
  });
  return app.callback();
}
