export interface Sent {
  readonly event: string;
  readonly id: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into events.
  readonly data: any;
}

export class EventSourceClient {
  readonly status: number;
  readonly headers: Headers;
  /** The id that a browser would send as `Last-Event-ID`. */
  lastEventId = '';
  hasEnded = false;
  readonly comments: string[] = [];
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | null;
  readonly #received: Sent[] = [];
  readonly #abort: AbortController;
  readonly #decoder = new TextDecoder();
  #text = '';

  static async open(url: string, credential: string, lastEventId?: string): Promise<EventSourceClient> {
    const abort = new AbortController();
    const response = await fetch(url, {
      headers: {
        Authorization: `Bearer ${credential}`,
        ...(lastEventId === undefined ? {} : { 'Last-Event-ID': lastEventId }),
      },
      signal: abort.signal,
    });
    return new EventSourceClient(response, abort);
  }

  private constructor(response: Response, abort: AbortController) {
    this.status = response.status;
    this.headers = response.headers;
    this.#abort = abort;
    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
    this.#reader = isStream && response.body ? response.body.getReader() : null;
  }

  async read(): Promise<boolean> {
    const result = await this.#reader?.read().catch(() => undefined);
    if (!result || result.done) {
      this.hasEnded = true;
      return false;
    }
    this.#text += this.#decoder.decode(result.value, { stream: true });
    for (let end = this.#text.indexOf('\n\n'); end >= 0; end = this.#text.indexOf('\n\n')) {
      this.#take(this.#text.slice(0, end));
      this.#text = this.#text.slice(end + 2);
    }
    return true;
  }

  #take(block: string): void {
    let event = 'message';
    let data: string | null = null;
    for (const line of block.split('\n')) {
      const [name = '', value = ''] = line.split(/: (.*)/s);
      if (line.startsWith(':')) this.comments.push(line.slice(2));
      else if (name === 'id') this.lastEventId = value;
      else if (name === 'event') event = value;
      else if (name === 'data') data = value;
    }
    if (data !== null) this.#received.push({ event, id: this.lastEventId, data: JSON.parse(data) });
  }

  async take(count: number): Promise<Sent[]> {
    while (this.#received.length < count && (await this.read()));
    return this.#received.splice(0, count);
  }

  async end(): Promise<void> {
    while (await this.read());
  }

  close(): void {
    this.#abort.abort();
  }
}
