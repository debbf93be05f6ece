/** What becomes of calls that a service makes when there is hardly any stack left, or none. */
import { expect, it, onTestFinished } from 'vitest';
import type { Client } from '../../src/connection/client.ts';
import { NEW } from '../../src/sharing/connection-table.ts';
import { FREE } from '../../src/sharing/control-word.ts';
import { EPOLLIN, EPOLLOUT } from '../../src/sys/constants.ts';
import { ECONNRESET } from '../../src/sys/errno.ts';
import { atEveryDepth, type DeepCalls } from '../support/deep.ts';
import { ScriptedThread } from './scripted-thread.ts';

type AnyClient = Client<unknown, unknown>;

/** A turn of Node's loop: all callbacks have run by its end. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A client whose session, once it has taken a line, makes `act` at every depth when `goOn` is called. */
async function deepSession(act: (client: AnyClient) => void) {
  const unhandled: unknown[] = [];
  const note = (error: unknown): void => void unhandled.push(error);
  process.on('unhandledRejection', note);
  onTestFinished(() => void process.off('unhandledRejection', note));
  let goOn = (): void => {};
  let calls: DeepCalls | undefined;
  const closes: string[] = [];
  const scripted = await ScriptedThread.create({
    close: (_client, reason) => void closes.push(reason),
    async session(client) {
      await client.receive();
      await new Promise<void>((resolve) => (goOn = resolve));
      calls = atEveryDepth(() => act(client));
      await new Promise<void>((resolve) => (goOn = resolve));
    },
  });
  const { socket, generation } = scripted.admit(5, NEW);
  socket.incoming = [Buffer.from('x\n')];
  scripted.thread.serve(5, generation, EPOLLIN | EPOLLOUT);
  await turn();
  const deepCalls = async (): Promise<DeepCalls> => {
    goOn();
    await turn();
    await turn();
    expect(unhandled).toEqual([]);
    return calls as DeepCalls;
  };
  return { scripted, socket, generation, closes, deepCalls };
}

it('what a session sends at any depth is sent once, or it throws and is not sent', async () => {
  const { socket, deepCalls } = await deepSession((client) => void client.send('node'));
  const { made, refused } = await deepCalls();
  expect(refused).toBeGreaterThan(100);
  expect(String(socket.sent)).toBe('node\n'.repeat(made));
});

it('a client that is found to be gone at any depth is closed once, and completely', async () => {
  const { scripted, socket, closes, deepCalls } = await deepSession((client) => void client.send('node'));
  socket.window = () => ECONNRESET;
  await deepCalls();
  expect(socket.closedIn).toBe(FREE);
  expect(closes).toEqual(['client-reset']);
  expect(scripted.events).toMatchObject([{ type: 'close', reason: 'client-reset' }]);
  expect(scripted.thread.awaitsNode()).toBe(false);
  expect(scripted.board.row(0).clients).toBe(0);
});

it('a client is not closed below the call that finds it gone', async () => {
  const order: string[] = [];
  const { socket, closes, deepCalls } = await deepSession((client) => {
    void client.send('node');
    order.push(...closes);
  });
  socket.window = () => ECONNRESET;
  await deepCalls();
  expect(order).toEqual([]);
  expect(closes).toEqual(['client-reset']);
});

it('a client that is closed at any depth gets what was sent before, and its end', async () => {
  const { socket, deepCalls } = await deepSession((client) => client.close());
  await deepCalls();
  expect(socket.calls.filter((call) => call === 'shutdown')).toEqual(['shutdown']);
});

it('a message that is asked for at any depth is given once', async () => {
  const given: unknown[] = [];
  let asks = true;
  const { scripted, socket, generation, deepCalls } = await deepSession((client) => {
    if (!asks) return;
    const message = client.receive();
    asks = false;
    void message.then((line) => given.push(String(line)));
  });
  socket.incoming = [Buffer.from('one\ntwo\nthr')];
  scripted.thread.serve(5, generation, EPOLLIN);
  await deepCalls();
  expect(given).toEqual(['one']);
});

it('a thenable that answers at any depth answers once', async () => {
  let calls: DeepCalls | undefined;
  const scripted = await ScriptedThread.create({
    message: () => ({
      // oxlint-disable-next-line unicorn/no-thenable
      then(resolve: (reply: string) => void) {
        calls = atEveryDepth(() => resolve('reply'));
      },
    }),
  });
  const { socket, generation } = scripted.admit(5);
  socket.incoming = [Buffer.from('x\n')];
  scripted.thread.serve(5, generation, EPOLLIN);
  await turn();
  expect(calls?.made).toBeGreaterThan(0);
  expect(String(socket.sent)).toBe('reply\n');
  expect(scripted.thread.context.awaiting).toBe(0);
});
