/** Replies that are sent from where they lie, beside others that are copied: what arrives must not tell them apart. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Client } from '../../src/connection/client.ts';
import type { Service } from '../../src/connection/service.ts';
import type { FramingSpec } from '../../src/framing/framing.ts';
import { EPOLLIN, EPOLLOUT } from '../../src/sys/constants.ts';
import { EAGAIN } from '../../src/sys/errno.ts';
import { ScriptedThread } from './scripted-thread.ts';

/** What the service does with a message: the first letter says which. */
const WAYS = {
  r: (message: Buffer) => message.reverse(),
  p: (message: Buffer) => message.subarray(0, 3),
  t: (message: Buffer) => `text ${message.toString('latin1')}`,
  c: (message: Buffer) => Buffer.from(message),
  n: () => undefined,
};
type Way = keyof typeof WAYS;

function answer(message: Buffer): Buffer | string | undefined {
  return WAYS[message.toString('latin1', 0, 1) as Way](message);
}

const texts = fc
  .tuple(fc.constantFrom(...(Object.keys(WAYS) as Way[])), fc.nat(40))
  .map(([way, length]) => `${way}${'0123456789'.repeat(4).slice(0, length)}`);

/** Framings, and how a client writes a message in each. A carriage return is not sent back: that frame is not a reply's. */
const framings: [FramingSpec, (text: string, index: number) => Buffer, (reply: Buffer) => Buffer][] = [
  [
    'line',
    (text, index) => Buffer.from(`${text}${index % 3 === 0 ? '\r' : ''}\n`),
    (reply) => Buffer.concat([reply, Buffer.from('\n')]),
  ],
  [{ length: 2 }, (text) => sized(Buffer.from(text)), sized],
  [{ delimiter: '||' }, (text) => Buffer.from(`${text}||`), (reply) => Buffer.concat([reply, Buffer.from('||')])],
];

function sized(bytes: Buffer): Buffer {
  const size = Buffer.alloc(2);
  size.writeUInt16BE(bytes.length);
  return Buffer.concat([size, bytes]);
}

it.each(framings)(
  'sends the right bytes in order whichever way each reply was made: %j',
  async (framing, write, frame) => {
    const lists = fc.array(texts, { minLength: 1, maxLength: 30 });
    const cuts = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 20 });
    const windows = fc.array(fc.constantFrom(1, 7, 40, Infinity, Infinity), { minLength: 1, maxLength: 10 });
    await fc.assert(
      fc.asyncProperty(lists, cuts, windows, async (all, sizes, takes) => {
        const scripted = await ScriptedThread.create({ borrow: true, message: answer }, framing);
        const { socket, generation } = scripted.admit(5);
        let sends = 0;
        socket.window = () => takes[sends++ % takes.length] as number;
        const stream = Buffer.concat(all.map(write));
        for (let at = 0, part = 0; at < stream.length; part++) {
          const size = sizes[part % sizes.length] as number;
          socket.incoming.push(stream.subarray(at, at + size));
          at += size;
        }
        for (let events = 0; events < 3000 && (socket.incoming.length > 0 || socket.interest & EPOLLOUT); events++)
          scripted.thread.serve(5, generation, EPOLLIN | EPOLLOUT);
        const replies = all.map((text) => answer(Buffer.from(text))).filter((reply) => reply !== undefined);
        expect(String(socket.sent)).toBe(String(Buffer.concat(replies.map((reply) => frame(Buffer.from(reply))))));
        expect(scripted.arena.used).toBe(0);
      }),
      { numRuns: 100 },
    );
  },
);

it('copies no byte of replies that lie where their messages did', async () => {
  const scripted = await ScriptedThread.create({ borrow: true, message: WAYS.r });
  const { socket, generation } = scripted.admit(5);
  const reads: Buffer[] = [];
  const { recv, send } = socket;
  socket.recv = (memory, offset, length) => {
    reads.push(memory.bytes);
    return recv.call(socket, memory, offset, length);
  };
  const sends: Buffer[] = [];
  socket.send = (memory, offset, length) => {
    sends.push(memory.bytes);
    return send.call(socket, memory, offset, length);
  };
  socket.incoming = [Buffer.from('abc\ndef\n')];
  scripted.thread.serve(5, generation, EPOLLIN);
  expect(String(socket.sent)).toBe('cba\nfed\n');
  expect(sends).toHaveLength(1);
  expect(sends[0]).toBe(reads[0]);
});

it('sends a client that is closed in its own call nothing that the next one gets', async () => {
  const service: Service = {
    message(message, client) {
      if (String(message) === 'push') void client.send(Buffer.alloc(5000, 'z'));
      return `reply to ${String(message)}`;
    },
  };
  const scripted = await ScriptedThread.create(service, 'line', { maxUnsent: 1000 });
  const [one, other] = [scripted.admit(5), scripted.admit(6)];
  one.socket.window = () => EAGAIN;
  one.socket.incoming = [Buffer.from('push\n')];
  scripted.thread.serve(5, one.generation, EPOLLIN);
  other.socket.incoming = [Buffer.from('hello\n')];
  scripted.thread.serve(6, other.generation, EPOLLIN);
  await new Promise((resolve) => setImmediate(resolve));
  expect(String(one.socket.sent)).toBe('');
  expect(String(other.socket.sent)).toBe('reply to hello\n');
  expect(scripted.events).toMatchObject([{ type: 'close', port: 1005, reason: 'over-limit' }]);
});

it('sends nobody the replies of another client in whose call it is sent more than may wait', async () => {
  const clients: Client<unknown, Uint8Array>[] = [];
  const service: Service = {
    message(message, client) {
      if (!clients.includes(client)) clients.push(client);
      if (String(message) === 'tell') void clients[1]?.send(Buffer.alloc(5000, 'z'));
      return `reply to ${String(message)}`;
    },
  };
  const scripted = await ScriptedThread.create(service, 'line', { maxUnsent: 1000 });
  const [one, other] = [scripted.admit(5), scripted.admit(6)];
  for (const { socket, generation } of [one, other]) {
    socket.incoming = [Buffer.from('hello\n')];
    scripted.thread.serve(socket.fd, generation, EPOLLIN);
  }
  one.socket.incoming = [Buffer.from('first\ntell\nlast\n')];
  scripted.thread.serve(5, one.generation, EPOLLIN);
  await new Promise((resolve) => setImmediate(resolve));
  expect(String(one.socket.sent)).toBe('reply to hello\nreply to first\nreply to tell\nreply to last\n');
  expect(String(other.socket.sent)).toBe(`reply to hello\n${'z'.repeat(5000)}\n`);
});
