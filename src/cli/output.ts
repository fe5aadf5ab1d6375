/** Attackers may supply names and paths: all output escapes control characters. */
import { StringDecoder } from 'node:string_decoder';
import { visible, visibleLines } from '../base/visible-text.ts';

type Write = NodeJS.WriteStream['write'];

let unguarded: Write | null = null;

function guard(stream: NodeJS.WriteStream): Write {
  const write = stream.write.bind(stream) as Write;
  const decoder = new StringDecoder('utf8');
  stream.write = ((chunk: string | Uint8Array, ...rest: never[]) =>
    write(
      visibleLines(typeof chunk === 'string' ? chunk : decoder.write(Buffer.from(chunk))),
      ...rest,
    )) as Write;
  return write;
}

/** Call before any output. */
export function guardOutput(): void {
  guard(process.stdout);
  unguarded = guard(process.stderr);
}

/** @param text must be trusted. */
export function draw(text: string): void {
  (unguarded ?? process.stderr.write.bind(process.stderr))(text);
}

/** Escapes control characters and line breaks in values. */
export function line(parts: TemplateStringsArray, ...values: readonly unknown[]): string {
  return `${parts.reduce((text, part, at) => `${text}${visible(String(values[at - 1]))}${part}`)}\n`;
}

export function tell(parts: TemplateStringsArray, ...values: readonly unknown[]): void {
  process.stderr.write(line(parts, ...values));
}
