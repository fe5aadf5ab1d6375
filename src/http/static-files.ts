import { createHash } from 'node:crypto';
import type Router from '@koa/router';
import type { AddressLimits } from '../access/gate/address-limits.ts';
import { type Context, limitByAddress, type RequestState } from './koa-app.ts';

export const ENCODINGS = ['br', 'gzip'] as const;
export type Encoding = (typeof ENCODINGS)[number];

export interface StaticFile {
  readonly type: string;
  readonly content: Buffer;
  readonly compressed: Readonly<Partial<Record<Encoding, Buffer>>>;
  /** Seconds; at 0, clients revalidate each time. */
  readonly maxAge: number;
  readonly immutable?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Representation {
  readonly etag: string;
  readonly bytes: Buffer;
}

function representationOf(bytes: Buffer): Representation {
  return { etag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`, bytes };
}

/** Weak tags match too (RFC 9110, 13.1.2). */
function names(ifNoneMatch: string, etag: string): boolean {
  return ifNoneMatch.split(',').some((each) => ['*', etag].includes(each.trim().replace(/^W\//, '')));
}

export interface PreparedFile {
  readonly type: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly plain: Representation;
  readonly encoded: ReadonlyMap<string, Representation>;
}

function cacheControlOf({ maxAge, immutable = false }: StaticFile): string {
  if (immutable) return 'public, max-age=31536000, immutable';
  return maxAge > 0 ? `public, max-age=${maxAge}` : 'no-cache';
}

export function prepareStaticFile(file: StaticFile): PreparedFile {
  const { type, content, compressed, headers = {} } = file;
  const encoded = new Map(
    ENCODINGS.flatMap((name) => {
      const bytes = compressed[name];
      return bytes ? [[name as string, representationOf(bytes)] as const] : [];
    }),
  );
  const cacheControl = cacheControlOf(file);
  return {
    type,
    headers: { ...headers, 'Cache-Control': cacheControl, Vary: 'Accept-Encoding' },
    plain: representationOf(content),
    encoded,
  };
}

export function answerStaticFile(context: Context, { type, headers, plain, encoded }: PreparedFile): void {
  const encoding = [...encoded.keys()].find((name) => context.acceptsEncodings(name) === name);
  const { etag, bytes } = encoded.get(encoding ?? '') ?? plain;
  context.set({ ...headers, ETag: etag });
  if (names(context.get('If-None-Match'), etag)) {
    context.status = 304;
    return;
  }
  if (encoding !== undefined) context.set('Content-Encoding', encoding);
  context.body = bytes;
  context.type = type;
}

export function addStaticFile(
  router: Router<RequestState>,
  path: string,
  file: StaticFile,
  addresses?: AddressLimits,
): void {
  const prepared = prepareStaticFile(file);
  router.get(path, (context: Context) => {
    context.state.route = path;
    limitByAddress(context, addresses);
    answerStaticFile(context, prepared);
  });
}
