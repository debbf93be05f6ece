import { describe, expect, it, vi } from 'vitest';
import { Peer } from './peer.ts';
import { type Running, service, start, TIMEOUT_MS } from './running.ts';

const LINES = { framing: 'line' } as const;
const ECHO = service('echo');
/** After its burst a client waits for longer than any test runs. */
const HOURLY = '1/h,burst=2';

function lines(from: number, to: number): string {
  return Array.from({ length: to - from }, (_, index) => `line ${from + index}\n`).join('');
}

async function take(peer: Peer, text: string): Promise<void> {
  expect((await peer.take(text.length)).toString()).toBe(text);
}

/** Resolves when `count` clients have been made to wait. */
async function waiting({ server }: Running, count: number): Promise<void> {
  await vi.waitUntil(() => server.stats().rateWaits >= count, { timeout: TIMEOUT_MS, interval: 2 });
}

describe('a client that sends more than its rate', () => {
  it('gets all replies in order, at its rate, and then its end', async () => {
    await using running = await start(ECHO, { ...LINES, rate: '200/s,burst=3' });
    await using peer = await running.connect();
    const begun = performance.now();
    peer.send(`${lines(0, 11)}last`).finish();
    expect((await peer.rest()).toString()).toBe(`${lines(0, 11)}last\n`);
    expect(performance.now() - begun).toBeGreaterThan(44); // Twelve messages are nine intervals of 5 ms more than a burst.
    expect((await running.closeOf(peer)).reason).toBe('client-finished');
    expect(running.server.stats()).toMatchObject({ messages: 12, rateWaits: expect.any(Number) });
    expect(running.server.stats().rateWaits).toBeGreaterThan(0);
  });

  it('waits alone: others are answered, and its deadlines do not run', async () => {
    await using running = await start(ECHO, { ...LINES, rate: HOURLY, messageTimeout: 20, threads: 1 });
    const waits = await running.connect();
    waits.send(lines(0, 5));
    await take(waits, lines(0, 2));
    await waiting(running, 1);
    for (let other = 0; other < 20; other++) {
      await using peer = await running.connect();
      expect(await peer.ask('hello')).toBe('hello');
    }
    // Half a message, in a client that does not wait: when that one is closed, the other's time would be over as well.
    await using slow = await running.connect();
    slow.send('half');
    expect((await running.closeOf(slow)).reason).toBe('message-timeout');
    expect((await running.all('close')).filter(({ port }) => port === waits.localPort)).toEqual([]);
    waits.reset();
    expect((await running.closeOf(waits)).reason).toBe('client-reset');
  });

  it('is answered at once when the server leaves', async () => {
    await using running = await start(ECHO, { ...LINES, rate: HOURLY });
    const peers = await Peer.connectAll(running.port, 20);
    for (const peer of peers) {
      peer.send(lines(0, 8));
      await take(peer, lines(0, 2));
    }
    await waiting(running, 20);
    const rest = Promise.all(peers.map(async (peer) => (await peer.rest()).toString()));
    await running.server.drain();
    expect(await rest).toEqual(peers.map(() => lines(2, 8)));
    expect((await running.all('close')).map(({ reason }) => reason)).toEqual(peers.map(() => 'shutdown'));
  });

  it('is closed with over-rate where the server does not let it wait, after its replies', async () => {
    await using running = await start(ECHO, { ...LINES, rate: `${HOURLY},over=close` });
    await using peer = await running.connect();
    peer.send(lines(0, 5));
    expect((await peer.rest()).toString()).toBe(lines(0, 2));
    const detail = 'it has sent more than 1/h, and more than 2 at once (rate)';
    expect(await running.closeOf(peer)).toMatchObject({ reason: 'over-rate', detail });
    expect(running.server.stats()).toMatchObject({ rateWaits: 0, closes: { 'over-rate': 1 } });
  });

  it('waits with a last message that the end of its input completes', async () => {
    await using running = await start(ECHO, { ...LINES, rate: '1/h,burst=1' });
    await using peer = await running.connect();
    peer.send('one\nlast').finish();
    await take(peer, 'one\n');
    await waiting(running, 1);
    void running.server.drain();
    expect((await peer.rest()).toString()).toBe('last\n');
  });

  it('waits where messages compute, and has its turns', async () => {
    await using running = await start(service('busy'), { rate: '50/s,burst=2' });
    await using peer = await running.connect();
    const asked = Array.from({ length: 5 }, () => 'busy 30\n').join('');
    peer.send(asked);
    await take(peer, asked);
  });

  it('waits with a handler that awaits, and with borrowed bytes', async () => {
    for (const [module, line, reply] of [
      [service('waits'), 'timer 1\n', 'timer\n'],
      [service('borrowed'), 'abc\n', 'xxx\n'],
    ] as const) {
      await using running = await start(module, { rate: HOURLY });
      await using peer = await running.connect();
      peer.send(line.repeat(5));
      await take(peer, reply.repeat(2));
      await waiting(running, 1);
      void running.server.drain();
      expect((await peer.rest()).toString()).toBe(reply.repeat(3));
    }
  });
});

describe('a rate by address', () => {
  it('is for all clients of an address, on whatever thread', async () => {
    await using running = await start(ECHO, { ...LINES, rate: '1/h,burst=4,by=address,over=close' });
    const peers = await Peer.connectAll(running.port, 4);
    for (const peer of peers) expect(await peer.ask('hello')).toBe('hello');
    await using other = await Peer.connect(running.port, '127.0.0.2');
    expect(await other.ask('hello')).toBe('hello');
    for (const peer of peers) {
      peer.send('more\n');
      await peer.rest();
      const detail = 'clients of its address have sent more than 1/h, and more than 4 at once (rate)';
      expect(await running.closeOf(peer)).toMatchObject({ reason: 'over-rate', detail });
    }
    expect(await other.ask('hello')).toBe('hello');
  });
});

describe('the rate of a session', () => {
  it('counts what it receives', async () => {
    await using running = await start(service('sessions'), { rate: HOURLY });
    await using peer = await running.connect();
    peer.send('sum\n1\n2\n3\n4\n').finish();
    await waiting(running, 1);
    void running.server.drain();
    expect((await peer.rest()).toString()).toBe('sum 10\n');
  });

  it('does not count what it reads without a framing', async () => {
    await using running = await start(service('uploads'), { rate: HOURLY });
    await using peer = await running.connect();
    peer.send('some 200000\n').send(Buffer.alloc(200_000));
    await take(peer, 'true\n');
    peer.send('until "."\nabc.');
    expect(await peer.line()).toBe('abc');
  });

  it('ends it where the server does not let it wait', async () => {
    await using running = await start(service('sessions'), { rate: `${HOURLY},over=close` });
    await using peer = await running.connect();
    peer.send('sum\n1\n2\n3\n');
    expect((await peer.rest()).toString()).toBe('');
    expect((await running.closeOf(peer)).reason).toBe('over-rate');
  });
});
