/** What becomes of a message that a session has asked for and does not wait for. */
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Client } from '../../src/connection/client.ts';
import { NEW } from '../../src/sharing/connection-table.ts';
import { FREE } from '../../src/sharing/control-word.ts';
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT } from '../../src/sys/constants.ts';
import { ECONNRESET } from '../../src/sys/errno.ts';
import { ScriptedThread } from './scripted-thread.ts';

type AnyClient = Client<unknown, Uint8Array>;

/** A turn of Node's loop: promises that nobody has handled are known by its end. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A session that has begun with the line `x`. */
async function begun(session: (client: AnyClient) => Promise<void>) {
  const scripted = await ScriptedThread.create({ session });
  const { socket, ticket } = scripted.admit(5, NEW);
  socket.incoming = [Buffer.from('x\n')];
  scripted.thread.serve(5, ticket, EPOLLIN | EPOLLOUT);
  await turn();
  return { scripted, socket, ticket };
}

describe('a session that asks for a message ahead', () => {
  it('ends no thread when its client resets before it awaits that', async () => {
    const unhandled: unknown[] = [];
    const note = (error: unknown): void => void unhandled.push(error);
    process.on('unhandledRejection', note);
    onTestFinished(() => void process.off('unhandledRejection', note));
    let goOn = (): void => {};
    const { scripted, socket, ticket } = await begun(async (client) => {
      await client.receive();
      const next = client.receive();
      await new Promise<void>((resolve) => (goOn = resolve));
      await next;
    });
    socket.error = ECONNRESET;
    scripted.thread.serve(5, ticket, EPOLLIN | EPOLLHUP | EPOLLERR);
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
  const { scripted, socket, ticket } = await begun(async (client) => {
    leftBehind = client;
    await client.receive();
  });
  expect(socket.calls.at(-1)).toBe('shutdown');
  await expect(leftBehind?.receive()).rejects.toMatchObject({ code: 'HEDDLE_CLOSED' });
  expect(scripted.thread.awaiting).toBe(0);
  socket.incoming = [undefined];
  scripted.thread.serve(5, ticket, EPOLLIN);
  expect(socket.closedIn).toBe(FREE);
  await expect(leftBehind?.receive()).rejects.toMatchObject({ code: 'HEDDLE_CLOSED' });
  expect(scripted.thread.awaiting).toBe(0);
});

it('a session does not begin when its client is gone before `open` has ended', async () => {
  let goOn = (): void => {};
  let begins = 0;
  const scripted = await ScriptedThread.create({
    open: () => new Promise<void>((resolve) => (goOn = resolve)),
    session: async () => void begins++,
  });
  const { socket, ticket } = scripted.admit(5, NEW);
  socket.error = ECONNRESET;
  scripted.thread.serve(5, ticket, EPOLLIN | EPOLLHUP | EPOLLERR);
  expect(socket.closedIn).toBe(FREE);
  goOn();
  await turn();
  expect(begins).toBe(0);
  expect(scripted.thread.awaiting).toBe(0);
});
