import { connect } from 'heddle';
import { describe, expect, it } from 'vitest';
import type { ServeOptions } from '../../src/options/serve-options.ts';
import type { CustomFraming } from '../../src/framing/framing.ts';
import { canHandOver } from '../../src/server/open-engine.ts';
import type { Peer } from './peer.ts';
import { type Running, service, start } from './running.ts';

/** Writes each byte once the one before it has gone. */
async function drip(peer: Peer, text: string): Promise<void> {
  for (const byte of Buffer.from(text)) await new Promise((resolve) => peer.socket.write(Uint8Array.of(byte), resolve));
}

/** Sends `text` to a new server, in one piece or byte by byte; gives all that is answered, and how the client ended. */
async function talk(running: Running, text: string, inPieces: boolean): Promise<[string, string, string?]> {
  await using peer = await running.connect();
  if (inPieces) await drip(peer, text);
  else peer.send(text);
  const replies = String(await peer.finish().rest());
  const { reason, detail } = await running.closeOf(peer);
  return detail === undefined ? [replies, reason] : [replies, reason, detail];
}

const ENGINES: ServeOptions['engine'][] = canHandOver() ? ['epoll', 'net'] : ['epoll'];
const FORMS = ['own-framing', 'own-framing-session'];

describe.each(ENGINES)('a framing of its own on the engine %s', (engine) => {
  describe.each(FORMS)('in the service %s', (name) => {
    it.each([false, true])('skips, needs, and sends replies of several pieces; byte by byte: %s', async (inPieces) => {
      await using running = await start(service(name), { engine, maxMessageLength: 50 });
      expect(await talk(running, '#\x05hello##\x01a\x00#', inPieces)).toEqual([
        '\x05HELLO\x01A\x00',
        'client-finished',
      ]);
      expect(await talk(running, '\x01a?bc', inPieces)).toEqual(['\x01A\x09ALL OF IT', 'client-finished']);
    });

    it.each([false, true])('has last words for bytes that it refuses; byte by byte: %s', async (inPieces) => {
      await using running = await start(service(name), { engine, maxMessageLength: 50 });
      const problem = 'no message begins with !';
      expect(await talk(running, '\x01a\x02bc!', inPieces)).toEqual([
        `\x01A\x02BCbad-frame: ${problem}\n`,
        'bad-frame',
        problem,
      ]);
      const [words, reason] = await talk(running, '\x01a\x7f', inPieces);
      expect([words, reason]).toEqual(['\x01Atoo long\n', 'message-too-long']);
      expect((await talk(running, '\x01a\x05bc', inPieces)).slice(0, 2)).toEqual(['\x01A', 'bad-frame']);
    });

    it('has last words for a message that does not come to its end', async () => {
      await using running = await start(service(name), { engine, messageTimeout: 50 });
      await using peer = await running.connect();
      peer.send('\x01a\x05bc');
      expect(String(await peer.rest())).toBe(
        '\x01Amessage-timeout: the message was not complete in time (messageTimeout)\n',
      );
      expect((await running.closeOf(peer)).reason).toBe('message-timeout');
    });
  });
});

describe('a head that says the length of a body', () => {
  const text = 'Length: 5\r\nA: b\r\n\r\nhellolength: 0\r\n\r\n\r\n\r\n';

  it.each([false, true])('gives whole frames; byte by byte: %s', async (inPieces) => {
    await using running = await start(service('head'));
    expect(await talk(running, text, inPieces)).toEqual([
      [24, 13, 4].map((size) => `size: ${size}\r\n\r\n`).join(''),
      'client-finished',
    ]);
  });

  it('refuses a length that is none, and a frame that is too long before its body comes', async () => {
    await using running = await start(service('head'), { maxMessageLength: 100 });
    expect(await talk(running, 'length: five\r\n\r\n', false)).toEqual([
      '',
      'bad-frame',
      'the head of a message says no length: framing.length must return an integer from 0 on, got NaN',
    ]);
    expect((await talk(running, 'length: 90\r\n\r\n', false))[1]).toBe('message-too-long');
    expect((await talk(running, 'x'.repeat(100), false))[1]).toBe('message-too-long');
  });
});

describe.each([
  ['a negative body', { length: { size: 2, counts: 'frame' } }, [0, 1], 'bad-frame', [0, 4]],
  ['a varint without end', { length: { size: 'varint' } }, [255, 255, 255, 255], 'bad-frame', [2]],
  [
    'more than maxMessageLength',
    { length: { size: 4, endian: 'little' } },
    [0, 0, 16, 0],
    'message-too-long',
    [2, 0, 0, 0],
  ],
  ['more than 2 ** 53', { length: { size: 8 } }, Array(8).fill(255), 'message-too-long', [0, 0, 0, 0, 0, 0, 0, 2]],
] as const)('a length that says %s', (_what, framing, bytes, reason, two) => {
  it('closes its client before a byte of the body has come, and nobody else in the middle of a message', async () => {
    await using running = await start(undefined, { framing, maxMessageLength: 2 ** 20 - 1, threads: 1 });
    await using neighbour = await running.connect();
    const message = Buffer.from([...two, ...Buffer.from('ab')]);
    neighbour.send(message).send(message.subarray(0, 1));
    expect(String(await neighbour.take(message.length))).toMatch(/ba$/);
    await using peer = await running.connect();
    peer.send(Uint8Array.from(bytes));
    expect(await peer.rest()).toEqual(Buffer.alloc(0));
    expect((await running.closeOf(peer)).reason).toBe(reason);
    neighbour.send(message.subarray(1));
    expect(String(await neighbour.take(message.length))).toMatch(/ba$/);
  });
});

describe('connect', () => {
  const framing: CustomFraming<string, { readonly text: string }> = {
    decode(bytes) {
      const length = 1 + (bytes[0] as number);
      if (bytes.length < length) return { need: length };
      return { message: Buffer.from(bytes.subarray(1, length)).toString(), length };
    },
    encode: ({ text }) => [Buffer.of(text.length), Buffer.from(text)],
  };

  it('takes a framing of its own, and its messages', async () => {
    await using running = await start(service('own-framing'));
    await using connection = await connect({ port: running.port, framing });
    expect(await connection.request({ text: 'hello' })).toBe('HELLO');
    const replies = await Promise.all(['a', '', 'bc'].map((text) => connection.request({ text })));
    expect(replies).toEqual(['A', '', 'BC']);
  });

  it('takes a head that says the length', async () => {
    await using running = await start(service('head'));
    const head = { head: '\r\n\r\n', length: (text: string) => Number(/^length: (\d+)/.exec(text)?.[1] ?? 0) };
    await using connection = await connect({ port: running.port, framing: head });
    expect(String(await connection.request('length: 2\r\n\r\nab'))).toBe('size: 15\r\n\r\n');
  });

  it.each([
    [{ length: { size: 'varint' } }],
    [{ length: { size: 3, endian: 'little', add: 2 } }],
    [{ line: 'crlf' }],
    [{ start: '<', delimiter: ['>', '!'] }],
  ] as const)('takes the framing %j', async (declared) => {
    await using running = await start(undefined, { framing: declared });
    await using connection = await connect({ port: running.port, framing: declared });
    for (const text of ['hello', 'né', 'x'.repeat(100_000)]) {
      expect(String(await connection.request(text))).toBe([...text].toReversed().join(''));
    }
  });

  it('refuses an unterminated last reply with line and CR LF', async () => {
    await using running = await start(service('own-framing'));
    await using connection = await connect({ port: running.port, framing: { line: 'crlf' } });
    await connection.send('\x02ab');
    connection.finish();
    await expect(connection.receive()).rejects.toThrow('the input ended part-way through a message');
  });
});
