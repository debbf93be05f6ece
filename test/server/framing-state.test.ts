import { join } from 'node:path';
import { connect } from 'heddle';
import { describe, expect, it, vi } from 'vitest';
import { testFolder } from '../support/folder.ts';
import { makeGate } from './gate.ts';
import type { Peer } from './peer.ts';
import { TIMEOUT_MS, noMoves, noTakeOver, type Running, service, start } from './running.ts';
import { numbered } from './services/numbering.mjs';

const NUMBERED = service('numbered');

/** A client that numbers its lines, and checks the numbers of the replies. */
class Counting {
  readonly peer: Peer;
  #sent = 0;
  #received = 0;

  constructor(peer: Peer) {
    this.peer = peer;
  }

  send(text: string): void {
    this.peer.send(`${++this.#sent}:${text}\n`);
  }

  async reply(): Promise<string> {
    const line = await this.peer.line();
    const [, number, text = ''] = /^(\d+):(.*)$/.exec(line) ?? [];
    if (Number(number) !== ++this.#received) throw new Error(`reply ${this.#received} is next, not ${line}`);
    return text;
  }

  async ask(text: string): Promise<string> {
    this.send(text);
    return this.reply();
  }
}

async function counting(running: Running, count: number): Promise<[Counting, ...Counting[]]> {
  const clients: Counting[] = [];
  while (clients.length < count) clients.push(new Counting(await running.connect()));
  for (const client of clients) expect(await client.ask('hello')).toMatch(/^hello /);
  return clients as [Counting, ...Counting[]];
}

async function threadOf(client: Counting): Promise<string> {
  return (await client.ask('where')).split(' ')[1] as string;
}

describe('what a framing keeps with a client', () => {
  it.skipIf(noMoves)('moves with it: away from a blocked thread, at a reload, and when a thread dies', async () => {
    const { gate, held, open } = makeGate();
    await using running = await start(NUMBERED, { threads: { min: 2, max: 3 }, shared: { gate } });
    const clients = await counting(running, 8);
    const [holder] = clients;
    const blocked = await threadOf(holder);
    holder.send('hold');
    await held();
    for (const client of clients.slice(1)) expect(await threadOf(client)).not.toBe(blocked);
    expect(running.server.stats().moves.blocked).toBeGreaterThan(0);
    open();
    expect(await holder.reply()).toBe(`hold ${blocked}`);

    await running.server.reload();
    for (const client of clients) expect(await client.ask('after')).toMatch(/^after /);
    const [victim, ...others] = clients;
    victim.send('die');
    await running.seen('thread-exit');
    for (const client of others) expect(await client.ask('later')).toBe('late');
  });

  it.skipIf(noTakeOver)('goes to the process that takes over, also in the middle of a line', async () => {
    const takeOver = join(testFolder(), 'next');
    await using old = await start(NUMBERED, { takeOver, shared: { server: 'old' } });
    const clients = await counting(old, 5);
    const [first] = clients;
    await first.ask('keep');
    const { receivedBytes } = old.server.stats();
    first.peer.send('3:ha');
    await vi.waitFor(() => expect(old.server.stats().receivedBytes).toBe(receivedBytes + 4), {
      timeout: TIMEOUT_MS,
    });
    await using fresh = await start(NUMBERED, { takeOver, shared: { server: 'new' } });
    await old.server.closed;
    first.peer.send('lf\n');
    expect(await first.reply()).toMatch(/^half new/);
    for (const client of clients.slice(1)) expect(await client.ask('again')).toMatch(/^again new/);
    expect(fresh.server.stats().takenOver).toBe(5);
  });

  it('is beside what the service keeps, and neither changes the other', async () => {
    await using running = await start(NUMBERED);
    const [client] = await counting(running, 1);
    await client.ask('keep');
    for (let round = 0; round < 3; round++) {
      expect(await client.ask('kept')).toBe('by the service');
      expect(await client.ask('bloat 300')).toMatch(/^bloat/);
    }
    expect(await client.ask('kept')).toBe('by the service');
  });

  it('is each client’s own: a number that is not the next one ends that client, and no other', async () => {
    await using running = await start(NUMBERED, { threads: 1 });
    const [wrong, right] = await counting(running, 2);
    wrong.peer.send('4:hello\n');
    await wrong.peer.over();
    expect(await running.closeOf(wrong.peer)).toMatchObject({
      reason: 'bad-frame',
      detail: 'message 2 is next, not 4',
    });
    expect(await right?.ask('hello')).toMatch(/^hello /);
  });

  it('begins anew when the client goes back to the framing', async () => {
    await using running = await start(NUMBERED);
    const peer = await running.connect();
    expect(await peer.ask('1:hello')).toMatch(/^1:hello/);
    expect(await peer.ask('2:plain')).toMatch(/^plain/);
    expect(await peer.ask('no number')).toMatch(/^no number/);
    expect(await peer.ask('numbers')).toMatch(/^1:numbers/);
    expect(await peer.ask('1:hello')).toMatch(/^2:hello/);
    expect(await peer.ask('2:hello')).toMatch(/^3:hello/);
  });

  it.each([
    [
      'bloat 2000',
      /^The state of a framing has 20\d\d bytes when written down, and may have 1000 \(maxClientState\): /,
    ],
    ['odd', /^The state of a framing must be a value that can be cloned: /],
  ])('ends its client after the reply when it cannot be kept: %s', async (text, problem) => {
    await using running = await start(NUMBERED, { maxClientState: 1000, threads: 1 });
    const [client, neighbour] = await counting(running, 2);
    expect(await client.ask(text)).toMatch(/^(bloat|odd)/);
    await client.peer.over();
    expect(await running.closeOf(client.peer)).toMatchObject({ reason: 'service-error' });
    const [{ error } = { error: { message: '' } }] = await running.seen('service-error');
    expect(error.message).toMatch(problem);
    expect(await neighbour?.ask('hello')).toMatch(/^hello /);
  });

  it('is for sessions, too', async () => {
    await using running = await start(service('numbered-session'));
    const client = new Counting(await running.connect());
    for (const text of ['one', 'two', 'three']) expect(await client.ask(text)).toBe(text);
  });

  it('is for both directions of a connection of one’s own', async () => {
    await using running = await start(NUMBERED);
    for (let round = 0; round < 2; round++) {
      await using connection = await connect({ port: running.port, framing: numbered });
      for (const text of ['one', 'two', 'three']) expect(await connection.request(text)).toMatch(text);
    }
  });
});
