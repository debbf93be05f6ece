/** Clients that have sent more than one message, on a thread whose turns are over after each. */
import { describe, expect, it } from 'vitest';
import type { Client } from '../../../src/connection/client.ts';
import type { Service } from '../../../src/connection/service.ts';
import { sharedTenths } from '../../../src/sharing/clock.ts';
import { NEW, WORK_LEFT } from '../../../src/sharing/connection-table.ts';
import { IDLE, PINNED } from '../../../src/sharing/control-word.ts';
import { EPOLLIN, EPOLLOUT } from '../../../src/sys/constants.ts';
import { ScriptedThread } from '../scripted-thread.ts';

type AnyClient = Client<Buffer, Uint8Array>;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Everything that `service` is given, in order, while one client sends five letters at once and then another sends one. */
async function served(service: (note: (letter: unknown) => void) => Service) {
  const order: string[] = [];
  const on = await ScriptedThread.create(
    service((letter) => void order.push(String(letter))),
    'line',
    { moveAfter: 0 },
  );
  const [greedy, other] = [on.admit(5, NEW), on.admit(6, NEW)];
  const serve = async (...clients: (typeof greedy)[]): Promise<void> => {
    on.thread.begin();
    for (const { generation, socket } of clients) on.thread.serve(socket.fd, generation, EPOLLIN | EPOLLOUT);
    await turn();
  };
  await serve(greedy, other);
  greedy.socket.incoming = [Buffer.from('a\nb\nc\nd\ne\n')];
  await serve(greedy);
  const state = { slot: on.state(5), flags: on.table.flags(5), asks: (greedy.socket.interest & EPOLLOUT) !== 0 };
  const sentFirst = String(greedy.socket.sent);
  other.socket.incoming = [Buffer.from('x\n')];
  await serve(other, greedy);
  while (order.length < 6) await serve(greedy);
  return { order: order.join(''), sentFirst, sent: String(greedy.socket.sent), state, on };
}

type Next = (client: AnyClient) => Promise<Buffer | undefined>;

const session =
  (next: Next) =>
  (note: (letter: unknown) => void): Service => ({
    async session(client: AnyClient) {
      for (let line = await next(client); line !== undefined; line = await next(client)) {
        note(line.subarray(0, 1));
        await client.send(line.subarray(0, 1));
      }
    },
  });

const iterated: (note: (letter: unknown) => void) => Service = (note) => ({
  async session(client: AnyClient) {
    for await (const line of client) {
      note(line);
      await client.send(line);
    }
  },
});

const bodies: (note: (letter: unknown) => void) => Service = (note) => ({
  async session(client: AnyClient) {
    for (;;)
      for await (const piece of client.body(2)) {
        note(piece.subarray(0, 1));
        await client.send(piece.subarray(0, 1));
      }
  },
});

describe('others are served between the messages that came at once', () => {
  it.each<[string, (note: (letter: unknown) => void) => Service]>([
    ['for await', iterated],
    ['receive', session((client) => client.receive())],
    ['receive with a timeout', session((client) => client.receive({ timeout: 60_000 }))],
    ['readUntil', session((client) => client.readUntil('\n'))],
    ['read', session((client) => client.read(2))],
    ['body', bodies],
  ])('to a session: %s', async (_, service) => {
    const { order, sent, sentFirst, state } = await served(service);
    expect([order, sentFirst, sent]).toEqual(['axbcde', 'a\n', 'a\nb\nc\nd\ne\n']);
    expect(state).toMatchObject({ slot: PINNED, asks: true });
  });

  it.each<[string, (note: (letter: unknown) => void) => Service]>([
    ['message', (note) => ({ message: (line) => (note(line), line) })],
    ['message that borrows', (note) => ({ borrow: 'both', message: (line) => (note(line), line) })],
    ['async message', (note) => ({ message: async (line) => (note(line), line) })],
  ])('to a service with %s, whose client may move meanwhile', async (_, service) => {
    const { order, sent, sentFirst, state, on } = await served(service);
    expect([order, sentFirst, sent]).toEqual(['axbcde', 'a\n', 'a\nb\nc\nd\ne\n']);
    expect(state).toEqual({ slot: IDLE, flags: WORK_LEFT, asks: true });
    expect([on.state(5), on.table.flags(5), on.arena.used]).toEqual([IDLE, 0, 0]);
  });
});

it('what is left when a slow client gives way has waited since it came', async () => {
  const message = (line: unknown): Uint8Array => {
    for (const end = performance.now() + 2; performance.now() < end; );
    return line as Uint8Array;
  };
  const on = await ScriptedThread.create({ message }, 'line', { moveAfter: 0 });
  const { socket, generation } = on.admit(5, NEW);
  socket.incoming = [Buffer.from('a\nb\n')];
  on.thread.begin();
  const came = on.thread.time;
  on.thread.looks.found(came, true, false);
  on.thread.serve(5, generation, EPOLLIN | EPOLLOUT);
  expect(String(socket.sent)).toBe('a\n');
  expect(on.table.arrivedFrom(5)).toBe(sharedTenths(came));
});

it('a client that gives way is under sendTimeout until it goes on: without room to send, no event would tell of it', async () => {
  const on = await ScriptedThread.create({ message: (line: Buffer) => line }, 'line', { moveAfter: 0 });
  const { generation, socket } = on.admit(5, NEW);
  const serve = async (mask: number): Promise<void> => {
    on.thread.begin();
    on.thread.serve(socket.fd, generation, mask);
    await turn();
  };
  await serve(EPOLLOUT);
  socket.incoming = [Buffer.from('a\nb\n')];
  await serve(EPOLLIN);
  expect([String(socket.sent), on.table.writeStalledAt(5) === 0]).toEqual(['a\n', false]);
  await serve(EPOLLOUT);
  expect([String(socket.sent), on.table.writeStalledAt(5)]).toEqual(['a\nb\n', 0]);
});
