const SECTIONS = 7;
const TABLE = 32;
export const HEADER = TABLE + SECTIONS * 16 + 1024 + 24;

export function headChanged(file: Buffer): void {
  file.writeUInt32LE(crc32c(file.subarray(0, HEADER - 4)), HEADER - 4);
}

export function sectionChanged(file: Buffer, index: number, change: (bytes: Buffer) => void): void {
  let offset = HEADER;
  for (let i = 0; i < index; i++) offset += Number(file.readBigUInt64LE(TABLE + 16 * i));
  const bytes = file.subarray(offset, offset + Number(file.readBigUInt64LE(TABLE + 16 * index)));
  change(bytes);
  file.writeUInt32LE(crc32c(bytes), TABLE + 16 * index + 8);
}

/** CRC-32C, a bit at a time. */
function crc32c(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
