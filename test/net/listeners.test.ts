import type { EventEmitter } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { devNull } from 'node:os';
import type { Socket } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { NetListeners } from '../../src/net/listeners.ts';
import type { ResourceExhausted } from '../../src/acceptor/listener.ts';
import { ReserveFd } from '../../src/net/reserve-fd.ts';
import { nameInLibrary } from '../../src/options/source.ts';
import { listenNet, type NetListener } from '../../src/net/listen.ts';
import { canHandOver } from '../../src/server/open-engine.ts';
import { tryToConnect } from '../support/acceptor-bench.ts';
import { dial } from '../support/loopback.ts';

const now = performance.now();

/** Listeners that are paused, on a free port; `most` clients may be inside at once. */
async function makeListeners(most = Infinity, spare = new ReserveFd()) {
  const place = { host: '127.0.0.1', port: 0, isListed: false, nameOf: nameInLibrary };
  const [{ address, parked }] = (await listenNet(place, 64)) as [NetListener];
  const inside: Socket[] = [];
  const shortages: ResourceExhausted[] = [];
  const listeners: NetListeners = new NetListeners([parked], spare, {
    arrived(socket) {
      inside.push(socket);
      if (inside.length >= most) listeners.set(false, now);
    },
    paused: (shortage) => void shortages.push(shortage),
  });
  const end = (): Promise<void> => new Promise((resolve) => listeners.close(() => false, resolve));
  onTestFinished(async () => {
    await end();
    for (const socket of inside) socket.destroy();
    parked.inside.close();
  });
  return { listeners, inside, shortages, end, port: address.port };
}

// Node 20 cannot post a server.
describe.runIf(canHandOver())('a door of Node’s sockets', () => {
  it('lets nobody in before it is opened; clients wait, connected', async () => {
    const { listeners, inside, port } = await makeListeners();
    const clients = await Promise.all(Array.from({ length: 10 }, () => dial(port)));
    expect(inside).toEqual([]);
    listeners.set(true, now);
    await vi.waitFor(() => expect(inside).toHaveLength(10), { timeout: 30_000 });
    expect(new Set(inside.map(({ remotePort }) => remotePort))).toEqual(
      new Set(clients.map(({ localPort }) => localPort)),
    );
  });

  it('closed by the client that has come, it lets in not one more, however many wait', async () => {
    const { listeners, inside, port } = await makeListeners(1);
    await Promise.all(Array.from({ length: 20 }, () => dial(port)));
    for (let came = 1; came <= 20; came++) {
      listeners.set(true, now);
      await vi.waitFor(() => expect(inside).toHaveLength(1), { timeout: 30_000 });
      inside.pop()?.destroy();
    }
    expect(inside).toEqual([]);
  });

  it('when it closes for good, takes who waits as far as there is room, and refuses all others', async () => {
    const { listeners, inside, port } = await makeListeners();
    await Promise.all(Array.from({ length: 10 }, () => dial(port)));
    await new Promise<void>((resolve) => listeners.close(() => inside.length < 10, resolve));
    expect(inside).toHaveLength(10);
    expect(await tryToConnect(port)).toBe('ECONNREFUSED');
  });

  it('pauses when the system is out of something, and for no other error', async () => {
    const { listeners, inside, port, shortages } = await makeListeners();
    listeners.set(true, now);
    await dial(port);
    await vi.waitFor(() => expect(inside).toHaveLength(1), { timeout: 30_000 });
    const { server } = inside[0] as Socket & { readonly server: EventEmitter };
    server.emit('error', Object.assign(new Error('accept EPROTO'), { code: 'EPROTO' }));
    expect(shortages).toEqual([]);
    server.emit('error', Object.assign(new Error('accept EMFILE'), { code: 'EMFILE' }));
    expect(shortages).toEqual([{ cause: 'no-files', errno: 'EMFILE' }]);
    expect(listeners.pauseLeft(performance.now())).toBeDefined();
  });

  it('stays open rather than lose its socket where there is no file descriptor to close it with', async () => {
    const spare = new ReserveFd();
    const hold = vi.spyOn(spare, 'hold').mockReturnValue(false);
    const { listeners, inside, port } = await makeListeners(Infinity, spare);
    listeners.set(true, now);
    listeners.set(false, now);
    await dial(port);
    await vi.waitFor(() => expect(inside).toHaveLength(1), { timeout: 30_000 });
    hold.mockRestore();
    listeners.set(false, now);
    await dial(port);
    listeners.set(true, now);
    await vi.waitFor(() => expect(inside).toHaveLength(2), { timeout: 30_000 });
  });
});

it('a spare file is a descriptor that is free while it is spent', () => {
  const spare = new ReserveFd();
  expect(spare.hold()).toBe(true);
  const next = openSync(devNull, 'r');
  closeSync(next);
  let lent = -1;
  const isSpent = spare.spend(() => {
    lent = openSync(devNull, 'r');
    closeSync(lent);
  });
  expect(isSpent).toBe(true);
  // The lowest number that is free: that of the spare file, which was opened before.
  expect(lent).toBeLessThan(next);
});
