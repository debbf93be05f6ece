import { Lock } from 'heddle';
import { describe, expect, it } from 'vitest';
import { makeGate } from './gate.ts';
import type { Peer } from './peer.ts';
import { noMoves, descriptorsBack, openDescriptors, type Running, service, start } from './running.ts';

const COMMANDS = service('commands');

const DEATHS: [how: string, line: string, cause: string, detail: RegExp][] = [
  ['process.exit() in the service', 'exit 3', 'exit', /process\.exit\(3\)/],
  ['an uncaught error', 'uncaught oh dear', 'error', /oh dear[^]*commands\.mjs/],
  ['an unhandled rejection', 'unhandled oh dear', 'error', /oh dear[^]*commands\.mjs/],
  ['the heap limit', 'memory', 'out-of-memory', /memory/i],
];

/** Clients that have been served, spread over all threads. */
async function clientsAtRest(running: Running, count: number): Promise<Peer[]> {
  const peers: Peer[] = [];
  for (let client = 0; client < count; client++) {
    const peer = await running.connect();
    expect(await peer.ask(`echo ${client}`)).toBe(`${client}`);
    peers.push(peer);
  }
  return peers;
}

describe.each(DEATHS)('a thread that dies of %s', (_how, line, cause, detail) => {
  it.skipIf(noMoves)('loses none of the idle clients, is reported, and is replaced', async () => {
    const before = openDescriptors();
    const running = await start(COMMANDS, { threads: 2, threadMemory: '32MiB' });
    const peers = await clientsAtRest(running, 10);
    const victim = await running.connect();
    victim.send(`${line}\n`);
    const [exit] = await running.seen('thread-exit');
    expect(exit).toMatchObject({ cause, detail: expect.stringMatching(detail) });
    for (const peer of peers) expect(await peer.ask('echo still here')).toBe('still here');
    await running.seen('thread-start', 3);
    expect(await running.all('thread-exit')).toHaveLength(1);
    // Whoever was being served is closed; an error from a timer may find nobody being served.
    const closed = await running.all('close');
    expect(closed.every((close) => close.port === victim.localPort && close.reason === 'thread-exit')).toBe(true);
    await running.clients(11 - closed.length);
    await Promise.all([victim, ...peers].map((peer) => peer.leave()));
    await running.seen('close', 11);
    expect(running.server.stats().clients).toBe(0);
    await running.server.close();
    await descriptorsBack(before);
  });
});

describe('a thread that dies', () => {
  it('cuts off the client that it was serving, with reason thread-exit', async () => {
    await using running = await start(COMMANDS);
    await using victim = await running.connect();
    victim.send('exit 0\n');
    await victim.over();
    expect((await running.closeOf(victim)).reason).toBe('thread-exit');
    expect(running.server.stats().closes['thread-exit']).toBe(1);
  });

  it.skipIf(noMoves)('cuts off the clients whose messages it was working on', async () => {
    await using running = await start(COMMANDS, { threads: 1 });
    await using working = await running.connect();
    working.send('never\n');
    await using idle = await running.connect();
    await idle.ask('echo hello');
    await using victim = await running.connect();
    victim.send('exit 0\n');
    await Promise.all([working.over(), victim.over()]);
    expect((await running.closeOf(working)).reason).toBe('thread-exit');
    expect(await idle.ask('echo again')).toBe('again');
  });

  it.skipIf(noMoves)('leaves the only one’s clients waiting, not lost, until it is replaced', async () => {
    await using running = await start(COMMANDS, { threads: 1 });
    const peers = await clientsAtRest(running, 5);
    await using victim = await running.connect();
    victim.send('exit 0\n');
    await running.seen('thread-exit');
    const late = running.connect().then((peer) => peer.ask('echo new'));
    expect(await Promise.all(peers.map((peer) => peer.ask('echo there?')))).toEqual(Array(5).fill('there?'));
    expect(await late).toBe('new');
  });

  it.skipIf(noMoves)('again and again is replaced each time', async () => {
    await using running = await start(COMMANDS, { threads: 2 });
    const peers = await clientsAtRest(running, 6);
    for (let death = 1; death <= 4; death++) {
      const victim = await running.connect();
      victim.send('exit 0\n');
      await running.seen('thread-exit', death);
      for (const peer of peers) expect(await peer.ask(`echo ${death}`)).toBe(`${death}`);
      await running.seen('thread-start', 2 + death);
    }
    await running.clients(6);
  });

  it('as the last one does not take the server with it: who comes then waits, also right after one was blocked', async () => {
    await using running = await start(COMMANDS, { threads: 2 });
    await using blocking = await running.connect();
    expect(await blocking.ask('block 200')).toBe('blocked 200');
    for (let exits = 1; exits <= 2; exits++) {
      await using victim = await running.connect();
      victim.send('exit 0\n');
      await victim.over();
      await running.seen('thread-exit', exits);
    }
    await using newcomer = await running.connect();
    expect(await newcomer.ask('echo hello')).toBe('hello');
  });

  it('gives back the locks that it had', async () => {
    const lock = new Lock();
    await using running = await start(service('lock-and-die'), { threads: 1, shared: { lock } });
    await using victim = await running.connect();
    victim.send('die\n');
    await running.seen('thread-exit');
    await using other = await running.connect();
    expect(await other.ask('try')).toBe('got it');
  });
});

it('a service that cannot start any more ends the server with a clear error', async () => {
  await using running = await start(service('starts-once'), {
    threads: 1,
    shared: { started: new SharedArrayBuffer(4) },
  });
  const ended = running.server.closed.then(
    () => 'it ended well',
    (error: unknown) => error,
  );
  await using victim = await running.connect();
  victim.send('exit\n');
  expect(await ended).toMatchObject({
    code: 'HEDDLE_SERVICE_LOAD',
    message: expect.stringMatching(/No service thread can be started any more.*started before/s),
  });
});

it('threads that cannot be started are no end of those that serve', async () => {
  const { gate, open, held } = makeGate();
  await using running = await start(service('starts-some'), {
    threads: { min: 2, max: 4 },
    shared: { starts: new SharedArrayBuffer(4), gate },
  });
  await using holder = await running.connect();
  await using victim = await running.connect();
  // Threads are asked for while some are blocked.
  holder.send('hold\n');
  await held();
  await running.seen('thread-exit', 5);
  expect((await running.all('thread-exit'))[0]).toMatchObject({
    cause: 'start',
    detail: expect.stringMatching(/no more of them/),
  });
  open();
  expect(await holder.line()).toBe('held');
  expect(await victim.ask('still here')).toBe('still here');
  expect(await running.all('close')).toEqual([]);
});
