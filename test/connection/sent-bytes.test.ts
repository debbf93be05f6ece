/** Memory of the service's: what it may do with it after `send` has settled, or a reply was returned. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Client } from '../../src/connection/client.ts';
import type { Service } from '../../src/connection/service.ts';
import type { CustomFraming, FramingSpec } from '../../src/framing/framing.ts';
import { NEW } from '../../src/sharing/connection-table.ts';
import { PINNED, IDLE } from '../../src/sharing/control-word.ts';
import { EPOLLIN, EPOLLOUT, EPOLLRDHUP } from '../../src/sys/constants.ts';
import { EAGAIN } from '../../src/sys/errno.ts';
import { ScriptedThread, type ScriptedSocket } from './scripted-thread.ts';

type Talker = Client<unknown, Uint8Array>;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A framing of the service's own, which encodes each reply into the same memory. */
function encoding(): CustomFraming<Uint8Array, Uint8Array> {
  const memory = Buffer.alloc(300_000);
  return {
    decode: (bytes) => ({ message: bytes.slice(), length: bytes.length }),
    encode: (reply) => {
      memory.set(reply);
      return memory.subarray(0, reply.length);
    },
  };
}

const sized = (size: 2 | 4) => (bytes: Buffer) => {
  const prefix = Buffer.alloc(size);
  prefix.writeUIntBE(bytes.length, 0, size);
  return Buffer.concat([prefix, bytes]);
};
const behind = (text: string) => (bytes: Buffer) => Buffer.concat([bytes, Buffer.from(text)]);
const bare = (bytes: Buffer): Buffer => bytes;

/** Each framing, how a message is written in it, and whether a client says only one. */
const framings: [string, FramingSpec | (() => CustomFraming), (bytes: Buffer) => Buffer][] = [
  ['chunk', 'chunk', bare],
  ['line', 'line', behind('\n')],
  ['length', 'length', sized(4)],
  ['length 2', { length: 2 }, sized(2)],
  ['delimiter', { delimiter: '||' }, behind('||')],
  ['end', 'end', bare],
  ['own', encoding, bare],
];

/** Block `index`; no byte of it reads as the end of a message. */
const fillOf = (index: number): number => 200 + (index % 50);

/** Sends blocks one after the other, all in the same memory: whoever has awaited `send` may use it again. */
async function sendAll(client: Talker, lengths: readonly number[]): Promise<void> {
  const memory = Buffer.alloc(Math.max(...lengths));
  for (const [index, length] of lengths.entries()) {
    await client.send(memory.fill(fillOf(index)).subarray(0, length));
    memory.fill(0);
  }
}

const ways: Record<string, (lengths: readonly number[]) => Service> = {
  session: (lengths) => ({
    async session(client) {
      await client.receive();
      await sendAll(client, lengths);
    },
  }),
  message: (lengths) => ({ message: (_message, client) => sendAll(client, lengths) }),
};

const lengthsOf = (most: number) =>
  fc.array(fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: most })), {
    minLength: 1,
    maxLength: 6,
  });
const windows = fc
  .array(fc.constantFrom(EAGAIN, 1, 900, 40_000, Infinity), { maxLength: 8 })
  .map((takes) => takes.concat(40_000));

/** Has the socket take what `takes` says, until nothing more comes of it. */
async function drive(scripted: ScriptedThread, socket: ScriptedSocket, generation: number, takes: readonly number[]) {
  let sends = 0;
  socket.window = () => takes[sends++ % takes.length] as number;
  for (let quiet = 0; quiet < takes.length + 3 && socket.closedIn === undefined; quiet++) {
    const before = socket.sent.length;
    const end = socket.incoming.includes(undefined) ? EPOLLRDHUP : 0;
    scripted.thread.serve(socket.fd, generation, EPOLLIN | EPOLLOUT | end);
    await turn();
    if (socket.sent.length > before) quiet = 0;
  }
}

function serviceOf(service: Service, framing: FramingSpec | (() => CustomFraming)): Service {
  return { ...service, framing: typeof framing === 'function' ? framing() : framing };
}

describe.each(Object.entries(ways))('a %s that awaits send', (_way, make) => {
  it.each(framings)('may use the memory again: %s', async (_name, framing, frame) => {
    const most = typeof framing === 'object' && 'length' in framing ? 65_535 : 300_000;
    await fc.assert(
      fc.asyncProperty(lengthsOf(most), windows, async (lengths: readonly number[], takes: readonly number[]) => {
        const scripted = await ScriptedThread.create(serviceOf(make(lengths), framing));
        const { socket, generation } = scripted.admit(5, NEW);
        socket.incoming = [frame(Buffer.from('go')), ...(framing === 'end' ? [undefined] : [])];
        await drive(scripted, socket, generation, takes);
        const blocks = lengths.map((length, index) => frame(Buffer.alloc(length, fillOf(index))));
        expect(socket.sent.equals(Buffer.concat(blocks))).toBe(true);
        expect(socket.violations).toEqual([]);
        expect(scripted.arena.used).toBe(0);
      }),
      {
        numRuns: 25,
        examples: [
          [[100, 100, 100], [Infinity]] as const,
          [
            [most, most, 20],
            [900, EAGAIN, 40_000],
          ] as const,
        ],
      },
    );
  });
});

describe.each([false, true] as const)('a service that returns replies (borrow: %s)', (borrow) => {
  it.each(framings)('may use their memory again for another client: %s', async (_name, framing, frame) => {
    for (const length of [100, 60_000, ...(typeof framing === 'object' && 'length' in framing ? [] : [200_000])]) {
      const memory = Buffer.alloc(length);
      const service: Service = {
        borrow,
        message: (message) => memory.fill(fillOf(Number((message as Uint8Array)[0]) - 48)),
      };
      const scripted = await ScriptedThread.create(serviceOf(service, framing));
      const clients = [scripted.admit(5, NEW), scripted.admit(6, NEW), scripted.admit(7, NEW)];
      for (const [index, { socket, generation }] of clients.entries()) {
        socket.window = () => EAGAIN;
        socket.incoming = [frame(Buffer.from(String(index))), ...(framing === 'end' ? [undefined] : [])];
        scripted.thread.serve(socket.fd, generation, EPOLLIN | EPOLLRDHUP);
      }
      for (const [index, { socket, generation }] of clients.entries()) {
        await drive(scripted, socket, generation, [40_000, EAGAIN]);
        expect(socket.sent.equals(frame(Buffer.alloc(length, fillOf(index))))).toBe(true);
        expect(socket.violations).toEqual([]);
      }
    }
  });
});

it('sends long replies from where they lie when the service lets it borrow them', async () => {
  const page = Buffer.alloc(200_000, 'p');
  const scripted = await ScriptedThread.create({ borrow: 'both', message: () => page }, 'chunk', { maxUnsent: 1000 });
  const { socket, generation } = scripted.admit(5, NEW);
  const sends: ArrayBufferLike[] = [];
  const { send } = socket;
  socket.send = (memory, offset, length) => {
    sends.push(memory.bytes.buffer);
    return send.call(socket, memory, offset, length);
  };
  socket.incoming = [Buffer.from('x')];
  await drive(scripted, socket, generation, [50_000, EAGAIN]);
  expect(socket.sent.equals(page)).toBe(true);
  expect(sends.slice(0, 6)).toEqual(Array(6).fill(page.buffer));
});

describe('maxUnsent', () => {
  const limits = { maxUnsent: 100_000 };
  /** Sends messages of these lengths in one go to a client that takes so many bytes at a time. */
  async function push(lengths: readonly number[], takes: readonly number[], awaits: boolean) {
    const service: Service = {
      async session(client) {
        await client.receive();
        for (const length of lengths) {
          const sent = client.send(Buffer.alloc(length, 'x'));
          if (awaits) await sent;
        }
        await client.receive();
      },
    };
    const scripted = await ScriptedThread.create(service, 'line', limits);
    const { socket, generation } = scripted.admit(5, NEW);
    socket.incoming = [Buffer.from('go\n')];
    await drive(scripted, socket, generation, takes);
    const [close] = scripted.events;
    return close?.type === 'close' ? close.reason : socket.sent.length;
  }

  it('does not count one message, however long', async () => {
    expect(await push([1_000_000], [50_000, EAGAIN], false)).toBe(1_000_001);
    expect(await push([1_000_000, 1_000_000, 500_000], [50_000, EAGAIN], true)).toBe(2_500_003);
  });

  it('lets short messages follow a long one that is on its way', async () => {
    expect(await push([1_000_000, 10, 90_000, 10], [50_000, EAGAIN], false)).toBe(1_090_024);
  });

  it('counts what has piled up before and beside it', async () => {
    expect(await push([60_000, 60_000, 10], [EAGAIN], false)).toBe('over-limit');
    expect(await push([1_000_000, 90_000, 90_000], [EAGAIN], false)).toBe('over-limit');
    expect(await push([60_000, 1_000_000, 60_000], [EAGAIN], false)).toBe('over-limit');
    expect(await push([60_000, 1_000_000, 30_000], [EAGAIN, 50_000], false)).toBe(1_090_003);
  });

  it('has a client that waits for more stay on its thread, and takes little of the arena', async () => {
    const scripted = await ScriptedThread.create({ message: () => Buffer.alloc(1_000_000, 'x') }, 'line', limits);
    const { socket, generation } = scripted.admit(5);
    socket.window = () => EAGAIN;
    socket.incoming = [Buffer.from('go\n')];
    scripted.thread.serve(5, generation, EPOLLIN);
    expect([scripted.state(5), scripted.arena.used]).toEqual([PINNED, 0]);
    await drive(scripted, socket, generation, [910_000, EAGAIN, EAGAIN]);
    expect(scripted.state(5)).toBe(IDLE);
    expect(scripted.arena.used).toBeLessThanOrEqual(2 ** 17);
  });

  it.each<[string, Service]>([
    ['returned', { message: () => new Uint8Array(2 ** 31) }],
    ['borrowed', { borrow: 'both', message: () => new Uint8Array(2 ** 31) }],
    ['sent', { message: (_message, client) => void client.send(new Uint8Array(2 ** 31)) }],
    [
      'sent by a session',
      {
        session: async (client) => {
          await client.receive();
          await client.send(new Uint8Array(2 ** 31));
        },
      },
    ],
  ])('is exceeded by a reply of 2 GiB, which ends its client and not its thread: %s', async (_how, service) => {
    const scripted = await ScriptedThread.create(service);
    const [one, other] = [scripted.admit(5, NEW), scripted.admit(6, NEW)];
    one.socket.incoming = [Buffer.from('go\n')];
    await drive(scripted, one.socket, one.generation, [Infinity]);
    one.socket.incoming = [undefined];
    scripted.thread.serve(5, one.generation, EPOLLIN | EPOLLRDHUP);
    expect(scripted.events).toMatchObject([{ type: 'close', port: 1005, reason: 'over-limit' }]);
    expect(one.socket.calls).not.toContain('send');
    expect(scripted.state(6)).toBe(IDLE);
    expect(other.socket.closedIn).toBeUndefined();
  });
});

describe('a client whose bytes are gone before they were sent', () => {
  const detach = (bytes: Uint8Array<ArrayBuffer>): void =>
    void structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  const shrink = (bytes: Uint8Array<ArrayBuffer>): void =>
    (bytes.buffer as ArrayBuffer & { resize(length: number): void }).resize(1000);

  it.each([
    ['detached', detach],
    ['shrunk', shrink],
  ])('is cut off with service-error, and its thread goes on: %s', async (_how, spoil) => {
    const buffer = new (ArrayBuffer as unknown as new (length: number, options: object) => ArrayBuffer)(200_000, {
      maxByteLength: 300_000,
    });
    const outcome: unknown[] = [];
    const service: Service = {
      async session(client) {
        if (String(await client.receive()) === 'fine') return client.send('fine');
        const bytes = new Uint8Array(buffer);
        const sent = client.send(bytes);
        spoil(bytes);
        await sent.catch((error: unknown) => outcome.push((error as { code: string }).code));
      },
    };
    const scripted = await ScriptedThread.create(service);
    const [one, other] = [scripted.admit(5, NEW), scripted.admit(6, NEW)];
    one.socket.incoming = [Buffer.from('go\n')];
    await drive(scripted, one.socket, one.generation, [5000, EAGAIN]);
    other.socket.incoming = [Buffer.from('fine\n')];
    await drive(scripted, other.socket, other.generation, [Infinity]);
    expect(scripted.events).toMatchObject([
      {
        type: 'service-error',
        port: 1005,
        error: { code: 'HEDDLE_SERVICE_ERROR', message: expect.stringMatching(/await send/) },
      },
      { type: 'close', port: 1005, reason: 'service-error' },
    ]);
    expect(one.socket.calls.filter((call) => call === 'discard')).toHaveLength(1);
    expect(outcome).toEqual(['HEDDLE_CLOSED']);
    expect(String(other.socket.sent)).toBe('fine\n');
  });
});

describe('bytes whose length says more than they are', () => {
  class Liar extends Uint8Array {
    override get length(): 5 {
      return 200 as 5;
    }
    override get byteLength(): 5 {
      return 300 as 5;
    }
  }
  const liar = (): Uint8Array => new Liar(5).fill(200);

  it.each(framings)('are sent as many as there are: %s', async (_name, framing, frame) => {
    const own = { ...encoding(), encode: (reply: Uint8Array) => reply } as unknown as CustomFraming;
    const services: Service[] = [
      { message: () => liar() },
      { borrow: true, message: () => liar() },
      { message: (_message, client) => client.send(liar()) },
      {
        session: async (client) => {
          await client.receive();
          await client.send(liar());
        },
      },
      {
        session: async (client) => {
          await client.receive();
          void client.send('1');
          await client.send(liar());
        },
      },
    ];
    for (const [index, service] of services.entries()) {
      const scripted = await ScriptedThread.create(
        serviceOf(service, typeof framing === 'function' ? () => own : framing),
      );
      const { socket, generation } = scripted.admit(5, NEW);
      socket.incoming = [frame(Buffer.from('secret '.repeat(60))), ...(framing === 'end' ? [undefined] : [])];
      if (index === 4 && typeof framing === 'function') continue; // Its `encode` takes no text.
      await drive(scripted, socket, generation, [3, Infinity]);
      const before = index === 4 ? frame(Buffer.from('1')) : Buffer.alloc(0);
      expect(socket.sent).toEqual(Buffer.concat([before, frame(Buffer.alloc(5, 200))]));
    }
  });
});
