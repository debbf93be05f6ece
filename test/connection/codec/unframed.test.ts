import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Client } from '../../../src/connection/client.ts';
import { NEW } from '../../../src/sharing/connection-table.ts';
import { EPOLLIN, EPOLLOUT } from '../../../src/sys/constants.ts';
import { EAGAIN } from '../../../src/sys/errno.ts';
import type { NativeBuffer } from '../../../src/sys/structs/native-buffer.ts';
import { ScriptedThread, type ScriptedSocket } from '../scripted-thread.ts';

type Talker = Client<unknown, Uint8Array>;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A session that has begun, the memory from which its bytes went out, and what it does on further events. */
async function begun(session: (client: Talker) => Promise<void>) {
  const scripted = await ScriptedThread.create({ session });
  const { socket, generation } = scripted.admit(5, NEW);
  const memories = new Set<ArrayBufferLike>();
  const send = socket.send.bind(socket);
  socket.send = (memory: NativeBuffer, offset: number, length: number) => {
    memories.add(memory.bytes.buffer);
    return send(memory, offset, length);
  };
  /** Has the client send `bytes`, and the kernel take what `takes` says, until nothing more comes of it. */
  const exchange = async (bytes: Buffer, takes: readonly number[]): Promise<void> => {
    let sends = 0;
    socket.window = () => takes[sends++ % takes.length] as number;
    if (bytes.length > 0) socket.incoming = [...socket.incoming, bytes];
    for (let quiet = 0; quiet < takes.length + 3 && socket.closedIn === undefined; quiet++) {
      const before = [socket.sent.length, socket.incoming.length];
      scripted.thread.serve(socket.fd, generation, EPOLLIN | EPOLLOUT);
      await turn();
      if (socket.sent.length !== before[0] || socket.incoming.length !== before[1]) quiet = 0;
    }
  };
  return { scripted, socket, memories, exchange };
}

function bytesOf(length: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, (_, index) => (index * 31) >> 3));
}

function expectSent(socket: ScriptedSocket, expected: Buffer): void {
  expect(socket.sent.equals(expected)).toBe(true);
  expect(socket.violations).toEqual([]);
}

const takes = fc
  .array(fc.constantFrom(EAGAIN, 1, 900, 20_000, 40_000, Infinity), { maxLength: 6 })
  .map((list) => list.concat(40_000));

describe('a body that is sent as it comes', () => {
  it('is the same, however its bytes come and however they are taken', async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(sizes, takes, async (lengths, windows) => {
        const body = bytesOf(lengths.reduce((sum, length) => sum + length, 0));
        const { scripted, socket, exchange } = await begun(async (client) => {
          await client.sendAll(client.body(body.length));
          await client.send(Buffer.from('end'));
          await client.receive();
        });
        let at = 0;
        for (const length of lengths) await exchange(body.subarray(at, (at += length)), windows);
        expectSent(socket, Buffer.concat([body, Buffer.from('end\n')]));
        expect(scripted.arena.used).toBe(0);
      }),
      { seed: 1, numRuns: 15 },
    );
  });

  it('goes out from the memory of one piece, also where the client is slow', async () => {
    const body = bytesOf(500_000);
    const { socket, memories, exchange } = await begun(async (client) => client.sendAll(client.body(body.length)));
    await exchange(body, [EAGAIN, 30_000]);
    expectSent(socket, body);
    expect(memories.size).toBe(2); // With the thread's own, for the last piece: it is short.
  });

  it('has pieces that stay as they are, where a service sees them', async () => {
    const body = bytesOf(300_000);
    const kept: Buffer[] = [];
    const { socket, exchange } = await begun(async (client) => {
      async function* noted(): AsyncGenerator<Buffer> {
        for await (const piece of client.body(body.length)) {
          kept.push(piece);
          yield piece;
        }
      }
      await client.sendAll(noted());
    });
    await exchange(body, [EAGAIN, 30_000]);
    expectSent(socket, body);
    expect(Buffer.concat(kept).equals(body)).toBe(true);
  });

  it('goes on with pieces of their own where the service has taken the first one', async () => {
    const body = bytesOf(300_000);
    let first: Buffer | undefined;
    const { socket, exchange } = await begun(async (client) => {
      const pieces = client.body(body.length);
      first = (await pieces[Symbol.asyncIterator]().next()).value as Buffer;
      await client.sendAll(pieces);
    });
    await exchange(body, [EAGAIN, 30_000]);
    expect(Buffer.concat([first as unknown as Buffer, socket.sent]).equals(body)).toBe(true);
  });
});

describe('sendAll', () => {
  it('asks for the next piece when the last one may be changed: all may be in the same memory', async () => {
    const lengths = fc.array(fc.constantFrom(1, 300, 16_384, 16_385, 65_536, 65_537, 200_000), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(lengths, takes, async (all, windows) => {
        const { socket, exchange } = await begun(async (client) => {
          function* pieces(): Generator<Buffer> {
            const memory = Buffer.alloc(200_000);
            for (const [index, length] of all.entries()) yield memory.fill(index + 1).subarray(0, length);
            memory.fill(0);
          }
          await client.sendAll(pieces());
          await client.receive();
        });
        await exchange(Buffer.alloc(0), windows);
        expectSent(socket, Buffer.concat(all.map((length, index) => Buffer.alloc(length, index + 1))));
      }),
      { seed: 1, numRuns: 15 },
    );
  });

  it('sends long pieces from where they lie, behind what was sent before', async () => {
    const piece = bytesOf(50_000);
    const { socket, memories, exchange } = await begun(async (client) => {
      void client.send(Buffer.from('first'));
      await client.sendAll([piece, piece]);
      await client.send(Buffer.from('last'));
      await client.receive();
    });
    await exchange(Buffer.alloc(0), [EAGAIN, 30_000]);
    expectSent(socket, Buffer.concat([Buffer.from('first\n'), piece, piece, Buffer.from('last\n')]));
    expect(memories.has(piece.buffer)).toBe(true);
  });
});
