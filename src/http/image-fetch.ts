/**
 * Each hop resolves the name once, checks every address, connects to a checked one and checks the peer.
 * Failures behind a permitted address share one sentence, which hides the inner network.
 */
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type Address, parseAddress } from '../base/ip-networks.ts';
import { VisageError } from '../errors.ts';
import { type BodyHold, FairShares } from './body-budget.ts';
import { type ImageUrlPolicy, literalAddress } from './image-url-policy.ts';

/**
 * @param hold counts the bytes, and keeps them on success.
 * @throws VisageError.
 */
export type ImageFetcher = (url: string, accountId: string, hold?: BodyHold) => Promise<Buffer>;

export interface FetchLimits {
  readonly bytes: number;
  readonly redirects: number;
  readonly connectMs: number;
  readonly headerMs: number;
  readonly totalMs: number;
  readonly rateMs: number;
  readonly minBytes: number;
  readonly parallel: number;
}

const LIMITS: FetchLimits = {
  bytes: 10_000_000,
  redirects: 3,
  connectMs: 3_000,
  headerMs: 5_000,
  totalMs: 15_000,
  rateMs: 2_000,
  minBytes: 16_384,
  parallel: 16,
};

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const MAX_HEADER_BYTES = 16_384;

const HEADERS = {
  Accept: 'image/*',
  'Accept-Encoding': 'identity',
  'User-Agent': 'Visage',
  Connection: 'close',
};

/** Returns an empty list or rejects without an address. */
type ResolveName = (name: string) => Promise<readonly string[]>;

export interface FetchParts {
  readonly policy: ImageUrlPolicy;
  readonly resolve?: ResolveName;
  readonly limits?: Partial<FetchLimits>;
}

export function createImageFetcher({ policy, resolve = resolveName, limits }: FetchParts): ImageFetcher {
  const all = { ...LIMITS, ...limits };
  const slots = new FairShares(all.parallel, 1);
  return (url, accountId, hold) =>
    inSlot(slots, accountId, () =>
      new ImageFetch({ policy, resolve, limits: all, accountId, hold }).run(url),
    );
}

async function inSlot<T>(slots: FairShares, accountId: string, fetch: () => Promise<T>): Promise<T> {
  const tenant = { account: accountId, key: '' };
  if (!slots.fits(tenant, 1)) {
    throw new VisageError(
      'OVERLOADED',
      `${slots.heldBy(accountId)} of the ${slots.capacity} images that can be fetched at a time are this account's. Send fewer.`,
    );
  }
  slots.add(tenant, 1);
  try {
    return await fetch();
  } finally {
    slots.add(tenant, -1);
  }
}

interface ImageFetchParts {
  readonly policy: ImageUrlPolicy;
  readonly resolve: ResolveName;
  readonly limits: FetchLimits;
  readonly accountId: string;
  readonly hold: BodyHold | undefined;
}

class ImageFetch {
  readonly #parts: ImageFetchParts;
  readonly #connections = new Connections();

  constructor(parts: ImageFetchParts) {
    this.#parts = parts;
  }

  async run(text: string): Promise<Buffer> {
    try {
      return await this.#within(this.#parts.limits.totalMs, this.#follow(text));
    } catch (error) {
      throw error instanceof VisageError ? error : failed();
    } finally {
      this.#connections.end();
    }
  }

  async #follow(text: string): Promise<Buffer> {
    let url = parseImageUrl(text, null);
    for (let redirects = 0; redirects <= this.#parts.limits.redirects; redirects++) {
      const answer = await this.#exchange(url);
      this.#connections.close();
      if (typeof answer !== 'string') return answer;
      url = parseImageUrl(answer, url);
    }
    throw failed();
  }

  async #exchange(url: URL): Promise<Buffer | string> {
    const { limits, hold } = this.#parts;
    const address = await this.#permittedAddress(url);
    const socket = await this.#within(limits.connectMs, this.#connect(url, address));
    const response = await this.#within(limits.headerMs, sendRequest(url, socket));
    const { location } = response.headers;
    if (REDIRECTS.has(response.statusCode ?? 0) && location !== undefined) return location;
    if (response.statusCode !== 200) throw failed();
    return readImage(response, limits, hold);
  }

  async #permittedAddress(url: URL): Promise<Address> {
    const { policy, resolve, accountId } = this.#parts;
    const literal = literalAddress(url.hostname);
    const texts = literal === null ? await resolve(url.hostname).catch(() => []) : [literal.toString()];
    const addresses = texts.map(parseAddress);
    const [first] = addresses;
    const isPermitted = addresses.every(
      (address) => address !== null && policy(accountId, address, portOf(url)),
    );
    // Otherwise answers would reveal internal names.
    if (!first || !isPermitted) {
      throw forbidden('image.url leads to no address that images may be fetched from.');
    }
    return first;
  }

  async #connect(url: URL, address: Address): Promise<Socket> {
    const { policy, accountId } = this.#parts;
    const host = address.toString();
    const tcp = this.#connections.add(connect({ host, port: portOf(url) }));
    await once(tcp, 'connect');
    const peer = parseAddress(tcp.remoteAddress ?? '');
    if (peer?.toString() !== host || !policy(accountId, peer, portOf(url))) throw failed();
    if (url.protocol === 'http:') return tcp;
    const tls = this.#connections.add(connectTls({ socket: tcp, host, servername: serverNameOf(url) }));
    await once(tls, 'secureConnect');
    return tls;
  }

  async #within<T>(milliseconds: number, step: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        this.#connections.end();
        reject(failed());
      }, milliseconds);
    });
    try {
      return await Promise.race([step, late]);
    } finally {
      clearTimeout(timer);
      step.catch(() => {});
    }
  }
}

class Connections {
  readonly #open = new Set<Socket>();
  #ended = false;

  add<T extends Socket>(socket: T): T {
    socket.on('error', () => {});
    this.#open.add(socket);
    if (this.#ended) socket.destroy();
    return socket;
  }

  close(): void {
    for (const socket of this.#open) socket.destroy();
    this.#open.clear();
  }

  end(): void {
    this.#ended = true;
    this.close();
  }
}

/** Resolves after the answer's head. */
async function sendRequest(url: URL, socket: Socket): Promise<IncomingMessage> {
  const call = request({
    createConnection: () => socket,
    path: `${url.pathname}${url.search}`,
    headers: { Host: url.host, ...HEADERS },
    setHost: false,
    maxHeaderSize: MAX_HEADER_BYTES,
  });
  call.on('error', () => {});
  call.end();
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  return response;
}

async function readImage(
  response: IncomingMessage,
  limits: FetchLimits,
  hold: BodyHold | undefined,
): Promise<Buffer> {
  const { 'content-encoding': encoding = 'identity', 'content-length': length } = response.headers;
  if (encoding.toLowerCase() !== 'identity' || Number(length ?? 0) > limits.bytes) throw failed();
  const chunks: Buffer[] = [];
  let bytes = 0;
  let held = 0;
  let recent = 0;
  const pace = setInterval(() => {
    if (recent < limits.minBytes) response.destroy();
    recent = 0;
  }, limits.rateMs);
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      recent += chunk.length;
      if (bytes > limits.bytes) throw failed();
      hold?.take(chunk.length);
      held += chunk.length;
      chunks.push(chunk);
    }
    if (bytes === 0) throw failed();
  } catch (error) {
    hold?.give(held);
    throw error;
  } finally {
    clearInterval(pace);
  }
  return Buffer.concat(chunks);
}

/** @param from the redirecting URL, if any. */
function parseImageUrl(text: string, from: URL | null): URL {
  const url = URL.canParse(text, from?.href) ? new URL(text, from?.href) : null;
  if (url === null) throw forbidden('image.url is not a URL.');
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw forbidden('image.url must begin with http:// or https://.');
  }
  if (url.username !== '' || url.password !== '') {
    throw forbidden('image.url may hold no user name or password.');
  }
  if (from?.protocol === 'https:' && url.protocol === 'http:') {
    throw forbidden('image.url leads from https to http.');
  }
  return url;
}

function portOf(url: URL): number {
  if (url.port !== '') return Number(url.port);
  return url.protocol === 'https:' ? 443 : 80;
}

function serverNameOf({ hostname }: URL): string {
  return literalAddress(hostname) === null ? hostname.replace(/\.$/, '') : '';
}

/** The system's resolver would block the threads that flush the store. */
async function resolveName(name: string): Promise<string[]> {
  const resolver = new Resolver({ timeout: 2_000, tries: 2 });
  const none = (): string[] => [];
  const [four, six] = await Promise.all([
    resolver.resolve4(name).catch(none),
    resolver.resolve6(name).catch(none),
  ]);
  return [...four, ...six];
}

function forbidden(detail: string): VisageError {
  return new VisageError('IMAGE_URL_FORBIDDEN', detail);
}

function failed(): VisageError {
  return new VisageError('IMAGE_URL_FAILED', 'No image could be fetched from image.url.');
}
