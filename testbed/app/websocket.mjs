// What the app and its visitors need of the WebSocket protocol (RFC 6455): the handshake's answer, and whole frames.
import { createHash, randomBytes } from 'node:crypto';

export const opcodes = { text: 1, close: 8, ping: 9, pong: 10 };

/** The value of Sec-WebSocket-Accept for a key (RFC 6455, section 4.2.2). @param {string} key */
export function acceptOf(key) {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}

/**
 * One frame, not split. What a client sends has to be masked, what a server sends must not be.
 *
 * @param {number} opcode
 * @param {string | Buffer} payload at most 65,535 bytes
 * @param {{ masked?: boolean }} [options]
 */
export function frame(opcode, payload, { masked = false } = {}) {
  const body = Buffer.from(payload);
  const head = Buffer.alloc(body.length < 126 ? 2 : 4);
  head[0] = 0x80 | opcode;
  head[1] = (masked ? 0x80 : 0) | Math.min(body.length, 126);
  if (body.length >= 126) head.writeUInt16BE(body.length, 2);
  if (!masked) return Buffer.concat([head, body]);
  const mask = randomBytes(4);
  return Buffer.concat([head, mask, body.map((byte, at) => byte ^ mask[at % 4])]);
}

/**
 * Gives a function that takes bytes as they come, and hands on whole frames.
 *
 * @param {(frame: { opcode: number, payload: Buffer }) => void} take
 * @returns {(bytes: Buffer) => void}
 */
export function frameReader(take) {
  let rest = Buffer.alloc(0);
  return (bytes) => {
    rest = rest.length ? Buffer.concat([rest, bytes]) : bytes;
    for (;;) {
      if (rest.length < 2) return;
      const short = rest[1] & 0x7f;
      let at = short === 126 ? 4 : 2;
      if (rest.length < at) return;
      const length = short === 126 ? rest.readUInt16BE(2) : short;
      const mask = rest[1] & 0x80 ? rest.subarray(at, (at += 4)) : undefined;
      if (rest.length < at + length) return;
      const payload = Buffer.from(rest.subarray(at, at + length));
      if (mask) payload.forEach((byte, index) => (payload[index] = byte ^ mask[index % 4]));
      const opcode = rest[0] & 0x0f;
      rest = rest.subarray(at + length);
      take({ opcode, payload });
    }
  };
}
