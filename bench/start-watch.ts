/** Costs of a service's start, measured from outside. */
import { readdir, readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { adminSocketPath } from '../src/ops/data-folder.ts';
import type { Child } from '../testing/service.ts';

const PAUSE_MS = 10;
/** The kernel's USER_HZ, which is 100 everywhere. */
const TICKS = 100;

export interface Watched {
  readonly seconds: number;
  readonly processor: number;
  readonly held: number;
  readonly answer: number;
}

export class StartWatch {
  readonly #began = performance.now();
  readonly #socket: string;
  readonly #asking: Promise<void>;
  #over = false;
  #answer = 0;
  #held = 0;

  /** @param folder the service's data folder. */
  constructor(folder: string) {
    this.#socket = adminSocketPath(folder).path;
    this.#asking = this.#ask();
  }

  /** @param child which serves now. */
  async end({ process: { pid } }: Child): Promise<Watched> {
    const seconds = (performance.now() - this.#began) / 1000;
    const processor = await processorSeconds(pid as number);
    this.#over = true;
    await this.#asking;
    return { seconds, processor, held: this.#held, answer: this.#answer };
  }

  async #ask(): Promise<void> {
    while (!this.#over) {
      const asked = performance.now();
      if (await isAnswered(this.#socket)) this.#answer = Math.max(this.#answer, performance.now() - asked);
      this.#held = Math.max(this.#held, await heldByChildren());
      await wait(PAUSE_MS);
    }
  }
}

function isAnswered(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request({ socketPath, path: '/readyz' }, (answer) => {
      answer.resume().once('end', () => resolve(true));
    });
    asked.once('error', () => resolve(false));
    asked.end();
  });
}

async function heldByChildren(): Promise<number> {
  const children = await readFile(`/proc/self/task/${process.pid}/children`, 'utf8');
  let kilobytes = 0;
  for (const pid of children.trim().split(' ')) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    kilobytes += Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
  }
  return kilobytes / 1024;
}

async function processorSeconds(pid: number): Promise<number> {
  const timesOf = async (thread: string | number) => {
    const text = await readFile(`/proc/${pid}/task/${thread}/stat`, 'utf8').catch(() => '');
    const [user = 0, system = 0, , , , nice] = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 17)
      .map(Number);
    return { ticks: user + system, nice };
  };
  const main = await timesOf(pid);
  const threads = await Promise.all((await readdir(`/proc/${pid}/task`)).map(timesOf));
  return threads.reduce((sum, { ticks, nice }) => sum + (nice === main.nice ? ticks : 0), 0) / TICKS;
}
