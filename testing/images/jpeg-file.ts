/** Byte offset of the first segment with this marker, such as 0xc0 for the baseline frame header. */
export function findSegment(jpeg: Buffer, marker: number): number {
  for (let at = 2; at + 4 <= jpeg.length; at += 2 + jpeg.readUInt16BE(at + 2)) {
    if (jpeg[at + 1] === marker) return at;
  }
  throw new Error(`The file has no segment ${marker.toString(16)}`);
}

export function insertSegments(jpeg: Buffer, ...segments: readonly Buffer[]): Buffer {
  return Buffer.concat([jpeg.subarray(0, 2), ...segments, jpeg.subarray(2)]);
}

export function segment(marker: number, content: Buffer): Buffer {
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(content.length + 2, 2);
  return Buffer.concat([head, content]);
}

export function exifBlock(orientation: number, bigEndian: boolean): Buffer {
  const little = [
    0x49,
    0x49,
    42,
    0,
    8,
    0,
    0,
    0,
    1,
    0,
    0x12,
    1,
    3,
    0,
    1,
    0,
    0,
    0,
    orientation,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
  ];
  const big = [
    0x4d,
    0x4d,
    0,
    42,
    0,
    0,
    0,
    8,
    0,
    1,
    1,
    0x12,
    0,
    3,
    0,
    0,
    0,
    1,
    0,
    orientation,
    0,
    0,
    0,
    0,
    0,
    0,
  ];
  return Buffer.from(bigEndian ? big : little);
}

export function exifSegment(block: Buffer): Buffer {
  return segment(0xe1, Buffer.concat([Buffer.from('Exif\0\0'), block]));
}

export function withEmptyScans(progressive: Buffer, count: number): Buffer {
  const head = progressive.subarray(0, findSegment(progressive, 0xda));
  // One code, one bit long: the band ends for 2^14 blocks and as many more as the next 14 bits say.
  const table = segment(0xc4, Buffer.from([0x10, 1, ...Array<number>(15).fill(0), 0xe0]));
  const frame = findSegment(progressive, 0xc2);
  const side = (at: number) => Math.ceil(progressive.readUInt16BE(frame + at) / 8);
  const runs = Math.ceil((side(5) * side(7)) / (2 ** 15 - 1));
  const bits = `0${'1'.repeat(14)}`.repeat(runs).padEnd(Math.ceil((15 * runs) / 8) * 8, '1');
  const coded = (bits.match(/.{8}/g) ?? []).flatMap((byte) =>
    byte === '11111111' ? [255, 0] : [Number.parseInt(byte, 2)],
  );
  const scanHead = segment(0xda, Buffer.from([1, progressive[frame + 10] ?? 1, 0, 1, 63, 0]));
  const scan = Buffer.concat([scanHead, Buffer.from(coded)]);
  return Buffer.concat([head, table, ...Array<Buffer>(count).fill(scan), Buffer.from([0xff, 0xd9])]);
}
