import { describe, expect, test } from '@jest/globals';
import { Answer } from '../../../testbed/load/answers.mjs';

const pages: Record<string, { text: string; body: string; closes?: boolean }> = {
  'a length': { text: 'HTTP/1.1 200 OK\r\nX-Version: v1\r\nContent-Length: 8\r\nConnection: keep-alive\r\n\r\nv1\r\n\r\nab', body: 'v1\r\n\r\nab' },
  'no body': { text: 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx-version: v1\r\nConnection: close\r\n\r\n', body: '', closes: true },
  chunks: { text: 'HTTP/1.1 200 OK\r\nx-version:  v1 \r\nTransfer-Encoding: chunked\r\n\r\n3\r\nv1\n\r\nA;ext=1\r\n0123\r\n\r\n89\r\n0\r\nTrailer: t\r\n\r\n', body: 'v1\n0123\r\n\r\n89' },
  'status 204': { text: 'HTTP/1.1 204 No Content\r\nx-version: v1\r\n\r\n', body: '' },
};

/** Feeds a text in pieces of so many bytes. */
function read(text: string, size: number, onBody?: (piece: Buffer) => void): Answer {
  const answer = new Answer(onBody);
  const bytes = Buffer.from(text, 'latin1');
  for (let at = 0; at < bytes.length; at += size) {
    expect(answer.complete).toBe(false);
    answer.take(bytes.subarray(at, at + size));
  }
  return answer;
}

describe('answers of HTTP/1.1', () => {
  for (const [name, { text, body, closes = false }] of Object.entries(pages)) {
    test(`${name}: read in pieces of any size, complete with the last byte and not before`, () => {
      for (let size = 1; size <= text.length; size++) {
        const answer = read(text, size);
        expect(answer).toMatchObject({ complete: true, wrong: '', body });
        expect(answer.header('x-version')).toBe('v1');
        expect(answer.closes).toBe(closes);
        let pieces = '';
        expect(read(text, size, (piece) => (pieces += piece.toString('latin1'))).complete).toBe(true);
        expect(pieces).toBe(body);
      }
    });

    test(`${name}: without its last byte it is not complete, whatever comes then`, () => {
      const answer = read(text.slice(0, -1), 7);
      answer.close();
      expect(answer.complete).toBe(false);
    });
  }

  test('a body without a length lasts until the connection is closed', () => {
    const answer = read('HTTP/1.1 200 OK\r\nx-version: v1\r\n\r\nall of it', 5);
    expect(answer.complete).toBe(false);
    answer.close();
    expect(answer).toMatchObject({ complete: true, body: 'all of it', closes: true });
  });

  test('behind an answer 101 the bytes are handed on as they are', () => {
    const answer = new Answer(undefined);
    answer.take(Buffer.from('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x02hi', 'latin1'));
    expect(answer).toMatchObject({ status: 101, complete: false, wrong: '' });
    expect(answer.upgraded?.toString('latin1')).toBe('\x81\x02hi');
  });

  test.each([
    ['what is no HTTP', 'SSH-2.0-OpenSSH\r\n\r\n', /no answer of HTTP/],
    ['bytes behind the answer', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP', /more bytes/],
    ['bytes behind the last chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nx', /more bytes/],
    ["a chunk's size that is none", 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', /no chunk's size/],
  ])('%s is told', (_name, text, wrong) => {
    const answer = new Answer(undefined);
    answer.take(Buffer.from(text, 'latin1'));
    expect(answer.wrong).toMatch(wrong);
  });
});
