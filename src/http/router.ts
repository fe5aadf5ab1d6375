/** From a path and a method to what answers them. */
import { VisageError } from '../errors.ts';
import type { Context } from './koa-app.ts';

/** What stands in a path for each `{name}` of its pattern, percent-decoded where it can be. */
export type PathParameters = Readonly<Record<string, string>>;

/** Answers a request by setting what Koa sends. */
export type PathHandler = (context: Context, params: PathParameters) => void | Promise<void>;

type Handlers = Map<string, PathHandler>;

const PARAMETER = /\{(\w+)\}/g;
const NO_PARAMETERS: PathParameters = {};

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A table of paths, which are compared to the letter. */
export class Router {
  /** Handlers by method of each path without parameters. */
  readonly #paths = new Map<string, Handlers>();
  /** The same of each pattern with them. */
  readonly #patterns = new Map<string, { readonly matcher: RegExp; readonly handlers: Handlers }>();

  /**
   * Adds a handler; GET takes HEAD too.
   * @param path absolute; a `{name}` of it stands for anything but nothing and `/`.
   */
  add(method: string, path: string, handler: PathHandler): void {
    const handlers = this.#handlersOf(path);
    if (method === 'GET') handlers.set('HEAD', handler);
    handlers.set(method, handler);
  }

  #handlersOf(path: string): Handlers {
    if (!path.includes('{')) return entryOf(this.#paths, path, () => new Map());
    return entryOf(this.#patterns, path, () => {
      const source = path.replaceAll('.', '\\.').replaceAll(PARAMETER, '(?<$1>[^/]+)');
      return { matcher: new RegExp(`^${source}$`), handlers: new Map() };
    }).handlers;
  }

  /**
   * Answers a request; where no method of a path fits, OPTIONS with 204 and `Allow`.
   * @throws VisageError `NOT_FOUND`; `METHOD_NOT_ALLOWED`, which has `Allow` set; what the handler throws.
   */
  async answer(context: Context): Promise<void> {
    const { method, path } = context;
    const handler = this.#paths.get(path)?.get(method);
    if (handler) return handler(context, NO_PARAMETERS);
    const methods = new Set(this.#paths.get(path)?.keys());
    for (const { matcher, handlers } of this.#patterns.values()) {
      const values = matcher.exec(path)?.groups;
      if (!values) continue;
      const handler = handlers.get(method);
      if (handler) {
        const params = Object.entries(values).map(([name, value]) => [name, decoded(value)]);
        return handler(context, Object.fromEntries(params));
      }
      for (const other of handlers.keys()) methods.add(other);
    }
    if (methods.size === 0) throw new VisageError('NOT_FOUND', 'There is nothing at this path.');
    context.set('Allow', [...methods.add('OPTIONS')].join(', '));
    if (method !== 'OPTIONS') {
      throw new VisageError('METHOD_NOT_ALLOWED', 'This path does not take the method.');
    }
    context.status = 204;
  }
}

function entryOf<Entry>(entries: Map<string, Entry>, name: string, make: () => Entry): Entry {
  const entry = entries.get(name) ?? make();
  entries.set(name, entry);
  return entry;
}
