/** What becomes of a message that a session has asked for and does not wait for. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Client } from '../../src/connection/client.ts';
import { messageTracing } from '../../src/connection/tracing.ts';
import { NEW } from '../../src/sharing/connection-table.ts';
import { FREE, PINNED } from '../../src/sharing/control-word.ts';
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT } from '../../src/sys/constants.ts';
import { EAGAIN, ECONNRESET, EPIPE } from '../../src/sys/errno.ts';
import { ScriptedThread } from './scripted-thread.ts';

type AnyClient = Client<unknown, Uint8Array>;

/** A turn of Node's loop: promises that nobody has handled are known by its end. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A session that has begun with the line `x`. */
async function begun(session: (client: AnyClient) => Promise<void>) {
  const scripted = await ScriptedThread.create({ session });
  const { socket, generation } = scripted.admit(5, NEW);
  socket.incoming = [Buffer.from('x\n')];
  scripted.thread.serve(5, generation, EPOLLIN | EPOLLOUT);
  await turn();
  return { scripted, socket, generation };
}

describe('a session that asks for a message ahead', () => {
  it('ends no thread when its client resets before it awaits that', async () => {
    const unhandled: unknown[] = [];
    const note = (error: unknown): void => void unhandled.push(error);
    process.on('unhandledRejection', note);
    onTestFinished(() => void process.off('unhandledRejection', note));
    let goOn = (): void => {};
    const { scripted, socket, generation } = await begun(async (client) => {
      await client.receive();
      const next = client.receive();
      await new Promise<void>((resolve) => (goOn = resolve));
      await next;
    });
    socket.error = ECONNRESET;
    scripted.thread.serve(5, generation, EPOLLIN | EPOLLHUP | EPOLLERR);
    expect(socket.closedIn).toBe(FREE);
    for (let turns = 0; turns < 3; turns++) await turn();
    goOn();
    await turn();
    expect(unhandled).toEqual([]);
    expect(scripted.events).toMatchObject([{ type: 'close', reason: 'client-reset' }]);
    expect(scripted.thread.awaitsNode()).toBe(false);
  });

  it('is told that there is none when it returns without it', async () => {
    const outcome: unknown[] = [];
    const { scripted } = await begun(async (client) => {
      await client.receive();
      void client.receive().then((message) => outcome.push(message));
    });
    expect(outcome).toEqual([undefined]);
    expect(scripted.thread.awaitsNode()).toBe(false);
  });
});

it('a session that has returned gets no message, and its thread waits for nothing', async () => {
  let leftBehind: AnyClient | undefined;
  const { scripted, socket, generation } = await begun(async (client) => {
    leftBehind = client;
    await client.receive();
  });
  expect(socket.calls.at(-1)).toBe('shutdown');
  await expect(leftBehind?.receive()).rejects.toMatchObject({ code: 'HEDDLE_CLOSED' });
  expect(scripted.thread.context.awaiting).toBe(0);
  socket.incoming = [undefined];
  scripted.thread.serve(5, generation, EPOLLIN);
  expect(socket.closedIn).toBe(FREE);
  await expect(leftBehind?.receive()).rejects.toMatchObject({ code: 'HEDDLE_CLOSED' });
  expect(scripted.thread.context.awaiting).toBe(0);
});

it('a session does not begin when its client is gone before `open` has ended', async () => {
  let goOn = (): void => {};
  let begins = 0;
  const scripted = await ScriptedThread.create({
    open: () => new Promise<void>((resolve) => (goOn = resolve)),
    session: async () => void begins++,
  });
  const { socket, generation } = scripted.admit(5, NEW);
  socket.error = ECONNRESET;
  scripted.thread.serve(5, generation, EPOLLIN | EPOLLHUP | EPOLLERR);
  expect(socket.closedIn).toBe(FREE);
  goOn();
  await turn();
  expect(begins).toBe(0);
  expect(scripted.thread.context.awaiting).toBe(0);
});

describe('what a session sends', () => {
  /** A client on `fd` whose session has begun and waits for a line. */
  async function waiting(scripted: ScriptedThread, fd: number) {
    const { socket, generation } = scripted.admit(fd, NEW);
    scripted.thread.serve(fd, generation, EPOLLOUT);
    await turn();
    const gets = (text: string): void => {
      socket.incoming = [Buffer.from(text)];
      scripted.thread.serve(fd, generation, EPOLLIN);
    };
    const writes = (): string[] => socket.calls.splice(0).filter((call) => call === 'send');
    return { socket, generation, gets, writes };
  }

  it('leaves before the next session goes on', async () => {
    let sentBefore: string | undefined;
    const scripted = await ScriptedThread.create({
      async session(client) {
        for await (const line of client) {
          if (client.remotePort === 1006) sentBefore = String(one.socket.sent);
          await client.send(line as Uint8Array);
        }
      },
    });
    const one = await waiting(scripted, 5);
    const other = await waiting(scripted, 6);
    one.gets('first\n');
    other.gets('second\n');
    await turn();
    expect(sentBefore).toBe('first\n');
    expect(String(other.socket.sent)).toBe('second\n');
    expect(scripted.state(5)).toBe(PINNED);
  });

  it('leaves in one write where messages have arrived together', async () => {
    const scripted = await ScriptedThread.create({
      async session(client) {
        for await (const line of client) await client.send(line as Uint8Array);
      },
    });
    const { gets, socket, writes } = await waiting(scripted, 5);
    for (let rounds = 0; rounds < 2; rounds++) {
      gets('a\nb\nc\n');
      await turn();
      expect(writes()).toEqual(['send']);
    }
    expect(String(socket.sent)).toBe('a\nb\nc\na\nb\nc\n');
  });

  it('leaves in one write where handlers of a service with `message` are async', async () => {
    const scripted = await ScriptedThread.create({ message: async (line) => line });
    const { gets, socket, writes } = await waiting(scripted, 5);
    for (let rounds = 0; rounds < 2; rounds++) {
      gets('a\nb\nc\nd\n');
      await turn();
      expect(writes()).toEqual(['send']);
    }
    expect(String(socket.sent)).toBe('a\nb\nc\nd\n'.repeat(2));
    expect(scripted.thread.awaitsNode()).toBe(false);
  });

  it('leaves before a handler that takes longer has ended', async () => {
    let end = (): void => {};
    const scripted = await ScriptedThread.create({
      async message(line) {
        if (String(line) === 'slow') await new Promise<void>((resolve) => (end = resolve));
        return line;
      },
    });
    const { gets, socket, writes } = await waiting(scripted, 5);
    gets('a\nb\nslow\nc\n');
    await turn();
    expect([writes(), String(socket.sent)]).toEqual([['send'], 'a\nb\n']);
    end();
    await turn();
    expect([writes(), String(socket.sent)]).toEqual([['send'], 'a\nb\nslow\nc\n']);
  });

  it('leaves in one write once a session has sent several times for one message', async () => {
    const scripted = await ScriptedThread.create({
      async session(client) {
        for await (const line of client) for (let times = 0; times < 3; times++) await client.send(line as Uint8Array);
      },
    });
    const { gets, socket, writes } = await waiting(scripted, 5);
    gets('a\n');
    await turn();
    expect(writes()).toEqual(['send', 'send']);
    gets('b\n');
    await turn();
    expect(writes()).toEqual(['send']);
    expect(String(socket.sent)).toBe('a\na\na\nb\nb\nb\n');
  });

  it('leaves at once also when it is text, after it was no message', async () => {
    const problems: unknown[] = [];
    const scripted = await ScriptedThread.create({
      encoding: 'utf8',
      async session(client) {
        for await (const line of client) {
          try {
            await client.send(42);
          } catch (error) {
            problems.push(error);
          }
          await client.send(`re ${String(line)}`);
        }
      },
    });
    const { gets, socket } = await waiting(scripted, 5);
    gets('ä\n');
    await turn();
    gets('ö\n');
    await turn();
    expect(problems).toMatchObject([{ name: 'TypeError' }, { name: 'TypeError' }]);
    expect(String(socket.sent)).toBe('re ä\nre ö\n');
  });

  it.each([EAGAIN, 3])('waits for room where the kernel takes %i of it, and its session with it', async (taken) => {
    const done: string[] = [];
    const scripted = await ScriptedThread.create({
      async session(client) {
        for await (const line of client) {
          await client.send(Buffer.alloc(100_000, line as Uint8Array));
          done.push(String(line));
        }
      },
    });
    const { gets, socket, generation } = await waiting(scripted, 5);
    socket.window = () => taken;
    gets('a\n');
    await turn();
    expect(socket.interest & EPOLLOUT).toBe(EPOLLOUT);
    expect(done).toEqual([]);
    socket.window = () => Infinity;
    scripted.thread.serve(5, generation, EPOLLOUT);
    await turn();
    expect(done).toEqual(['a']);
    expect(String(socket.sent)).toBe(`${'a'.repeat(100_000)}\n`);
  });

  it('is lost when the client has gone, which ends its session', async () => {
    const outcome: unknown[] = [];
    const scripted = await ScriptedThread.create({
      async session(client) {
        await client.receive();
        await client.send('never');
        await client.send('never').catch((error: unknown) => outcome.push(error));
        await client.receive().catch((error: unknown) => outcome.push(error));
      },
    });
    const { gets, socket } = await waiting(scripted, 5);
    socket.window = () => EPIPE;
    gets('a\n');
    await turn();
    expect(outcome).toMatchObject([{ code: 'HEDDLE_CLOSED' }, { code: 'HEDDLE_CLOSED' }]);
    expect(socket.closedIn).toBe(FREE);
    expect(scripted.events).toMatchObject([{ type: 'close', reason: 'client-reset' }]);
    expect(scripted.thread.context.awaiting).toBe(0);
  });
});

describe('messages that came together', () => {
  it('count as kept until the session has taken the last of them', async () => {
    const kept: number[] = [];
    const { scripted, socket, generation } = await begun(async (client) => {
      await client.receive();
      while ((await client.receive()) !== undefined) kept.push(scripted.table.kept(5));
    });
    socket.incoming = [Buffer.from('a\nb\nc\n')];
    scripted.thread.serve(5, generation, EPOLLIN);
    await turn();
    expect(kept).toEqual([256, 256, 0]);
    expect(scripted.arena.used).toBe(0);
  });

  it('are read as the session asks for each, however it asks and however they come', async () => {
    const text = fc.stringMatching(/^[a-z]{0,60}$/);
    const asks = fc.array(fc.tuple(fc.constantFrom('line', 'line', 'line', 'line', 'until', 'body'), text));
    const sizes = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1 });
    const property = fc.asyncProperty(asks, sizes, fc.boolean(), async (all, lengths, together) => {
      const got: string[] = [];
      const scripted = await ScriptedThread.create({
        async session(client) {
          for (const [ask, { length }] of all) {
            if (ask === 'line') got.push(String(await client.receive()));
            else if (ask === 'until') got.push(String(await client.readUntil(';')));
            else {
              const pieces: Buffer[] = [];
              for await (const piece of client.body(length)) pieces.push(piece);
              got.push(String(Buffer.concat(pieces)));
            }
          }
          await client.receive();
        },
      });
      const { socket, generation } = scripted.admit(5, NEW);
      scripted.thread.serve(5, generation, EPOLLOUT);
      let left = Buffer.from(all.map(([ask, bytes]) => bytes + { line: '\n', until: ';', body: '' }[ask]).join(''));
      for (let index = 0; left.length > 0; index++) {
        const length = lengths[index % lengths.length] as number;
        socket.incoming = [Buffer.concat([...(socket.incoming as Buffer[]), left.subarray(0, length)])];
        left = left.subarray(length);
        scripted.thread.serve(5, generation, EPOLLIN | EPOLLOUT);
        if (!together) await turn();
      }
      for (let turns = 0; turns < 2; turns++) await turn();
      expect(got).toEqual(all.map(([, bytes]) => bytes));
      expect([scripted.arena.used, scripted.table.kept(5)]).toEqual([0, 0]);
    });
    await fc.assert(property, { seed: 1, numRuns: 100 });
  });

  it('are the session’s own, each, whatever comes after them', async () => {
    const messages: Buffer[] = [];
    const { scripted, socket, generation } = await begun(async (client) => {
      for await (const line of client as AsyncIterable<Buffer>) {
        messages.push(line);
        line.fill('.');
      }
    });
    socket.incoming = [Buffer.from('one\ntwo\nthree\n')];
    scripted.thread.serve(5, generation, EPOLLIN);
    socket.incoming = [Buffer.from('four\nfive\nsix\n')];
    await turn();
    scripted.thread.serve(5, generation, EPOLLIN);
    await turn();
    expect(messages.map(String)).toEqual(['.', '...', '...', '.....', '....', '....', '...']);
  });

  it('are told with their lengths to who subscribes among them', async () => {
    const lengths: unknown[] = [];
    const note = (message: unknown): void => void lengths.push((message as { bytes: number }).bytes);
    onTestFinished(() => {
      unsubscribe('tracing:heddle:message:start', note);
      messageTracing.look();
    });
    const { scripted, socket, generation } = await begun(async (client) => {
      for await (const line of client) {
        if (String(line) === 'three') subscribe('tracing:heddle:message:start', note);
        messageTracing.look();
      }
    });
    socket.incoming = [Buffer.from('one\nthree\na\nabcd\n\nab\n')];
    scripted.thread.serve(5, generation, EPOLLIN);
    await turn();
    expect(lengths).toEqual([1, 4, 0, 2]);
  });

  it('close the client at the first one that is not valid UTF-8', async () => {
    const lines: unknown[] = [];
    const scripted = await ScriptedThread.create({
      encoding: 'utf8',
      async session(client) {
        for await (const line of client) lines.push(line);
      },
    });
    const { socket, generation } = scripted.admit(5, NEW);
    socket.incoming = [Buffer.from('a\nb\n\xff\nc\n', 'latin1')];
    scripted.thread.serve(5, generation, EPOLLIN | EPOLLOUT);
    await turn();
    expect(lines).toEqual(['a', 'b']);
    expect(socket.calls.at(-1)).toBe('shutdown');
    expect(scripted.arena.used).toBe(0);
  });

  it('may end with a decoder that resets the client', async () => {
    const messages: unknown[] = [];
    let served: AnyClient | undefined;
    const scripted = await ScriptedThread.create({
      framing: {
        decode([first]) {
          if (first === 0) served?.reset();
          return first === undefined ? undefined : { message: first, length: 1 };
        },
      },
      async session(client) {
        served = client;
        for await (const message of client) messages.push(message);
      },
    });
    const { socket, generation } = scripted.admit(5, NEW);
    socket.incoming = [Buffer.from([1, 2, 0, 4])];
    scripted.thread.serve(5, generation, EPOLLIN | EPOLLOUT);
    await turn();
    expect(messages).toEqual([1, 2]);
    expect(socket.closedIn).toBe(FREE);
    expect([scripted.arena.used, scripted.thread.context.awaiting]).toEqual([0, 0]);
  });
});
