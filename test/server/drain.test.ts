import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { serve } from 'heddle';
import { describe, expect, it, vi } from 'vitest';
import { testFolder } from '../support/folder.ts';
import { quietPort } from '../support/quiet-port.ts';
import { makeGate } from './gate.ts';
import { Peer } from './peer.ts';
import { ENGINE, TIMEOUT_MS, descriptorsBack, noMoves, openDescriptors, service, start } from './running.ts';

const COMMANDS = service('commands');

/** Says how a new connection to `port` ends: `connect`, or the name of the error. */
async function dial(port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const [result] = await Promise.race([
    once(socket, 'connect').then(() => ['connect']),
    once(socket, 'error').then(([error]) => [(error as NodeJS.ErrnoException).code]),
  ]).catch((error: NodeJS.ErrnoException) => [error.code]);
  socket.destroy();
  return result ?? '';
}

describe('drain', () => {
  it('answers all that was sent before, then says the end', async () => {
    const running = await start(undefined, { framing: 'line' });
    const peers = await Peer.connectAll(running.port, 20);
    const lines = Array.from({ length: 500 }, (_, line) => `line ${line}`);
    const replies = lines.map((line) => `${[...line].reverse().join('')}\n`).join('');
    for (const peer of peers) expect(await peer.ask('on')).toBe('no');
    const written = peers.map((peer) => new Promise((resolve) => peer.socket.write(`${lines.join('\n')}\n`, resolve)));
    await Promise.all(written);
    const [ends] = await Promise.all([Promise.all(peers.map((peer) => peer.rest())), running.server.drain()]);
    for (const end of ends) expect(String(end)).toBe(replies);
    expect(running.server.stats()).toMatchObject({ clients: 0, messages: 20 * 501, closes: { shutdown: 20 } });
    expect((await running.all('close')).map(({ reason }) => reason)).toEqual(Array(20).fill('shutdown'));
  });

  it('lets handlers that await something finish, and answers what was pipelined behind them', async () => {
    const running = await start(COMMANDS);
    await using peer = await running.connect();
    await peer.ask('echo here');
    await new Promise((resolve) => peer.socket.write('later 100 one\nlater 10 two\necho three\n', resolve));
    const [end] = await Promise.all([peer.rest(), running.server.drain()]);
    expect(String(end)).toBe('one\ntwo\nthree\n');
  });

  it('tells sessions that their client has finished', async () => {
    const running = await start(service('sessions'));
    await using peer = await running.connect();
    expect(await peer.ask('chat')).toBe('name?');
    const [end] = await Promise.all([peer.rest(), running.server.drain()]);
    expect(String(end)).toBe('hello undefined\nlast undefined\nafter undefined\n');
    const closed = await running.closeOf(peer);
    expect([closed.reason, closed.detail]).toEqual(['shutdown', undefined]);
  });

  it('closes clients that never do it themselves, idle ones and such with half a message', async () => {
    const running = await start(COMMANDS, { threads: 1 });
    await using idle = await running.connect();
    await using half = await running.connect();
    await half.ask('echo a');
    await new Promise((resolve) => half.socket.write('ech', resolve));
    const began = performance.now();
    await running.server.drain();
    await Promise.all([idle.over(), half.over()]);
    expect(performance.now() - began).toBeLessThan(14_000);
    expect((await running.all('close')).map(({ reason }) => reason)).toEqual(['shutdown', 'shutdown']);
  });

  it('serves the clients that wait to be accepted', async () => {
    const running = await start(COMMANDS, { threads: 1 });
    await using holder = await running.connect();
    await holder.ask('echo ready');
    holder.send('block 300\n');
    // Connected and written in the kernel, whether or not the acceptor has seen them yet.
    const peers = await Peer.connectAll(running.port, 50);
    await Promise.all(peers.map((peer) => new Promise((resolve) => peer.socket.write('echo me too\n', resolve))));
    const drained = running.server.drain();
    const ends = await Promise.all(peers.map((peer) => peer.rest()));
    expect(ends.map(String)).toEqual(Array(50).fill('me too\n'));
    expect(String(await holder.rest())).toBe('blocked 300\n');
    await drained;
  });

  it('takes no new clients', async () => {
    const running = await start(COMMANDS);
    await using peer = await running.connect();
    await peer.ask('echo here');
    await new Promise((resolve) => peer.socket.write('later 300 done\n', resolve));
    const drained = running.server.drain();
    const { port } = running;
    while ((await dial(port)) === 'connect');
    expect(await dial(port)).toBe('ECONNREFUSED');
    expect(String(await peer.rest())).toBe('done\n');
    await drained;
  });

  it('cuts off after shutdownTimeout what does not end', async () => {
    const running = await start(COMMANDS, { shutdownTimeout: 200 });
    await using hung = await running.connect();
    await hung.ask('echo here');
    await new Promise((resolve) => hung.socket.write('never\n', resolve));
    await using busy = await running.connect();
    await busy.ask('echo here');
    await new Promise((resolve) => busy.socket.write('block 60000\n', resolve));
    const began = performance.now();
    await running.server.drain();
    expect(performance.now() - began).toBeGreaterThan(190);
    expect(performance.now() - began).toBeLessThan(14_000);
    await Promise.all([hung.over(), busy.over()]);
    const ends = (await running.all('close')).map(({ reason, detail }) => `${reason}: ${detail}`);
    expect(ends).toEqual(Array(2).fill('shutdown: still open at shutdownTimeout'));
  });

  it('says no more of clients that close() cuts off', async () => {
    const running = await start(COMMANDS);
    await using hung = await running.connect();
    await running.seen('open'); // close() refuses who still waits to be accepted.
    await new Promise((resolve) => hung.socket.write('never\n', resolve));
    await running.server.close();
    const closed = await running.closeOf(hung);
    expect([closed.reason, closed.detail]).toEqual(['shutdown', undefined]);
  });

  it('is over at once when its last thread dies, which is reported, and its clients are closed', async () => {
    const gate = new Int32Array(new SharedArrayBuffer(4));
    const running = await start(service('exits-when-let'), { threads: 1, shutdownTimeout: '1h', shared: { gate } });
    const peers = await Peer.connectAll(running.port, 3);
    for (const peer of peers) expect(await peer.ask('here')).toBe('here');
    const [exiting, waiting, idle] = peers as [Peer, Peer, Peer];
    for (const [peer, line] of [
      [exiting, 'exit\n'],
      [waiting, 'never\n'],
    ] as const)
      await new Promise((resolve) => peer.socket.write(line, resolve));
    const drained = running.server.drain();
    await idle.rest(); // The thread drains.
    Atomics.store(gate, 0, 1);
    Atomics.notify(gate, 0);
    await Promise.all([exiting.over(), waiting.over()]);
    await drained;
    expect(await running.all('thread-exit')).toMatchObject([{ cause: 'exit' }]);
    expect((await running.closeOf(exiting)).reason).toBe('thread-exit');
    expect((await running.closeOf(waiting)).reason).toBe('thread-exit');
    expect(running.server.stats().clients).toBe(0);
  });

  it.skipIf(noMoves)('closes the idle clients too of a thread that a handler held until it was ended', async () => {
    const { gate, held } = makeGate();
    const timeouts = { handlerTimeout: 2000, shutdownTimeout: '1h' } as const;
    const running = await start(service('held'), { threads: 1, ...timeouts, shared: { gate } });
    const [holder, idle] = (await Peer.connectAll(running.port, 2)) as [Peer, Peer];
    for (const peer of [holder, idle]) await peer.ask('here');
    holder.send('hold\n');
    await held();
    const drained = running.server.drain();
    await Promise.all([holder.over(), idle.over()]);
    await drained;
    expect(await running.all('thread-exit')).toMatchObject([{ cause: 'handler-timeout' }]);
    expect((await running.closeOf(holder)).reason).toBe('handler-timeout');
    expect((await running.closeOf(idle)).reason).toBe('thread-exit');
  });

  it('may be asked for twice, and while the server closes', async () => {
    const running = await start(COMMANDS);
    await Promise.all([running.server.drain(), running.server.drain()]);
    await running.server.drain();
    await running.server.close();
    const other = await start(COMMANDS);
    const outcomes = await Promise.allSettled([other.server.close(), other.server.drain()]);
    expect(outcomes).toMatchObject([{ status: 'fulfilled' }, { status: 'fulfilled' }]);
  });

  it('is overtaken by close', async () => {
    const running = await start(COMMANDS);
    await using hung = await running.connect();
    await hung.ask('echo here');
    await new Promise((resolve) => hung.socket.write('never\n', resolve));
    const drained = running.server.drain();
    const began = performance.now();
    const outcomes = await Promise.allSettled([running.server.close(), drained]);
    expect(outcomes).toMatchObject([{ status: 'fulfilled' }, { status: 'fulfilled' }]);
    expect(performance.now() - began).toBeLessThan(14_000);
  });
});

describe('the state of a server', () => {
  it('is ready, draining before it accepts no more, and closed when it ends', async () => {
    const states: string[] = [];
    const { gate, open, held } = makeGate();
    const running = await start(COMMANDS, {
      shared: { gate },
      onEvent: ({ type }) => void (type === 'drain' && states.push(running.server.state)),
    });
    states.push(running.server.state);
    await using peer = await running.connect();
    peer.send('hold\n');
    await held();
    const drained = running.server.drain();
    states.push(running.server.state);
    await vi.waitFor(() => expect(states).toHaveLength(3), { timeout: TIMEOUT_MS });
    open();
    expect(String(await peer.rest())).toBe('held\n');
    await drained;
    states.push(running.server.state);
    expect(states).toEqual(['ready', 'draining', 'draining', 'closed']);
  });

  it('is closed at once when it is closed', async () => {
    const running = await start(COMMANDS);
    const closed = running.server.close();
    expect(running.server.state).toBe('closed');
    await closed;
    await running.server.drain();
    expect(running.server.state).toBe('closed');
    expect(await running.all('drain')).toEqual([]);
  });
});

describe('drainDelay', () => {
  it('is how long a server still accepts clients after it has said that it leaves', async () => {
    const before = openDescriptors();
    const running = await start(COMMANDS, { drainDelay: '1h' });
    const drained = running.server.drain();
    const [said] = await running.seen('drain');
    expect(said).toMatchObject({ acceptsMs: 3_600_000 });
    await using peer = await running.connect();
    expect(await peer.ask('echo late')).toBe('late');
    expect(running.server.state).toBe('draining');
    // As a second signal does: it waits for nothing.
    await Promise.all([running.server.close(), drained]);
    await peer.leave();
    await descriptorsBack(before);
  });

  it('is over before the time for leaving begins', async () => {
    const running = await start(COMMANDS, { drainDelay: 300, shutdownTimeout: 200 });
    await using hung = await running.connect();
    await hung.ask('echo here');
    await new Promise((resolve) => hung.socket.write('never\n', resolve));
    const began = performance.now();
    await running.server.drain();
    expect(performance.now() - began).toBeGreaterThan(490);
    expect(await dial(running.port)).toBe('ECONNREFUSED');
    expect((await running.closeOf(hung)).reason).toBe('shutdown');
  });
});

describe('close', () => {
  it('is at once, whatever is under way, and leaves nothing open', async () => {
    const before = openDescriptors();
    const running = await start(COMMANDS);
    const peers = await Peer.connectAll(running.port, 10);
    for (const peer of peers) await peer.ask('echo here');
    for (const [index, peer] of peers.entries()) peer.send(index === 0 ? 'block 60000\n' : 'never\n');
    const began = performance.now();
    await running.server.close();
    expect(performance.now() - began).toBeLessThan(14_000);
    await Promise.all(peers.map((peer) => peer.over()));
    await Promise.all(peers.map((peer) => peer.leave()));
    expect((await running.all('close')).map(({ reason }) => reason)).toEqual(Array(10).fill('shutdown'));
    expect(running.server.stats()).toMatchObject({ clients: 0, closes: { shutdown: 10 } });
    await descriptorsBack(before);
  });

  it('waits for no module that blocks its thread while it loads', async () => {
    const folder = testFolder();
    const [module, blocks] = [join(folder, 'service.mjs'), join(folder, 'blocks')];
    const echo = 'export default { message: (message) => message };';
    writeFileSync(module, echo);
    const running = await start(pathToFileURL(module), { threads: 1 });
    const block = `
      import { writeFileSync } from 'node:fs';
      writeFileSync(${JSON.stringify(blocks)}, '');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);`;
    writeFileSync(module, `${block}\n${echo}`);
    const reloaded = Promise.allSettled([running.server.reload()]);
    await vi.waitFor(() => expect(existsSync(blocks)).toBe(true), { timeout: TIMEOUT_MS });
    await running.server.close();
    expect(await reloaded).toMatchObject([{ status: 'rejected', reason: { code: 'HEDDLE_CLOSED' } }]);
  });

  it('gives the port back', async () => {
    const port = await quietPort();
    const running = await start(COMMANDS, { port });
    await running.server.close();
    expect(await dial(port)).toBe('ECONNREFUSED');
    await using again = await start(COMMANDS, { port });
    await using peer = await again.connect();
    expect(await peer.ask('echo again')).toBe('again');
  });

  it('comes at the end of `await using`', async () => {
    let port = 0;
    {
      await using server = await serve({ host: '127.0.0.1', port: 0, threads: 1, engine: ENGINE });
      port = server.address.port;
      expect(await dial(port)).toBe('connect');
    }
    expect(await dial(port)).toBe('ECONNREFUSED');
  });

  it('settles `closed`', async () => {
    const running = await start(COMMANDS);
    const [closed] = await Promise.all([running.server.closed, running.server.close()]);
    expect(closed).toBeUndefined();
  });
});

describe('several servers', () => {
  it('run in one process, each with its own clients, without a warning', async () => {
    const warnings: string[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning.message);
    process.on('warning', onWarning);
    const running = await Promise.all(Array.from({ length: 12 }, () => start(COMMANDS, { threads: 1 })));
    for (const [index, each] of running.entries()) {
      await using peer = await each.connect();
      expect(await peer.ask(`echo ${index}`)).toBe(`${index}`);
    }
    await running[0]?.server.close();
    await using peer = await running[1]?.connect();
    expect(await peer?.ask('echo the others go on')).toBe('the others go on');
    await Promise.all(running.map(({ server }) => server.close()));
    process.off('warning', onWarning);
    expect(warnings).toEqual([]);
  });

  it('run in a worker thread, and end with it', async () => {
    const library = new URL('../../dist/index.js', import.meta.url).href;
    const code = `
      const { parentPort } = require('node:worker_threads');
      import(${JSON.stringify(library)}).then(async ({ serve }) => {
        const server = await serve({ host: '127.0.0.1', port: 0, threads: 1, engine: "${ENGINE}" });
        parentPort.postMessage(server.address.port);
      });`;
    const worker = new Worker(code, { eval: true });
    const [port] = (await once(worker, 'message')) as [number];
    await using peer = await Peer.connect(port);
    expect(String(await peer.send('abc').take(3))).toBe('cba');
    const began = performance.now();
    await worker.terminate();
    expect(performance.now() - began).toBeLessThan(14_000);
  });
});
