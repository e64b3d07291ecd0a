// Reads HTTP/1.1 answers from the bytes of one connection, and says when one is complete (RFC 9112).

const headEnd = Buffer.from('\r\n\r\n');

/**
 * One answer. Feed it with `take` until `complete`; what cannot be an answer makes `wrong` a text that says why.
 * A body is given piece by piece to `onBody`, or collected in `body` without it.
 */
export class Answer {
  /** @param {((piece: Buffer) => void) | undefined} onBody */
  constructor(onBody) {
    this.onBody = onBody;
    this.status = 0;
    this.head = '';
    this.body = '';
    this.complete = false;
    this.wrong = '';
    /** Bytes behind the head of an answer 101, which are no HTTP any more. */
    this.upgraded = undefined;
    this.rest = undefined;
    /** Bytes of the body, or of the chunk, that are still to come. */
    this.left = 0;
    this.chunked = false;
    this.untilClose = false;
    this.inTrailer = false;
  }

  /** Whether the server said that it closes the connection behind this answer. */
  get closes() {
    return this.untilClose || /\r\nconnection: *close\r\n/i.test(this.head);
  }

  /** A header's value; empty without it. @param {string} name in small letters */
  header(name) {
    const lines = this.head.split('\r\n');
    for (const line of lines) {
      const colon = line.indexOf(':');
      if (colon === name.length && line.slice(0, colon).toLowerCase() === name) return line.slice(colon + 1).trim();
    }
    return '';
  }

  /** @param {Buffer} bytes */
  take(bytes) {
    let at = 0;
    if (this.status === 0) {
      if (this.rest) bytes = Buffer.concat([this.rest, bytes]);
      const end = bytes.indexOf(headEnd);
      if (end < 0) return void (this.rest = bytes);
      this.rest = undefined;
      at = end + 4;
      this.takeHead(bytes.latin1Slice(0, end + 2));
      if (this.upgrades) return void (this.upgraded = bytes.subarray(at));
    }
    if (this.chunked) this.takeChunks(at ? bytes.subarray(at) : bytes);
    else if (this.untilClose) this.give(bytes.subarray(at));
    else {
      const piece = bytes.subarray(at, at + this.left);
      this.left -= piece.length;
      this.give(piece);
      this.end(bytes, at + piece.length);
    }
  }

  /** The connection was closed. */
  close() {
    if (this.untilClose && this.status) this.complete = true;
  }

  get upgrades() {
    return this.status === 101;
  }

  takeHead(head) {
    this.head = head;
    const line = /^HTTP\/1\.1 (\d{3}) /.exec(head);
    if (!line) return void (this.wrong = `no answer of HTTP/1.1: ${JSON.stringify(head.slice(0, 60))}`);
    this.status = Number(line[1]);
    const length = /\r\ncontent-length: *(\d+)\r\n/i.exec(head);
    this.chunked = /\r\ntransfer-encoding: *chunked\r\n/i.test(head);
    if (length) this.left = Number(length[1]);
    else this.untilClose = !this.chunked && this.status !== 204 && this.status !== 304 && !this.upgrades;
  }

  takeChunks(bytes) {
    if (this.rest) bytes = Buffer.concat([this.rest, bytes]);
    this.rest = undefined;
    let at = 0;
    while (!this.complete && !this.wrong) {
      if (this.left > 2) {
        const piece = bytes.subarray(at, at + this.left - 2);
        if (!piece.length) return;
        this.left -= piece.length;
        at += piece.length;
        this.give(piece);
      }
      // Behind a chunk's bytes stands a line end of its own.
      if (this.left > 0) {
        if (bytes.length < at + 2) return void (this.rest = bytes.subarray(at));
        at += 2;
        this.left = 0;
      }
      const lineEnd = bytes.indexOf('\r\n', at, 'latin1');
      if (lineEnd < 0) return void (this.rest = bytes.subarray(at));
      const line = bytes.latin1Slice(at, lineEnd);
      at = lineEnd + 2;
      if (this.inTrailer) {
        if (line === '') return this.end(bytes, at);
        continue;
      }
      const size = /^([0-9a-f]+)(?:;.*)?$/i.exec(line);
      if (!size) this.wrong = `no chunk's size: ${JSON.stringify(line.slice(0, 60))}`;
      else if (parseInt(size[1], 16) === 0) this.inTrailer = true;
      else this.left = parseInt(size[1], 16) + 2;
    }
  }

  give(piece) {
    if (!piece.length) return;
    if (this.onBody) this.onBody(piece);
    else this.body += piece.latin1Slice(0, piece.length);
  }

  end(bytes, at) {
    if (this.left > 0) return;
    this.complete = true;
    if (at < bytes.length) this.wrong = 'more bytes than the answer has';
  }
}
