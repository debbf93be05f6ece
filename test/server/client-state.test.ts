import { join } from 'node:path';
import { Counter } from 'heddle';
import { describe, expect, it, vi } from 'vitest';
import { testFolder } from '../support/folder.ts';
import { makeGate } from './gate.ts';
import { Peer } from './peer.ts';
import { type Running, TIMEOUT_MS, noMoves, noTakeOver, service, start } from './running.ts';

const KEEPS = service('keeps');

/** A client, the name that it has logged in with, and how often it was asked for it. */
interface Known {
  readonly peer: Peer;
  readonly name: string;
  asked: number;
}

async function loggedIn({ port }: Running, count: number): Promise<Known[]> {
  const peers = await Peer.connectAll(port, count);
  const known = peers.map((peer, index) => ({ peer, name: `client${index}`, asked: 0 }));
  for (const { peer, name } of known) expect(await peer.ask(`log in ${name}`)).toBe('welcome');
  return known;
}

/** Asks each client who it is, and returns what groups there are by thread, the largest first. */
async function byThread(clients: readonly Known[]): Promise<Known[][]> {
  const groups = new Map<string, Known[]>();
  for (const client of clients) {
    const [name, thread = '', asked] = (await client.peer.ask('who')).split(' ');
    expect([name, asked]).toEqual([client.name, `${++client.asked}`]);
    groups.set(thread, [...(groups.get(thread) ?? []), client]);
  }
  return [...groups.values()].sort((a, b) => b.length - a.length);
}

/** The clients of the thread that has most of them. */
async function mostOnOneThread(clients: readonly Known[]): Promise<[Known, ...Known[]]> {
  const [most = []] = await byThread(clients);
  return most as [Known, ...Known[]];
}

/** The threads of `clients`. */
async function threadsOf(clients: readonly Known[]): Promise<string[]> {
  const answers: string[] = [];
  for (const client of clients) {
    const [, thread = ''] = (await client.peer.ask('who')).split(' ');
    client.asked++;
    answers.push(thread);
  }
  return answers;
}

describe('what a service keeps with a client', () => {
  it.skipIf(noMoves)('is there after three moves: a blocked thread, a reload, and the death of a thread', async () => {
    const { gate, held, open } = makeGate();
    await using running = await start(KEEPS, { threads: { min: 2, max: 3 }, shared: { gate } });
    const clients = await loggedIn(running, 11);

    const [holder, ...others] = await mostOnOneThread(clients);
    const [blocked] = await threadsOf([holder]);
    holder.peer.send('hold\n');
    await held();
    const moved = await threadsOf(others);
    expect(moved.filter((thread) => thread === blocked)).toEqual([]);
    expect(moved).not.toEqual([]);
    open();
    expect(await holder.peer.line()).toBe('done');
    expect((await byThread(clients)).flat()).toHaveLength(11);

    await running.server.reload();
    const [victim, ...survivors] = await mostOnOneThread(clients);
    victim.peer.send('die\n');
    await running.seen('thread-exit');
    expect(survivors).not.toEqual([]);
    const rest = clients.filter((client) => client !== victim);
    expect((await byThread(rest)).flat()).toHaveLength(10);
  });

  it('is a copy: what the service reads cannot be changed, and is there for the next message', async () => {
    await using running = await start(KEEPS);
    await using peer = await running.connect();
    expect(await peer.ask('who')).toBe('nobody');
    await peer.ask('log in alice');
    expect(await peer.ask('try change')).toMatch(/^TypeError: Cannot assign to read only property 'name'/);
    expect(await peer.ask('later bob')).toBe('welcome');
    expect(await peer.ask('who')).toMatch(/^bob \d+ 1$/);
    expect(await peer.ask('forget')).toBe('undefined');
    expect(await peer.ask('who')).toBe('nobody');
  });

  it('is what it was if the new state is too large or cannot be cloned, and the error says what to do', async () => {
    await using running = await start(KEEPS, { maxClientState: 1000, threads: 1 });
    await using neighbour = await running.connect();
    await neighbour.ask('log in bob');
    await using peer = await running.connect();
    await peer.ask('log in alice');
    expect(await peer.ask('try big 1001')).toBe(
      'HEDDLE_TOO_MUCH_STATE: client.state has 1001 bytes when written down, and may have 1000 (maxClientState): keep less with the client, or allow more',
    );
    expect(await peer.ask('try function')).toMatch(/^TypeError: client\.state must be a value that can be cloned: /);
    expect(await peer.ask('who')).toMatch(/^alice \d+ 1$/);
    expect(await peer.ask('big 1000')).toBe('998');
    peer.send('big 1001\n');
    await peer.over();
    expect((await running.closeOf(peer)).reason).toBe('service-error');
    expect(await neighbour.ask('who')).toMatch(/^bob \d+ 1$/);
  });

  it('is there for the close hook, also when the thread that knows it is another one', async () => {
    const gone = new Counter();
    await using running = await start(KEEPS, { shared: { gone } });
    const clients = await loggedIn(running, 5);
    await byThread(clients);
    if (!noMoves) await running.server.reload();
    for (const { peer } of clients) await peer.leave();
    await vi.waitFor(() => expect(gone.value).toBe(5), { timeout: TIMEOUT_MS });
  });

  it('is forgotten with the client: the next one with its number has none', async () => {
    await using running = await start(KEEPS);
    for (let round = 0; round < 20; round++) {
      await using peer = await running.connect();
      expect(await peer.ask('who')).toBe('nobody');
      await peer.ask('log in alice');
      await peer.ask('big 16000');
      await peer.leave();
      await running.seen('close', round + 1);
    }
  });

  it('is for sessions too', async () => {
    await using running = await start(service('keeps-session'));
    await using peer = await running.connect();
    expect(await peer.ask('who')).toBe('nobody 1');
    expect(await peer.ask('log in alice')).toBe('alice 0');
    expect(await peer.ask('who')).toBe('alice 1');
  });

  it.skipIf(noTakeOver)('goes to the process that takes over', async () => {
    const takeOver = join(testFolder(), 'next');
    await using old = await start(KEEPS, { takeOver, shared: { server: '' } });
    const clients = await loggedIn(old, 10);
    await byThread(clients);
    clients[0]?.peer.send('log i'); // Half a message goes as well.
    await vi.waitFor(() => expect(old.server.stats().messages).toBe(20), { timeout: TIMEOUT_MS });
    await using fresh = await start(KEEPS, { takeOver, shared: { server: ' new' } });
    await old.server.closed;
    clients[0]?.peer.send('n client0\n');
    expect(await clients[0]?.peer.line()).toBe('welcome');
    for (const { peer, name } of clients.slice(1)) expect(await peer.ask('who')).toMatch(`${name} `);
    expect(await clients[1]?.peer.ask('who')).toMatch(/^client1 \d+ 3 new$/);
    expect(fresh.server.stats().takenOver).toBe(10);
  });
});
