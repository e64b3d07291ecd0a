const table = Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x80000000 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  return crc;
});

/** What `cksum <file` prints for these bytes: checksum and size (POSIX, "cksum"). */
export function cksum(text: string): string {
  const bytes = Buffer.from(text);
  let crc = 0;
  const add = (byte: number): void => void (crc = (crc << 8) ^ (table[((crc >>> 24) ^ byte) & 0xff] ?? 0));
  for (const byte of bytes) add(byte);
  for (let size = bytes.length; size > 0; size = Math.floor(size / 256)) add(size & 0xff);
  return `${~crc >>> 0} ${bytes.length}`;
}
