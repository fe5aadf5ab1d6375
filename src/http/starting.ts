import type { RequestListener } from 'node:http';
import { VisageError } from '../errors.ts';
import type { Health } from '../ops/health.ts';
import type { Log } from '../ops/log.ts';
import { type AnonymousLimits, createKoaApp, limitByAddress } from './koa-app.ts';

/** Everything but `/livez` gets `NOT_READY` and the progress. */
export function startingListener(
  health: Health,
  log: Log,
  anonymousLimits?: AnonymousLimits,
): RequestListener {
  const app = createKoaApp(log, undefined, anonymousLimits);
  app.use((context) => {
    limitByAddress(context, anonymousLimits?.addresses, 'probe');
    if (context.path === '/livez' && context.method === 'GET') {
      context.body = 'ok';
      return;
    }
    throw new VisageError('NOT_READY', health.shortfall());
  });
  return app.callback();
}

/** Changes while its listeners stay open. */
export class ReplaceableHandler {
  #current: RequestListener;

  constructor(first: RequestListener) {
    this.#current = first;
  }

  readonly handle: RequestListener = (request, response) => this.#current(request, response);

  replace(next: RequestListener): void {
    this.#current = next;
  }
}
