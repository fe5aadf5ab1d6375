const SLICE = 12;
/** Slices begin this far apart, and closer where a message would begin to quote. */
const STEP = 32;
const STEP_AT_START = 4;
const START = 160;

function insideBase64(bytes: Uint8Array): string[] {
  return [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    const end = Math.floor(((before + bytes.length) * 8) / 6);
    return text.slice(Math.ceil((before * 8) / 6), end);
  });
}

/** Forms of bytes: as they are, through two encodings of text, hexadecimal, base64, a list of numbers. */
function formsOf(bytes: Uint8Array): string[] {
  const raw = Buffer.from(bytes);
  const base64 = insideBase64(raw);
  return [
    raw.toString('latin1'),
    Buffer.from(raw.toString('latin1'), 'utf8').toString('latin1'),
    Buffer.from(JSON.stringify(raw.toString('latin1')).slice(1, -1), 'utf8').toString('latin1'),
    raw.toString('hex'),
    raw.toString('hex').toUpperCase(),
    ...base64,
    ...base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_')),
    raw.join(','),
    raw.join(', '),
  ];
}

const VECTOR = /(?:-?\d*\.\d+(?:e[+-]?\d+)?[,\s]+){7}-?\d*\.\d+/i;

const BINARY = /(?!\s)\p{Cc}|\ufffd|\\u00[01]|\\ufffd/iu;

export class Secrets {
  readonly #needles = new Map<string, Set<string>>();

  #add(name: string, needles: Iterable<string>): void {
    const held = this.#needles.get(name) ?? new Set();
    for (const needle of needles) held.add(needle);
    this.#needles.set(name, held);
  }

  addText(name: string, text: string): void {
    if (text.length < 8) throw new Error(`${name} is too short to be told from other text`);
    this.#add(name, [
      ...formsOf(Buffer.from(text)),
      encodeURIComponent(text),
      ...[JSON.stringify(text).slice(1, -1), JSON.stringify(JSON.stringify(text)).slice(3, -3)].map((json) =>
        Buffer.from(json).toString('latin1'),
      ),
    ]);
  }

  addBytes(name: string, bytes: Uint8Array): void {
    for (let at = 0; at + SLICE <= bytes.length; at += at < START ? STEP_AT_START : STEP) {
      const slice = bytes.subarray(at, at + SLICE);
      if (new Set(slice).size >= SLICE / 2) this.#add(name, formsOf(slice));
    }
  }

  addVector(name: string, vector: Float32Array): void {
    this.addBytes(name, new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength));
    const values = Array.from(vector).flatMap((value) => [String(value), value.toPrecision(8)]);
    // A value such as 0 or 0.5 is in other things too.
    this.#add(
      name,
      values.filter((text) => /[1-9]\d{6}/.test(text)),
    );
  }

  foundIn(text: string): string[] {
    const hay = Buffer.from(text).toString('latin1');
    const found = [...this.#needles].filter(([, needles]) => {
      for (const needle of needles) if (hay.includes(needle)) return true;
      return false;
    });
    const names = found.map(([name]) => name);
    if (VECTOR.test(text)) names.push('a vector');
    if (BINARY.test(text)) names.push('binary');
    return names;
  }
}
