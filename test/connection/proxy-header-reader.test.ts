import { describe, expect, it } from 'vitest';
import type { Service } from '../../src/connection/service.ts';
import { NEW, PROXIED } from '../../src/sharing/connection-table.ts';
import { FREE, PINNED, IDLE } from '../../src/sharing/control-word.ts';
import { EPOLLHUP, EPOLLIN } from '../../src/sys/constants.ts';
import { ECONNRESET } from '../../src/sys/errno.ts';
import { headerV1, headerV2 } from '../support/proxy-headers.ts';
import { ScriptedThread } from './scripted-thread.ts';

const parts = { from: '192.0.2.1', to: '192.0.2.2', fromPort: 56_324, toPort: 443 };
const HEADERS: [name: string, header: Buffer][] = [
  ['version 1', headerV1(parts)],
  ['version 2', headerV2({ ...parts, records: Buffer.alloc(300) })],
];

const echo: Service = { message: (message) => message };

/** A service that writes down what it hears. */
function recorder() {
  const heard: string[] = [];
  const service: Service = {
    open: (client) => {
      heard.push(`open ${client.remoteAddress} ${client.remotePort}`);
      void client.send('hello');
    },
    close: (client, reason) => void heard.push(`close ${client.remoteAddress} ${reason}`),
    message: (message) => {
      heard.push(String(message));
      return message;
    },
  };
  return { heard, service };
}

/** A turn of Node's loop: what was put off is done. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const typesOf = (scripted: ScriptedThread): string[] => scripted.events.map(({ type }) => type);

describe.each(HEADERS)('a connection that begins with a PROXY header of %s', (_name, header) => {
  it('is its client’s from there on: to the service, in the slot and in events', async () => {
    const { heard, service } = recorder();
    const scripted = await ScriptedThread.create(service);
    const { socket, generation } = scripted.admit(5, NEW | PROXIED);
    socket.incoming = [Buffer.concat([header, Buffer.from('one\ntwo\nthr')])];
    scripted.thread.serve(5, generation, EPOLLIN);
    await turn();
    expect(String(socket.sent)).toBe('hello\none\ntwo\n');
    expect(heard).toEqual(['open 192.0.2.1 56324', 'one', 'two']);
    expect(scripted.events).toMatchObject([{ type: 'open', client: 1, address: '192.0.2.1', port: 56_324, thread: 1 }]);
    expect([scripted.state(5), scripted.table.flags(5), scripted.table.port(5)]).toEqual([IDLE, 0, 56_324]);
    socket.incoming = [Buffer.from('ee\n'), undefined];
    scripted.thread.serve(5, generation, EPOLLIN);
    scripted.thread.serve(5, generation, EPOLLIN);
    expect(heard.slice(3)).toEqual(['three', 'close 192.0.2.1 client-finished']);
    expect(scripted.events[1]).toMatchObject({ type: 'close', address: '192.0.2.1', port: 56_324 });
    expect(scripted.arena.used).toBe(0);
  });

  it('rests at every byte of it, and is as good as whole', async () => {
    const { heard, service } = recorder();
    const scripted = await ScriptedThread.create(service);
    const { socket, generation } = scripted.admit(5, NEW | PROXIED);
    for (const [at, byte] of header.entries()) {
      expect(heard).toEqual([]);
      socket.incoming = [Buffer.of(byte)];
      scripted.thread.serve(5, generation, EPOLLIN);
      expect(scripted.state(5)).toBe(IDLE);
      const isLast = at === header.length - 1;
      expect(scripted.table.flags(5)).toBe(isLast ? 0 : NEW | PROXIED);
      const inbox = scripted.table.inbox(5);
      expect(inbox && [inbox.start, inbox.end]).toEqual(isLast ? undefined : [0, at + 1]);
    }
    await turn();
    expect(heard).toEqual(['open 192.0.2.1 56324']);
    expect(String(socket.sent)).toBe('hello\n');
    expect(scripted.arena.used).toBe(0);
    expect(scripted.board.total().receivedBytes).toBe(header.length);
  });

  it('can be taken over by another thread at every byte of it', async () => {
    for (let cut = 1; cut < header.length; cut += 7) {
      const { heard, service } = recorder();
      const scripted = await ScriptedThread.create(service);
      const { socket, generation } = scripted.admit(5, NEW | PROXIED);
      socket.incoming = [header.subarray(0, cut)];
      scripted.thread.serve(5, generation, EPOLLIN);
      const moved = scripted.table.startMove(5, generation, 0) as number;
      scripted.table.settle(5, moved);
      scripted.thread.serve(5, generation, EPOLLIN);
      socket.incoming = [header.subarray(cut), Buffer.from('hi\n')];
      scripted.thread.serve(5, moved, EPOLLIN);
      scripted.thread.serve(5, moved, EPOLLIN);
      expect(heard).toEqual(['open 192.0.2.1 56324', 'hi']);
    }
  });

  it('is served the same in a session', async () => {
    const heard: unknown[] = [];
    const scripted = await ScriptedThread.create({
      async session(client) {
        for await (const message of client) {
          heard.push(`${client.remoteAddress} ${String(message)}`);
          await client.send(message as Buffer);
        }
      },
    });
    const { socket, generation } = scripted.admit(5, NEW | PROXIED);
    socket.incoming = [Buffer.concat([header, Buffer.from('one\ntwo\n')])];
    scripted.thread.serve(5, generation, EPOLLIN);
    for (let turns = 0; turns < 5; turns++) await turn();
    expect(heard).toEqual(['192.0.2.1 one', '192.0.2.1 two']);
    expect(String(socket.sent)).toBe('one\ntwo\n');
    expect(scripted.state(5)).toBe(PINNED);
  });

  it('is answered when the arena is full', async () => {
    const scripted = await ScriptedThread.create(echo);
    while (scripted.arena.allocate(256, 0) !== 0);
    const { socket, generation } = scripted.admit(5, PROXIED);
    socket.incoming = [Buffer.concat([header, Buffer.from('one\nhalf')])];
    scripted.thread.serve(5, generation, EPOLLIN);
    expect(String(socket.sent)).toBe('one\n');
    expect(scripted.state(5)).toBe(PINNED);
  });
});

describe('a connection that has to begin with a PROXY header', () => {
  it.each<[string, (Buffer | undefined)[], string, string | undefined]>([
    [
      'begins otherwise',
      [Buffer.from('G')],
      'proxy-error',
      'no PROXY header comes first, as proxyProtocol asks of this address',
    ],
    [
      'goes wrong in it',
      [Buffer.from('PROXY TCP4 '), Buffer.from('x')],
      'proxy-error',
      'the PROXY header of version 1 is not as its format says',
    ],
    [
      'finishes in it',
      [Buffer.from('PROXY TCP4 '), undefined],
      'proxy-error',
      'the input ended part-way through the PROXY header',
    ],
    ['finishes before it', [undefined], 'client-finished', undefined],
  ])(
    'is closed when it %s, as the proxy’s own, and the service hears nothing',
    async (_name, incoming, reason, detail) => {
      const { heard, service } = recorder();
      const scripted = await ScriptedThread.create(service);
      const { socket, generation } = scripted.admit(5, NEW | PROXIED);
      socket.incoming = incoming;
      scripted.thread.serve(5, generation, EPOLLIN);
      await turn();
      expect(scripted.events).toMatchObject([
        { type: 'close', client: 1, address: '10.0.0.1', port: 1005, thread: 1, reason },
      ]);
      expect(scripted.events.map((event) => event.type === 'close' && event.detail)).toEqual([detail]);
      expect([scripted.state(5), socket.closedIn, scripted.board.row(0).clients]).toEqual([FREE, FREE, 0]);
      expect(scripted.board.total().closes).toMatchObject({ [reason]: 1 });
      expect(heard).toEqual([]);
      expect(socket.sent).toHaveLength(0);
      expect(scripted.arena.used).toBe(0);
    },
  );

  it('is closed with client-reset when it is reset in it', async () => {
    const scripted = await ScriptedThread.create(echo);
    const { socket, generation } = scripted.admit(5, PROXIED);
    socket.incoming = [Buffer.from('PROXY')];
    scripted.thread.serve(5, generation, EPOLLIN);
    socket.error = ECONNRESET;
    scripted.thread.serve(5, generation, EPOLLIN | EPOLLHUP);
    expect(scripted.events).toMatchObject([{ type: 'close', reason: 'client-reset', detail: 'ECONNRESET' }]);
    expect(scripted.arena.used).toBe(0);
  });

  it('is closed with over-limit when a part of it finds no room in the arena', async () => {
    const scripted = await ScriptedThread.create(echo);
    while (scripted.arena.allocate(256, 0) !== 0);
    const { socket, generation } = scripted.admit(5, PROXIED);
    socket.incoming = [Buffer.from('PROXY')];
    scripted.thread.serve(5, generation, EPOLLIN);
    expect(scripted.events).toMatchObject([{ type: 'close', reason: 'over-limit' }]);
    expect(socket.closedIn).toBe(FREE);
  });

  it('keeps the proxy’s address when the header speaks for nobody else', async () => {
    const { heard, service } = recorder();
    const scripted = await ScriptedThread.create(service);
    const { socket, generation } = scripted.admit(5, NEW | PROXIED);
    socket.incoming = [headerV2({ ...parts, command: 0x20 })];
    scripted.thread.serve(5, generation, EPOLLIN);
    expect(heard).toEqual(['open 10.0.0.1 1005']);
    expect(typesOf(scripted)).toEqual(['open']);
  });

  it('hands what follows the first header on, another header too', async () => {
    const { heard, service } = recorder();
    const scripted = await ScriptedThread.create(service);
    const { socket, generation } = scripted.admit(5, NEW | PROXIED);
    socket.incoming = [Buffer.concat([headerV1(parts), headerV1({ ...parts, from: '198.51.100.1' })])];
    scripted.thread.serve(5, generation, EPOLLIN);
    expect(heard).toEqual(['open 192.0.2.1 56324', 'PROXY TCP4 198.51.100.1 192.0.2.2 56324 443']);
  });

  it('answers what came with its header when the thread is drained, and ends with shutdown', async () => {
    const { heard, service } = recorder();
    const scripted = await ScriptedThread.create(service);
    const whole = scripted.admit(5, NEW | PROXIED);
    const half = scripted.admit(6, NEW | PROXIED);
    scripted.admit(7, NEW | PROXIED);
    half.socket.incoming = [Buffer.from('PROXY')];
    whole.socket.incoming = [headerV1(parts), Buffer.from('one\n')];
    scripted.thread.drain();
    await turn();
    expect(String(whole.socket.sent)).toBe('hello\none\n');
    whole.socket.incoming = [undefined];
    scripted.thread.serve(5, whole.generation, EPOLLIN);
    expect(heard).toEqual(['open 192.0.2.1 56324', 'one', 'close 192.0.2.1 shutdown']);
    expect(scripted.board.total().closes).toMatchObject({ shutdown: 3 });
    expect(scripted.arena.used).toBe(0);
  });

  it('ends a drain when it was moved here late, and is closed', async () => {
    const scripted = await ScriptedThread.create(echo);
    const other = scripted.admit(5);
    scripted.thread.drain();
    const late = scripted.admit(6, PROXIED);
    other.socket.incoming = [undefined];
    scripted.thread.serve(5, other.generation, EPOLLIN);
    await turn();
    expect(scripted.drained).toBe(0);
    scripted.thread.serve(6, late.generation, EPOLLIN);
    await turn();
    expect(scripted.drained).toBe(1);
  });

  it('leaves nothing in the slot for others to free while its thread works on it', async () => {
    const scripted = await ScriptedThread.create(echo);
    const { socket, generation } = scripted.admit(5, PROXIED);
    socket.incoming = [Buffer.from('PROXY ')];
    scripted.thread.serve(5, generation, EPOLLIN);
    expect(scripted.table.inbox(5)).toBeDefined();
    const seen: unknown[] = [];
    const recv = socket.recv.bind(socket);
    socket.recv = (...args) => {
      seen.push(scripted.table.inbox(5));
      return recv(...args);
    };
    scripted.thread.serve(5, generation, EPOLLIN);
    expect(seen).toEqual([undefined]);
    expect(scripted.table.inbox(5)).toBeDefined();
  });

  it('costs no more calls than any other once the header was read', async () => {
    const scripted = await ScriptedThread.create(echo);
    const { socket, generation } = scripted.admit(5, PROXIED);
    socket.incoming = [headerV1(parts)];
    scripted.thread.serve(5, generation, EPOLLIN);
    expect(socket.calls.splice(0)).toEqual(['recv', 'recv']);
    socket.incoming = [Buffer.from('abc\n')];
    scripted.thread.serve(5, generation, EPOLLIN);
    expect(socket.calls).toEqual(['recv', 'send']);
    expect(String(socket.sent)).toBe('abc\n');
  });
});

it('without the flag, a PROXY header is the client’s own bytes', async () => {
  const { heard, service } = recorder();
  const scripted = await ScriptedThread.create(service);
  const { socket, generation } = scripted.admit(5, NEW);
  socket.incoming = [headerV1(parts)];
  scripted.thread.serve(5, generation, EPOLLIN);
  expect(heard).toEqual(['open 10.0.0.1 1005', 'PROXY TCP4 192.0.2.1 192.0.2.2 56324 443']);
  expect(scripted.events).toEqual([]);
});
