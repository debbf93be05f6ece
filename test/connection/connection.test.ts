import { describe, expect, it, vi } from 'vitest';
import type { Client } from '../../src/connection/client.ts';
import type { Service } from '../../src/connection/service.ts';
import { NEW } from '../../src/sharing/connection-table.ts';
import { FREE, PINNED, IDLE } from '../../src/sharing/control-word.ts';
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLRDHUP } from '../../src/sys/constants.ts';
import { EAGAIN, ECONNRESET, EPIPE } from '../../src/sys/errno.ts';
import { ScriptedThread } from './scripted-thread.ts';

const echo: Service = { message: (message) => message };

/** A turn of Node's loop: what was put off is done. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a connection', () => {
  it('is idle again after a whole message, with nothing kept', async () => {
    const scripted = await ScriptedThread.create(echo);
    const { socket, generation } = scripted.admit(5);
    socket.incoming = [Buffer.from('abc\n')];
    scripted.thread.serve(5, generation, EPOLLIN);
    expect(String(socket.sent)).toBe('abc\n');
    expect(scripted.state(5)).toBe(IDLE);
    expect(scripted.table.inbox(5)).toBeUndefined();
    expect(socket.calls).toEqual(['recv', 'send']);
  });

  it('rests with half a message in shared memory, and gives the memory back with the other half', async () => {
    const scripted = await ScriptedThread.create(echo);
    const { socket, generation } = scripted.admit(5);
    socket.incoming = [Buffer.from('half')];
    scripted.thread.serve(5, generation, EPOLLIN);
    expect(scripted.state(5)).toBe(IDLE);
    expect(scripted.table.inbox(5)).toMatchObject({ start: 0, end: 4 });
    expect(scripted.arena.used).toBe(256);
    socket.incoming = [Buffer.from(' whole\n')];
    scripted.thread.serve(5, generation, EPOLLIN);
    expect(String(socket.sent)).toBe('half whole\n');
    expect(scripted.table.inbox(5)).toBeUndefined();
    expect(scripted.arena.used).toBe(0);
  });

  it('sends a reply byte by byte if the kernel takes no more, and reads nothing meanwhile', async () => {
    const scripted = await ScriptedThread.create(echo);
    const { socket, generation } = scripted.admit(5);
    socket.window = () => 1;
    socket.incoming = [Buffer.from('abc\n')];
    scripted.thread.serve(5, generation, EPOLLIN);
    socket.incoming = [Buffer.from('def\n')];
    expect(socket.interest & EPOLLOUT).toBe(EPOLLOUT);
    scripted.thread.serve(5, generation, EPOLLIN);
    expect(socket.calls.filter((call) => call === 'recv')).toHaveLength(1);
    for (let turns = 0; turns < 20; turns++) scripted.thread.serve(5, generation, EPOLLOUT | EPOLLIN);
    expect(String(socket.sent)).toBe('abc\ndef\n');
    expect(scripted.state(5)).toBe(IDLE);
    expect(scripted.arena.used).toBe(0);
  });

  it('reads what it was told of once it may, though nobody tells it again', async () => {
    let answer: (reply: string) => void = () => {};
    const scripted = await ScriptedThread.create({
      message: () => new Promise<string>((resolve) => (answer = resolve)),
    });
    const { socket, generation } = scripted.admit(5);
    socket.incoming = [Buffer.from('one\n'), Buffer.from('two\n'), undefined];
    scripted.thread.serve(5, generation, EPOLLIN | EPOLLRDHUP);
    for (const reply of ['1', '2']) {
      answer(reply);
      await turn();
    }
    expect(String(socket.sent)).toBe('1\n2\n');
    expect(socket.closedIn).toBe(FREE);
    expect(scripted.events).toMatchObject([{ type: 'close', reason: 'client-finished' }]);
  });

  it('asks to be told again of what it leaves unread for the others’ sake', async () => {
    const scripted = await ScriptedThread.create(echo, 'chunk');
    const { socket, generation } = scripted.admit(5);
    socket.incoming = [Buffer.alloc(2 ** 21, 'x')];
    for (let told = 1; socket.incoming.length > 0; told++) {
      scripted.thread.serve(5, generation, EPOLLIN);
      expect(socket.calls.filter((call) => call === 'epoll_ctl')).toHaveLength(told);
    }
    scripted.thread.serve(5, generation, EPOLLIN);
    expect(socket.calls.slice(-1)).toEqual(['recv']);
    expect(socket.sent).toHaveLength(2 ** 21);
  });

  it('answers what has arrived when it is drained, though nobody has told of it', async () => {
    const scripted = await ScriptedThread.create(echo);
    const { socket } = scripted.admit(5);
    socket.incoming = [Buffer.from('one\n'), Buffer.from('two\n')];
    scripted.thread.drain();
    expect(String(socket.sent)).toBe('one\ntwo\n');
    expect(socket.calls.at(-1)).toBe('shutdown');
  });

  it.each(['a drain', 'an event on a thread that drains'])(
    'is over after what had arrived is answered, though its client says more with each reply: %s',
    async (how) => {
      const said = (): Buffer => Buffer.from('more\n');
      let messages = 0;
      const scripted = await ScriptedThread.create({
        message(message) {
          if (++messages < 9999) socket.incoming.push(said());
          return message;
        },
      });
      const { socket, generation } = scripted.admit(5);
      socket.incoming = [Buffer.from('one\n'), Buffer.from('two\n')];
      if (how === 'a drain') scripted.thread.drain();
      else {
        const moved = scripted.table.startMove(5, generation, 1);
        expect(moved).toBeDefined(); // The drain does not find it.
        scripted.thread.drain();
        const back = scripted.table.turnBack(5, 0);
        scripted.table.settle(5, back);
        scripted.thread.serve(5, back, EPOLLIN);
      }
      expect(String(socket.sent)).toBe('one\ntwo\n');
      expect(socket.calls).toContain('shutdown');
      await turn();
    },
  );

  it('answers the bytes of an event that tells of room too, though its thread drains since before it came', async () => {
    const scripted = await ScriptedThread.create(echo);
    const { socket, generation } = scripted.admit(5);
    socket.window = () => 1;
    socket.incoming = [Buffer.from('abc\n')];
    scripted.thread.serve(5, generation, EPOLLIN);
    expect(scripted.state(5)).toBe(IDLE);
    expect(scripted.table.startMove(5, generation, 1)).toBeDefined(); // The drain does not find it.
    scripted.thread.drain();
    const moved = scripted.table.turnBack(5, 0);
    scripted.table.settle(5, moved);
    socket.window = () => Infinity;
    socket.incoming = [Buffer.from('one\ntwo\n')];
    scripted.thread.serve(5, moved, EPOLLIN | EPOLLOUT);
    expect(String(socket.sent)).toBe('abc\none\ntwo\n');
    expect(socket.calls).toContain('shutdown');
  });

  it('is drained though another client’s message, which the drain finds, sends to it', async () => {
    const clients = new Set<Client<unknown, unknown>>();
    const scripted = await ScriptedThread.create({
      message(message, client) {
        clients.add(client);
        if (String(message) === 'tell') for (const other of clients) if (other !== client) void other.send('psst');
        return undefined;
      },
    });
    const all = [5, 6, 7].map((fd) => scripted.admit(fd));
    for (const { socket, generation } of all) {
      socket.incoming = [Buffer.from('hello\n')];
      scripted.thread.serve(socket.fd, generation, EPOLLIN);
    }
    const [first, ...others] = all.map(({ socket }) => socket);
    first!.incoming = [Buffer.from('tell\n')];
    scripted.thread.drain();
    await turn();
    for (const socket of [first!, ...others]) expect(socket.calls).toContain('shutdown');
    expect(others.map(({ sent }) => String(sent))).toEqual(['psst\n', 'psst\n']);
  });

  it('stays where it is while somebody waits for room, and rests once there is some', async () => {
    const outcome: string[] = [];
    const scripted = await ScriptedThread.create({
      message(_message, client) {
        void client.send(Buffer.alloc(100_000, 'x')).then(() => outcome.push('room'));
        return undefined;
      },
    });
    const { socket, generation } = scripted.admit(5);
    socket.window = () => EAGAIN;
    socket.incoming = [Buffer.from('x\n')];
    scripted.thread.serve(5, generation, EPOLLIN);
    await turn();
    expect(scripted.state(5)).toBe(PINNED);
    expect(outcome).toEqual([]);
    socket.window = () => Infinity;
    scripted.thread.serve(5, generation, EPOLLOUT);
    await turn();
    expect(outcome).toEqual(['room']);
    expect(socket.sent).toHaveLength(100_001);
    expect(scripted.state(5)).toBe(IDLE);
  });

  it('is served and idle after another client’s message failed to send it what is no message', async () => {
    let one: Client<unknown, unknown> | undefined;
    const scripted = await ScriptedThread.create({
      message(message, client) {
        one ??= client;
        if (String(message) !== 'number') return message;
        return void one.send(42);
      },
    });
    const [first, other] = [scripted.admit(5), scripted.admit(6)];
    first.socket.incoming = [Buffer.from('hello\n')];
    scripted.thread.serve(5, first.generation, EPOLLIN);
    other.socket.incoming = [Buffer.from('number\n')];
    scripted.thread.serve(6, other.generation, EPOLLIN);
    await turn();
    expect(scripted.events).toMatchObject([{ type: 'service-error', port: 1006 }]);
    expect(scripted.state(5)).toBe(IDLE);
    first.socket.incoming = [Buffer.from('again\n')];
    scripted.thread.serve(5, first.generation, EPOLLIN);
    expect(String(first.socket.sent)).toBe('hello\nagain\n');
    expect(scripted.state(5)).toBe(IDLE);
  });

  it('is answered in order by thenables that call back at once', async () => {
    const scripted = await ScriptedThread.create({
      message: (message) => {
        const then = (fulfil: (value: unknown) => void): void => fulfil(`re ${String(message)}`);
        // oxlint-disable-next-line unicorn/no-thenable
        return { then };
      },
    });
    const { socket, generation } = scripted.admit(5);
    for (const bytes of ['aa\nbb\nc', 'c\ndd\n', 'ee\nff\ngg\n']) {
      socket.incoming = [Buffer.from(bytes)];
      scripted.thread.serve(5, generation, EPOLLIN);
      await turn();
    }
    expect(String(socket.sent)).toBe(['aa', 'bb', 'cc', 'dd', 'ee', 'ff', 'gg'].map((line) => `re ${line}\n`).join(''));
    expect(scripted.state(5)).toBe(IDLE);
    expect(scripted.thread.awaitsNode()).toBe(false);
  });

  it('is over at once if the client had finished before the server did', async () => {
    const scripted = await ScriptedThread.create({ message: (_message, client) => client.close() });
    const { socket, generation } = scripted.admit(5);
    socket.incoming = [Buffer.from('bye\n'), undefined];
    scripted.thread.serve(5, generation, EPOLLIN | EPOLLRDHUP);
    await turn();
    expect(socket.closedIn).toBe(FREE);
    expect(scripted.events).toMatchObject([{ type: 'close', reason: 'server-finished' }]);
  });

  it.each([
    [100_000, 1],
    [100_000, 65_536],
    [3_000_000, 999_999],
  ])('sends a reply of %i bytes whole through a window of %i', async (length, window) => {
    const scripted = await ScriptedThread.create({ message: () => Buffer.alloc(length, 'abcdefg') });
    const { socket, generation } = scripted.admit(5);
    let open = true;
    socket.window = () => {
      open = !open;
      return open ? EAGAIN : Math.min(window * 1000, Math.max(window, 1000));
    };
    socket.incoming = [Buffer.from('x\n')];
    scripted.thread.serve(5, generation, EPOLLIN);
    for (let events = 0; events < 1000 && socket.sent.length <= length; events++)
      scripted.thread.serve(5, generation, EPOLLOUT);
    expect(scripted.state(5)).toBe(IDLE);
    expect(socket.sent.equals(Buffer.concat([Buffer.alloc(length, 'abcdefg'), Buffer.from('\n')]))).toBe(true);
    expect(scripted.arena.used).toBe(0);
  });

  it('is held while its handler runs, and rests when that is done', async () => {
    let answer: (reply: string) => void = () => {};
    const scripted = await ScriptedThread.create({
      message: () => new Promise<string>((resolve) => (answer = resolve)),
    });
    const { socket, generation } = scripted.admit(5);
    socket.incoming = [Buffer.from('abc\n')];
    scripted.thread.serve(5, generation, EPOLLIN);
    expect(scripted.state(5)).toBe(PINNED);
    expect(scripted.thread.awaitsNode()).toBe(true);
    answer('done');
    await turn();
    expect(String(socket.sent)).toBe('done\n');
    expect(scripted.state(5)).toBe(IDLE);
    expect(scripted.thread.awaitsNode()).toBe(false);
  });

  it('sends what `open` has sent, though the client says nothing', async () => {
    const scripted = await ScriptedThread.create({ ...echo, open: (client) => void client.send('hello') });
    const { socket, generation } = scripted.admit(5, NEW);
    scripted.thread.serve(5, generation, EPOLLOUT);
    await turn();
    expect(String(socket.sent)).toBe('hello\n');
    expect(scripted.state(5)).toBe(IDLE);
    expect(scripted.arena.used).toBe(0);
  });

  it('sends what another client’s message sent to it, though its own event has nothing to read', async () => {
    const clients: Client<unknown, unknown>[] = [];
    const scripted = await ScriptedThread.create({
      message(_message, client) {
        clients.push(client);
        void clients[0]?.send('psst');
        return undefined;
      },
    });
    const one = scripted.admit(5);
    const other = scripted.admit(6);
    one.socket.incoming = [Buffer.from('a\n')];
    scripted.thread.serve(5, one.generation, EPOLLIN);
    await turn();
    other.socket.incoming = [Buffer.from('b\n')];
    scripted.thread.serve(6, other.generation, EPOLLIN);
    scripted.thread.serve(5, one.generation, EPOLLIN);
    await turn();
    expect(String(one.socket.sent)).toBe('psst\npsst\n');
  });

  it('is served though another client’s message has just sent to it', async () => {
    const clients: Client<unknown, unknown>[] = [];
    const scripted = await ScriptedThread.create({
      message(message, client) {
        if (!clients.includes(client)) clients.push(client);
        if (client === clients[1]) void clients[0]?.send('psst');
        return `re ${String(message)}`;
      },
    });
    const [one, other] = [scripted.admit(5), scripted.admit(6)];
    one.socket.incoming = [Buffer.from('a\n')];
    scripted.thread.serve(5, one.generation, EPOLLIN);
    other.socket.incoming = [Buffer.from('b\n')];
    one.socket.incoming = [Buffer.from('c\n')];
    scripted.thread.serve(6, other.generation, EPOLLIN);
    scripted.thread.serve(5, one.generation, EPOLLIN);
    await turn();
    expect(String(one.socket.sent)).toBe('re a\npsst\nre c\n');
    expect(scripted.state(5)).toBe(IDLE);
  });

  it('drops an event whose generation is not the slot’s', async () => {
    const scripted = await ScriptedThread.create(echo);
    const { socket: first, generation: stale } = scripted.admit(5);
    first.incoming = [undefined];
    scripted.thread.serve(5, stale, EPOLLIN);
    expect(first.closedIn).toBe(FREE);
    const { socket: second, generation } = scripted.admit(5);
    second.incoming = [Buffer.from('abc\n')];
    scripted.thread.serve(5, stale, EPOLLIN);
    expect(second.calls).toEqual([]);
    scripted.thread.serve(5, generation, EPOLLIN);
    expect(String(second.sent)).toBe('abc\n');
  });
});

describe('the end of a connection', () => {
  const ENDS: [what: string, incoming: (Buffer | undefined)[], error: number, mask: number, reason: string][] = [
    ['the client finishes', [undefined], EAGAIN, EPOLLIN, 'client-finished'],
    ['the client resets', [], ECONNRESET, EPOLLIN | EPOLLHUP | EPOLLERR, 'client-reset'],
    [
      'the client finishes after a line without its end',
      [Buffer.from('abc'), undefined],
      EAGAIN,
      EPOLLIN,
      'client-finished',
    ],
    ['the client finishes after half a message', [Buffer.from('\0\0'), undefined], EAGAIN, EPOLLIN, 'bad-frame'],
  ];

  it.each(ENDS)(
    'when %s: the slot is free before the fd is closed, once',
    async (_what, incoming, error, mask, reason) => {
      const closes: string[] = [];
      const framing = reason === 'bad-frame' ? 'length' : 'line';
      const service: Service = { ...echo, framing, close: (_client, why) => void closes.push(why) };
      const scripted = await ScriptedThread.create(service);
      const { socket, generation } = scripted.admit(5);
      socket.incoming = incoming;
      socket.error = error;
      for (let events = 0; events < 3; events++) scripted.thread.serve(5, generation, mask);
      expect(socket.closedIn).toBe(FREE);
      expect(socket.calls.filter((call) => call === 'close')).toHaveLength(1);
      expect(closes).toEqual([reason]);
      expect(scripted.events.filter(({ type }) => type === 'close')).toMatchObject([{ reason }]);
      expect(scripted.board.row(0).clients).toBe(0);
      expect(scripted.arena.used).toBe(0);
    },
  );

  it.each([4, 40_000, 70_000, 200_000])(
    'makes no call on the fd after a reply of %i bytes met a broken pipe',
    async (length) => {
      const scripted = await ScriptedThread.create({ message: () => Buffer.alloc(length, 'x') });
      const { socket, generation } = scripted.admit(5);
      socket.incoming = [Buffer.from('1\n2\n3\n4\n')];
      socket.window = () => EPIPE;
      // The scripted socket throws at a call on a closed fd; a new client gets the same number at once.
      scripted.thread.serve(5, generation, EPOLLIN);
      expect(socket.closedIn).toBe(FREE);
      expect(socket.calls.at(-1)).toBe('close');
      expect(scripted.thread.context.replies.length).toBe(0);
      const next = scripted.admit(5);
      next.socket.incoming = [Buffer.from('5\n')];
      scripted.thread.serve(5, next.generation, EPOLLIN);
      expect(next.socket.sent.length).toBe(length + 1);
    },
  );

  it('gives nothing of one client to the next when a reply fails half-way', async () => {
    let fails = true;
    const scripted = await ScriptedThread.create({
      message(message) {
        if (fails && String(message) === 'bad') throw new Error('bad');
        return message;
      },
    });
    const one = scripted.admit(5);
    const other = scripted.admit(6);
    one.socket.incoming = [Buffer.from('good\nbad\n')];
    scripted.thread.serve(5, one.generation, EPOLLIN);
    fails = false;
    other.socket.incoming = [Buffer.from('mine\n')];
    scripted.thread.serve(6, other.generation, EPOLLIN);
    expect(String(one.socket.sent)).toBe('good\n');
    expect(String(other.socket.sent)).toBe('mine\n');
  });

  it('is told as client-reset when the last reply is lost, whatever it was being closed for', async () => {
    const service: Service = { message: (_message, client) => (client.close(), Buffer.alloc(4000)) };
    const scripted = await ScriptedThread.create(service);
    const { socket, generation } = scripted.admit(5);
    socket.window = () => (socket.sent.length === 0 ? 1000 : EAGAIN);
    socket.incoming = [Buffer.from('x\n')];
    scripted.thread.serve(5, generation, EPOLLIN);
    await turn();
    socket.window = () => EPIPE;
    scripted.thread.serve(5, generation, EPOLLOUT);
    expect(scripted.events).toMatchObject([
      { type: 'close', reason: 'client-reset', detail: 'EPIPE, while it was being closed for server-finished' },
    ]);
  });

  it('rejects sends that wait for room', async () => {
    const outcome: unknown[] = [];
    const scripted = await ScriptedThread.create({
      async session(client) {
        await client.receive();
        await client.send(Buffer.alloc(1_000_000)).catch((error: unknown) => outcome.push(error));
      },
    });
    const { socket, generation } = scripted.admit(5, NEW);
    socket.incoming = [Buffer.from('x\n')];
    socket.window = () => 1000;
    scripted.thread.serve(5, generation, EPOLLIN | EPOLLOUT);
    await turn();
    expect(scripted.state(5)).toBe(PINNED);
    socket.window = () => EPIPE;
    scripted.thread.serve(5, generation, EPOLLOUT);
    await turn();
    expect(outcome).toMatchObject([{ code: 'HEDDLE_CLOSED' }]);
    expect(scripted.events.map(({ type }) => type)).toEqual(['close']);
  });

  it('takes one timer for all who are waited for, however many come and go', async () => {
    const scripted = await ScriptedThread.create({ message: (_message, client) => client.close() });
    const timers = vi.spyOn(globalThis, 'setTimeout');
    for (let client = 0; client < 20; client++) {
      const { socket, generation } = scripted.admit(5);
      socket.incoming = [Buffer.from('bye\n')];
      scripted.thread.serve(5, generation, EPOLLIN);
      socket.incoming = [undefined];
      scripted.thread.serve(5, generation, EPOLLIN | EPOLLRDHUP);
      expect(socket.closedIn).toBe(FREE);
    }
    expect(timers).toHaveBeenCalledTimes(1);
  });
});
