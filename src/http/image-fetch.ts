/**
 * Pictures by URL. The caller decides where this machine connects to, so nothing is taken on trust: the name is
 * resolved once, every address of it must be permitted, the connection is made to a checked address and looked at
 * again, and each redirect begins from the start. What goes wrong behind a permitted address is always the same
 * sentence, so an answer says nothing of what is there.
 */
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type Address, parseAddress } from '../config/networks.ts';
import { VisageError } from '../errors.ts';
import { type ImageUrlPolicy, literalAddress } from './image-url-policy.ts';

/** Fetches the bytes of a picture for an account. @throws VisageError. */
export type ImageFetcher = (url: string, accountId: string) => Promise<Buffer>;

/** Bounds of one fetch; times in milliseconds. */
export interface FetchLimits {
  readonly bytes: number;
  readonly redirects: number;
  /** For the connection, with TLS; then for the header of the answer; and for everything together. */
  readonly connectMs: number;
  readonly headerMs: number;
  readonly totalMs: number;
  /** A body must bring `minBytes` in each `rateMs`. */
  readonly rateMs: number;
  readonly minBytes: number;
  /** Fetches at a time, of all accounts. */
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

export interface FetchParts {
  readonly policy: ImageUrlPolicy;
  /** Every address of a name; none where it has none. */
  readonly resolve?: (name: string) => Promise<readonly string[]>;
  readonly limits?: Partial<FetchLimits>;
}

function forbidden(detail: string): VisageError {
  return new VisageError('IMAGE_URL_FORBIDDEN', detail);
}

function failed(): VisageError {
  return new VisageError('IMAGE_URL_FAILED', 'No picture could be fetched from image.url.');
}

/**
 * Asks DNS for both kinds of addresses. Not the system's resolver: that one waits in the few threads that also flush
 * the store, so slow name servers would hold up every write.
 */
async function resolveName(name: string): Promise<string[]> {
  const resolver = new Resolver({ timeout: 2_000, tries: 2 });
  const none = (): string[] => [];
  const [four, six] = await Promise.all([
    resolver.resolve4(name).catch(none),
    resolver.resolve6(name).catch(none),
  ]);
  return [...four, ...six];
}

/** Checks what can be seen of a URL itself. */
function parseUrl(text: string, from: URL | null): URL {
  const url = URL.canParse(text, from?.href) ? new URL(text, from?.href) : null;
  if (url === null) throw forbidden('image.url is not a URL.');
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw forbidden('image.url must begin with http:// or https://.');
  }
  if (url.username !== '' || url.password !== '')
    throw forbidden('image.url may hold no user name or password.');
  if (from?.protocol === 'https:' && url.protocol === 'http:') {
    throw forbidden('image.url leads from https to http.');
  }
  return url;
}

function portOf(url: URL): number {
  if (url.port !== '') return Number(url.port);
  return url.protocol === 'https:' ? 443 : 80;
}

/** What happens within a time, or a rejection and the end of a socket. */
async function within<T>(milliseconds: number, work: Promise<T>, giveUp: () => void): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      giveUp();
      reject(failed());
    }, milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    work.catch(() => {});
  }
}

/** The connections of one fetch. */
class Connections {
  readonly #open = new Set<Socket>();
  #ended = false;

  /** Takes a connection; where the fetch has ended meanwhile it ends at once. */
  add<T extends Socket>(socket: T): T {
    // Whoever waits for the connection sees its error; one that comes later is nobody's.
    socket.on('error', () => {});
    this.#open.add(socket);
    if (this.#ended) socket.destroy();
    return socket;
  }

  close(): void {
    for (const socket of this.#open) socket.destroy();
    this.#open.clear();
  }

  /** Closes them, and those to come. */
  end(): void {
    this.#ended = true;
    this.close();
  }
}

/** The fetcher under a policy. */
export function createImageFetcher({
  policy,
  resolve = resolveName,
  limits: some,
}: FetchParts): ImageFetcher {
  const limits = { ...LIMITS, ...some };
  let running = 0;

  /** One address of the URL's host, after every one has been checked. */
  const addressOf = async (url: URL, accountId: string): Promise<Address> => {
    const literal = literalAddress(url.hostname);
    const texts = literal === null ? await resolve(url.hostname).catch(() => []) : [literal.toString()];
    const addresses = texts.map(parseAddress);
    const [first] = addresses;
    const isPermitted = addresses.every(
      (address) => address !== null && policy(accountId, address, portOf(url)),
    );
    // A name that is not known is answered alike, or answers would tell which names there are inside.
    if (!first || !isPermitted)
      throw forbidden('image.url leads to no address that pictures may be fetched from.');
    return first;
  };

  /** A connection to exactly the address that was checked. */
  const open = async (
    url: URL,
    address: Address,
    accountId: string,
    connections: Connections,
  ): Promise<Socket> => {
    const tcp = connections.add(connect({ host: address.toString(), port: portOf(url) }));
    await once(tcp, 'connect');
    const peer = parseAddress(tcp.remoteAddress ?? '');
    if (peer?.toString() !== address.toString() || !policy(accountId, peer, portOf(url))) throw failed();
    if (url.protocol === 'http:') return tcp;
    const isName = literalAddress(url.hostname) === null;
    const servername = isName ? url.hostname.replace(/\.$/, '') : '';
    const tls = connections.add(connectTls({ socket: tcp, host: address.toString(), servername }));
    await once(tls, 'secureConnect');
    return tls;
  };

  const readBody = async (response: IncomingMessage): Promise<Buffer> => {
    const { 'content-encoding': encoding = 'identity', 'content-length': length } = response.headers;
    if (encoding.toLowerCase() !== 'identity' || Number(length ?? 0) > limits.bytes) throw failed();
    const chunks: Buffer[] = [];
    let bytes = 0;
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
        chunks.push(chunk);
      }
    } finally {
      clearInterval(pace);
    }
    if (bytes === 0) throw failed();
    return Buffer.concat(chunks);
  };

  const exchange = async (
    url: URL,
    accountId: string,
    connections: Connections,
  ): Promise<Buffer | string> => {
    const address = await addressOf(url, accountId);
    const cut = () => connections.end();
    const socket = await within(limits.connectMs, open(url, address, accountId, connections), cut);
    const call = request({
      createConnection: () => socket,
      path: `${url.pathname}${url.search}`,
      headers: { Host: url.host, ...HEADERS },
      setHost: false,
      maxHeaderSize: MAX_HEADER_BYTES,
    });
    call.on('error', () => {});
    call.end();
    const [response] = (await within(limits.headerMs, once(call, 'response'), cut)) as [IncomingMessage];
    const { location } = response.headers;
    if (REDIRECTS.has(response.statusCode ?? 0) && location !== undefined) return location;
    if (response.statusCode !== 200) throw failed();
    return readBody(response);
  };

  const follow = async (text: string, accountId: string, connections: Connections): Promise<Buffer> => {
    let url = parseUrl(text, null);
    for (let redirects = 0; redirects <= limits.redirects; redirects++) {
      const answer = await exchange(url, accountId, connections);
      connections.close();
      if (typeof answer !== 'string') return answer;
      url = parseUrl(answer, url);
    }
    throw failed();
  };

  return async (text, accountId) => {
    if (running >= limits.parallel) {
      throw new VisageError('OVERLOADED', 'Too many pictures are being fetched; try again in a moment.');
    }
    running++;
    const connections = new Connections();
    try {
      return await within(limits.totalMs, follow(text, accountId, connections), () => connections.end());
    } catch (error) {
      throw error instanceof VisageError ? error : failed();
    } finally {
      running--;
      connections.end();
    }
  };
}
