import { describe, expect, it } from 'vitest';
import type { FramingSpec } from '../../src/framing/framing.ts';
import { Peer } from './peer.ts';
import { service, start } from './running.ts';

interface Example {
  readonly framing: FramingSpec;
  readonly sent: string;
  readonly replies: string;
}

const EXAMPLES: Record<string, Example> = {
  line: { framing: 'line', sent: 'hello\nné\r\n\n', replies: 'olleh\nén\n\n' },
  length: { framing: 'length', sent: '\0\0\0\x03abc\0\0\0\0\0\0\0\x01x', replies: '\0\0\0\x03cba\0\0\0\0\0\0\0\x01x' },
  'length of 1': { framing: { length: 1 }, sent: '\x03abc\x00\x02de', replies: '\x03cba\x00\x02ed' },
  'length of 2': { framing: { length: 2 }, sent: '\0\x03abc\0\x02de', replies: '\0\x03cba\0\x02ed' },
  'length field': {
    framing: { length: { size: 3, endian: 'little' } },
    sent: '\x03\0\0abc\0\0\0',
    replies: '\x03\0\0cba\0\0\0',
  },
  'length field that counts itself': {
    framing: { length: { size: 2, counts: 'frame', add: 1 } },
    sent: '\0\x04abc\0\x02d',
    replies: '\0\x04cba\0\x02d',
  },
  varint: { framing: { length: { size: 'varint' } }, sent: '\x03abc\x02de\0', replies: '\x03cba\x02ed\0' },
  'length field in the frame': {
    framing: { length: { at: 1, size: 1, message: 'frame' } },
    sent: '<\x02ab<\0',
    replies: 'ba\x02<\0<',
  },
  crlf: { framing: { line: 'crlf' }, sent: 'hello\nab\r\n\nend', replies: 'olleh\r\nba\r\n\r\ndne\r\n' },
  'several delimiters': {
    framing: { delimiter: ['\r\n', '\n', ';'] },
    sent: 'ab\ncd;ef\r\n',
    replies: 'ba\r\ndc\r\nfe\r\n',
  },
  'start and end marks': { framing: { start: '<', delimiter: '/>' }, sent: '<ab/></>', replies: '<ba/></>' },
  'marks, and what is outside': {
    framing: { start: '<<', delimiter: ['>', '!!'], outside: 'skip' },
    sent: 'x<y<<ab>\n<<cd!!z<',
    replies: '<<ba><<dc>',
  },
  delimiter: { framing: { delimiter: '<>' }, sent: 'abc<><>d<<>', replies: 'cba<><><d<>' },
};

const CASES = Object.entries(EXAMPLES);

/** Printable bytes that differ from one place to the next, so that a lost or doubled one shows. */
function text(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at++) bytes[at] = 33 + ((at * 31 + (at >> 8)) % 90);
  return bytes;
}

const reversed = (bytes: Buffer): Buffer => Buffer.from(bytes).reverse();

describe('the reverse service', () => {
  it('answers a chunk with the chunk reversed', async () => {
    await using running = await start(undefined);
    await using peer = await running.connect();
    expect(String(await peer.send('hello from client').take(17))).toBe('tneilc morf olleh');
    expect(await peer.send('line\r\n').take(6)).toEqual(Buffer.from('enil\r\n'));
  });

  it.each(CASES)('answers messages of framing %s', async (_name, { framing, sent, replies }) => {
    await using running = await start(undefined, { framing });
    await using peer = await running.connect();
    expect(String(await peer.send(sent).finish().rest())).toBe(replies);
    expect((await running.closeOf(peer)).reason).toBe('client-finished');
  });

  it.each(CASES)('answers the same to framing %s however the input is split in two', async (_name, example) => {
    await using running = await start(undefined, { framing: example.framing });
    const bytes = Buffer.from(example.sent);
    for (let at = 1; at < bytes.length; at++) {
      await using peer = await running.connect();
      peer.send(bytes.subarray(0, at));
      // An answer from another connection of the same thread pool is no proof; the kernel's order on one socket is.
      await new Promise((resolve) => setImmediate(resolve));
      expect(String(await peer.send(bytes.subarray(at)).finish().rest()), `split at ${at}`).toBe(example.replies);
    }
  });

  it.each(CASES)('answers framing %s when its bytes drip in one by one', async (_name, example) => {
    await using running = await start(undefined, { framing: example.framing });
    await using peer = await running.connect();
    for (const byte of Buffer.from(example.sent)) {
      await new Promise((resolve) => peer.socket.write(Uint8Array.of(byte), resolve));
    }
    expect(String(await peer.finish().rest())).toBe(example.replies);
  });

  it('answers framing end when the client has shut down its side', async () => {
    await using running = await start(undefined, { framing: 'end' });
    await using peer = await running.connect();
    peer.send('all ').send('of ').send('it');
    expect(String(await peer.finish().rest())).toBe('ti fo lla');
    expect(running.server.stats().messages).toBe(1);
  });

  it('says nothing in framing end to a client that sent nothing', async () => {
    await using running = await start(undefined, { framing: 'end' });
    await using peer = await running.connect();
    expect(await peer.finish().rest()).toEqual(Buffer.alloc(0));
    expect((await running.closeOf(peer)).reason).toBe('client-finished');
  });
});

describe.each([1024, 64 * 1024, 8 * 1024 * 1024])('a message of %i bytes', (length) => {
  const message = text(length);

  it('comes back exact as a line', async () => {
    await using running = await start(undefined, { framing: 'line', maxMessageLength: length });
    await using peer = await running.connect();
    for (let round = 0; round < 2; round++) {
      peer.send(message).send('\n');
      const reply = await peer.take(length + 1);
      expect(reply.at(-1)).toBe(10);
      expect(reply.subarray(0, -1).equals(reversed(message))).toBe(true);
    }
  });

  it('comes back exact after its length', async () => {
    await using running = await start(undefined, { framing: 'length', maxMessageLength: length });
    await using peer = await running.connect();
    const header = Buffer.alloc(4);
    header.writeUInt32BE(length);
    for (let round = 0; round < 2; round++) {
      const reply = await peer
        .send(header)
        .send(message)
        .take(4 + length);
      expect(reply.subarray(0, 4)).toEqual(header);
      expect(reply.subarray(4).equals(reversed(message))).toBe(true);
    }
  });

  it('closes the client if it is one byte too long, after answering those before', async () => {
    await using running = await start(undefined, { framing: 'line', maxMessageLength: length - 1 });
    await using peer = await running.connect();
    const rest = peer.send('abc\n').send(message).send('\n').rest();
    expect(String(await rest)).toBe('cba\n');
    const close = await running.closeOf(peer);
    expect(close).toMatchObject({ reason: 'message-too-long', detail: expect.stringContaining(`${length - 1} bytes`) });
    expect(running.server.stats().messages).toBe(1);
  });
});

describe('pipelined messages', () => {
  it('are answered in order, and those of one read in one write', async () => {
    await using running = await start(undefined, { framing: 'line' });
    await using peer = await running.connect();
    const lines = Array.from({ length: 50 }, (_, line) => `${line}`);
    const replies = lines.map((line) => `${[...line].reverse().join('')}\n`).join('');
    let inOnePiece = 0;
    for (let round = 0; round < 20; round++) {
      peer.send(lines.map((line) => `${line}\n`).join(''));
      while (peer.pieces.length === 0) await new Promise((resolve) => peer.socket.once('data', resolve));
      if (peer.pieces[0]?.length === replies.length) inOnePiece++;
      expect(String(await peer.take(replies.length))).toBe(replies);
    }
    // A write of the client may reach the server in two parts now and then; a reply each would be 50 pieces each time.
    expect(inOnePiece).toBeGreaterThanOrEqual(15);
  });

  it('are all answered when there are more than a read, or a reply buffer, holds', async () => {
    await using running = await start(undefined, { framing: 'line' });
    await using peer = await running.connect();
    const lines = Array.from({ length: 50_000 }, (_, line) => `line ${line}`);
    const sent = lines.map((line) => `${line}\n`).join('');
    const replies = lines.map((line) => `${[...line].reverse().join('')}\n`).join('');
    expect((await peer.send(sent).finish().rest()).equals(Buffer.from(replies))).toBe(true);
    expect(running.server.stats().messages).toBe(50_000);
  });
});

describe('bytes that are no message', () => {
  it.each([
    [{ line: 'lf', atEnd: 'refuse' }, 'abc\nde', 'cba\n'],
    [{ delimiter: '|' }, 'abc|de', 'cba|'],
    ['length', '\0\0\0\x01a\0\0\0\x09b', '\0\0\0\x01a'],
  ] as const)('left over at the end of framing %j close the client with bad-frame', async (framing, sent, replies) => {
    await using running = await start(undefined, { framing });
    await using peer = await running.connect();
    expect(String(await peer.send(sent).finish().rest())).toBe(replies);
    expect((await running.closeOf(peer)).reason).toBe('bad-frame');
  });

  it('do not include a last line without its end: it is answered as the others', async () => {
    await using running = await start(undefined, { framing: 'line' });
    await using peer = await running.connect();
    expect(String(await peer.send('one\ntwo').finish().rest())).toBe('eno\nowt\n');
    expect((await running.closeOf(peer)).reason).toBe('client-finished');
    await using lines = await start(service('sessions'));
    await using other = await lines.connect();
    expect(String(await other.send('sum\n1\n2\n30').finish().rest())).toBe('sum 33\n');
  });

  it('close their own client only', async () => {
    await using running = await start(undefined, { framing: 'length', threads: 1 });
    await using bystander = await running.connect();
    await using peer = await running.connect();
    expect(await peer.send(Buffer.alloc(4, 255)).rest()).toEqual(Buffer.alloc(0));
    expect((await running.closeOf(peer)).reason).toBe('message-too-long');
    expect(String(await bystander.send('\0\0\0\x02ok').take(6))).toBe('\0\0\0\x02ko');
  });
});

describe('a service with a framing of its own', () => {
  it('gets what it decodes, and sends what it encodes', async () => {
    await using running = await start(service('frames'));
    await using peer = await running.connect();
    peer.send('{"text":"abc"};{"te').send('xt":""};');
    expect(String(await peer.finish().rest())).toBe('3;0;');
  });

  it('gets a long message that came in parts, in memory that every decoder can read', async () => {
    await using running = await start(service('frames'));
    await using peer = await running.connect();
    const parts = ['{"text":"', ...Array<string>(6).fill('né'.repeat(10_000)), '"};'];
    for (const part of parts) await new Promise((resolve) => peer.socket.write(part, resolve));
    expect(String(await peer.finish().rest())).toBe('120000;');
  });

  it('closes a client whose bytes it cannot decode, with what it said', async () => {
    await using running = await start(service('frames'));
    await using peer = await running.connect();
    expect(String(await peer.send('{"text":"abc"};{oops};').rest())).toBe('3;');
    const close = await running.closeOf(peer);
    expect(close.reason).toBe('bad-frame');
    expect(close.detail).toMatch(/JSON/);
  });

  it('closes a client whose reply it cannot encode, and nobody else', async () => {
    await using running = await start(service('frames'), { threads: 1 });
    await using bystander = await running.connect();
    await using peer = await running.connect();
    expect(String(await peer.send('{"text":"odd"};').rest())).toBe('');
    expect((await running.closeOf(peer)).reason).toBe('service-error');
    expect((await running.all('service-error')).map(({ error }) => error.message)).toEqual(['cannot encode odd']);
    expect(String(await bystander.send('{"text":"ab"};').take(2))).toBe('2;');
  });

  it('is limited by maxMessageLength', async () => {
    await using running = await start(service('frames'), { maxMessageLength: 100 });
    await using peer = await running.connect();
    expect(String(await peer.send(Buffer.alloc(101, 'x')).rest())).toBe('');
    expect((await running.closeOf(peer)).reason).toBe('message-too-long');
  });
});

describe('a client of framing chunk', () => {
  it('gets each byte back, whatever the bytes', async () => {
    await using running = await start(service('echo'));
    await using peer = await Peer.connect(running.port);
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, value) => value));
    expect(await peer.send(bytes).take(256)).toEqual(bytes);
  });
});
