/** Replies that are sent from where they lie, beside others that are copied: what arrives must not tell them apart. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { FramingSpec } from '../../src/framing/framing.ts';
import { EPOLLIN, EPOLLOUT } from '../../src/sys/constants.ts';
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

const message = fc
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
    const texts = fc.array(message, { minLength: 1, maxLength: 30 });
    const cuts = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 20 });
    const windows = fc.array(fc.constantFrom(1, 7, 40, Infinity, Infinity), { minLength: 1, maxLength: 10 });
    await fc.assert(
      fc.asyncProperty(texts, cuts, windows, async (all, sizes, takes) => {
        const scripted = await ScriptedThread.create({ borrow: true, message: answer }, framing);
        const { socket, ticket } = scripted.admit(5);
        let sends = 0;
        socket.window = () => takes[sends++ % takes.length] as number;
        const stream = Buffer.concat(all.map(write));
        for (let at = 0, part = 0; at < stream.length; part++) {
          const size = sizes[part % sizes.length] as number;
          socket.incoming.push(stream.subarray(at, at + size));
          at += size;
        }
        for (let events = 0; events < 3000 && (socket.incoming.length > 0 || socket.interest & EPOLLOUT); events++)
          scripted.thread.serve(5, ticket, EPOLLIN | EPOLLOUT);
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
  const { socket, ticket } = scripted.admit(5);
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
  scripted.thread.serve(5, ticket, EPOLLIN);
  expect(String(socket.sent)).toBe('cba\nfed\n');
  expect(sends).toHaveLength(1);
  expect(sends[0]).toBe(reads[0]);
});
