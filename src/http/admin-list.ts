import { Readable } from 'node:stream';
import { inTurns } from '../base/turns.ts';
import type { Context } from './koa-app.ts';

const PART_CHARACTERS = 16_384;

async function* partsOf(name: string, items: readonly unknown[]): AsyncGenerator<string> {
  let part = `{${JSON.stringify(name)}:[`;
  let separator = '';
  for await (const item of inTurns(items)) {
    part += separator + JSON.stringify(item);
    separator = ',';
    if (part.length < PART_CHARACTERS) continue;
    yield part;
    part = '';
  }
  yield `${part}]}`;
}

/** Writes in short turns. */
export function answerList(context: Context, name: string, items: readonly unknown[]): void {
  context.type = 'application/json';
  context.body = Readable.from(partsOf(name, items));
}
