/** What a service may ask of a client, whatever its socket is: the same cases for all engines, and under TLS. */
import { Counter } from 'heddle';
import { expect, it, vi } from 'vitest';
import type { ServeOptions } from '../../src/options/serve-options.ts';
import type { Peer } from './peer.ts';
import { type Running, TIMEOUT_MS, service, start } from './running.ts';

const ASKED = service('asked');
const SESSION = service('asked-session');
const FINISHED = 'the client has shut down its side of the connection, or is gone';

interface Counters {
  /** What the service has begun with, or heard. */
  readonly heard: Counter;
  readonly fired: Counter;
  readonly refused: Counter;
  /** Clients whose signal has fired when their close hook runs. */
  readonly gone: Counter;
}

/** How servers are started, and clients connect. */
export interface Way {
  readonly options: ServeOptions;
  /** Whether a reset reaches the client as one. */
  readonly resets: boolean;
  readonly dial: (running: Running) => Promise<Peer>;
}

function counters(): Counters {
  return { heard: new Counter(), fired: new Counter(), refused: new Counter(), gone: new Counter() };
}

function reaches(counter: Counter, value: number): Promise<void> {
  return vi.waitFor(() => expect(counter.value).toBe(value), { timeout: TIMEOUT_MS, interval: 2 });
}

export function askedCases({ options, resets, dial }: Way): void {
  const begin = (module: URL, shared: Counters, more: ServeOptions = {}): Promise<Running> =>
    start(module, { ...options, shared: { ...shared }, ...more });

  /** Both forms, where they give the same. */
  const forms = [
    ['a message service', ASKED],
    ['a session', SESSION],
  ] as const;

  it.each(forms)('%s knows where its client has connected', async (_form, module) => {
    await using running = await begin(module, counters());
    await using peer = await dial(running);
    expect(await peer.ask('local')).toBe(`127.0.0.1 ${running.port}`);
    expect(await peer.ask('local')).toBe(`127.0.0.1 ${running.port}`);
  });

  it.each(forms)(
    '%s at work hears that its client has shut down its side, and may still reply',
    async (_form, module) => {
      const shared = counters();
      await using running = await begin(module, shared);
      await using peer = await dial(running);
      peer.send('wait\n');
      await reaches(shared.heard, 1);
      peer.finish();
      expect((await peer.rest()).toString()).toBe(`${FINISHED}\n`);
      expect(await running.closeOf(peer)).toMatchObject({ reason: 'client-finished' });
    },
  );

  it.each(forms)('%s at work hears that its client is gone', async (_form, module) => {
    const shared = counters();
    await using running = await begin(module, shared);
    const peers = await Promise.all([dial(running), dial(running)]);
    for (const peer of peers) peer.send('watch\n');
    await reaches(shared.heard, 2);
    for (const peer of peers) peer.socket.destroy();
    await reaches(shared.fired, 2);
  });

  it('what is thrown for a signal is no error of the service', async () => {
    const shared = counters();
    await using running = await begin(ASKED, shared);
    await using peer = await dial(running);
    peer.send('throw\n');
    await reaches(shared.heard, 1);
    peer.finish();
    await peer.over();
    expect(await running.closeOf(peer)).toMatchObject({ reason: 'client-finished' });
    expect(await running.all('service-error')).toEqual([]);
  });

  it('a signal has not fired while the client is there, has when its close hook runs', async () => {
    const shared = counters();
    await using running = await begin(ASKED, shared);
    const peer = await dial(running);
    expect(await peer.ask('early')).toBe('false undefined');
    expect(await peer.ask('early')).toBe('false undefined');
    await peer.leave();
    await reaches(shared.gone, 1);
  });

  it('a session hears that its thread is to end', async () => {
    const shared = counters();
    await using running = await begin(SESSION, shared);
    await using peer = await dial(running);
    peer.send('wait\n');
    await reaches(shared.heard, 1);
    const reloaded = running.server.reload();
    expect(await peer.line()).toBe('the thread is to end: finish what is under way and close the client');
    peer.finish();
    await reloaded;
  });

  it.each(forms)('%s resets a client: the reason is its own', async (_form, module) => {
    await using running = await begin(module, counters());
    await using peer = await dial(running);
    peer.send('reset\n');
    await peer.over();
    if (resets) expect(peer.error).toMatchObject({ code: 'ECONNRESET' });
    expect(await running.closeOf(peer)).toMatchObject({
      reason: 'server-finished',
      detail: 'the service has reset the connection',
    });
    if (module === ASKED) {
      await using later = await dial(running);
      later.send('later reset\n');
      await later.over();
      expect(await running.closeOf(later)).toMatchObject({ reason: 'server-finished' });
    }
  });

  it('a message service ends its side, and goes on to hear its client', async () => {
    const shared = counters();
    await using running = await begin(ASKED, shared);
    await using peer = await dial(running);
    peer.send('first\nend\n');
    while (!peer.ended) await peer.over();
    expect(Buffer.concat(peer.pieces).toString()).toBe('first\nlast\n');
    peer.send('count\nsend\n');
    await reaches(shared.heard, 1);
    await reaches(shared.refused, 1);
    peer.send('count\n');
    await reaches(shared.heard, 2);
    peer.finish();
    expect(await running.closeOf(peer)).toMatchObject({ reason: 'client-finished' });
    expect(await running.all('service-error')).toEqual([]);
  });

  it('a reply after that closes the client, with an error that says so', async () => {
    await using running = await begin(ASKED, counters());
    const messages = ['end\ntoo late\n', 'end\ncount\ntoo late\n'];
    for (const message of messages) {
      await using peer = await dial(running);
      peer.send(message);
      expect((await peer.rest()).toString()).toBe('last\n');
      expect(await running.closeOf(peer)).toMatchObject({ reason: 'service-error' });
    }
    const [first] = await running.seen('service-error', messages.length);
    expect(first?.error.message).toMatch(/^Nothing can be sent after client\.end\(\)/);
  });

  it('a session ends its side, and goes on to hear its client', async () => {
    const shared = counters();
    await using running = await begin(SESSION, shared);
    await using peer = await dial(running);
    peer.send('end\n');
    await peer.over();
    expect(Buffer.concat(peer.pieces).toString()).toBe('last\n');
    await reaches(shared.refused, 1);
    for (const count of [1, 2, 3]) {
      peer.send(`${count}\n`);
      await reaches(shared.heard, (count * (count + 1)) / 2);
    }
    peer.finish();
    expect(await running.closeOf(peer)).toMatchObject({ reason: 'client-finished' });
  });

  it('a wait for a message ends in time, or with a signal, and loses nothing', async () => {
    await using running = await begin(SESSION, counters());
    await using peer = await dial(running);
    expect(await peer.ask('receive 1ms')).toBe('HEDDLE_TIMEOUT: no message came within 1ms');
    expect(await peer.ask('abort')).toBe('TypeError: no more');
    expect(await peer.ask('aborted')).toBe('TypeError: before');
    expect(await peer.ask('bad')).toBe(
      "HEDDLE_INVALID_OPTION: receive({ timeout }): timeout must be a duration such as 250ms, 30s or 5m, got 'soon'",
    );
    peer.send('receive 20ms\nrecei');
    expect(await peer.line()).toBe('HEDDLE_TIMEOUT: no message came within 20ms');
    peer.send('ve never\nwhole\n');
    expect(await peer.line()).toBe('got whole');
    peer.send('receive 1h\n').finish();
    expect((await peer.rest()).toString()).toBe('got undefined\n');
  });

  it('a wait for bytes ends in time, or with a signal, and loses nothing', async () => {
    await using running = await begin(SESSION, counters());
    await using peer = await dial(running);
    expect(await peer.ask('read 1ms')).toBe('HEDDLE_TIMEOUT: no bytes came within 1ms');
    expect(await peer.ask('until 1ms')).toBe("HEDDLE_TIMEOUT: no mark '--' came within 1ms");
    expect(await peer.ask('body 1ms')).toBe('HEDDLE_TIMEOUT: no bytes came within 1ms');
    peer.send('the restread 1h\nx');
    expect(await peer.line()).toBe('got x');
    expect(await peer.ask('unread')).toBe('TypeError: no more, TypeError: no more, TypeError: no more');
    peer.send('the restuntil 20ms\nun');
    expect(await peer.line()).toBe("HEDDLE_TIMEOUT: no mark '--' came within 20ms");
    peer.send('til 1h\nmark--body 1h\n1234').send('5678');
    expect([await peer.line(), await peer.line()]).toEqual(['got mark', 'got 12345678']);
    for (const call of ['read', 'until', 'body']) {
      const what = call === 'until' ? 'readUntil' : call;
      expect(await peer.ask(`${call} soon`)).toBe(
        `HEDDLE_INVALID_OPTION: ${what}({ timeout }): timeout must be a duration such as 250ms, 30s or 5m, got 'soon'`,
      );
    }
  });

  it('a message that does not end is late, however often its session waits anew', async () => {
    await using running = await begin(SESSION, counters(), { messageTimeout: '200ms' });
    await using peer = await dial(running);
    peer.send('poll\nhalf');
    await peer.over();
    expect(await running.closeOf(peer)).toMatchObject({ reason: 'message-timeout' });
  });

  it('a client that says nothing is idle, however often its session waits anew', async () => {
    await using running = await begin(SESSION, counters(), { idleTimeout: '200ms' });
    await using peer = await dial(running);
    peer.send('poll\n');
    await peer.over();
    expect(await running.closeOf(peer)).toMatchObject({ reason: 'idle-timeout' });
  });

  it.each(forms)('%s says how long one client may be idle', async (_form, module) => {
    const never = { idleTimeout: 'never', messageTimeout: 'never', sendTimeout: 'never' } as const;
    await using running = await begin(module, counters(), never);
    const [idle, other] = await Promise.all([dial(running), dial(running)]);
    idle.send('idle 50ms\n');
    await idle.over();
    expect(await running.closeOf(idle)).toMatchObject({ reason: 'idle-timeout' });
    expect(await other.ask('local')).toBe(`127.0.0.1 ${running.port}`);
    await other.leave();
  });

  it('a client may be idle for longer than others; what is no duration is an error', async () => {
    await using running = await begin(ASKED, counters(), { idleTimeout: '150ms' });
    const [lasting, other] = await Promise.all([dial(running), dial(running)]);
    lasting.send('idle never\n');
    await other.over();
    expect(await running.closeOf(other)).toMatchObject({ reason: 'idle-timeout' });
    expect(await lasting.ask('local')).toBe(`127.0.0.1 ${running.port}`);
    lasting.send('idle 0s\n');
    await lasting.over();
    const [failed] = await running.seen('service-error');
    expect(failed?.error).toMatchObject({
      code: 'HEDDLE_INVALID_OPTION',
      message: "client.idleTimeout(duration): duration must be above 0, such as 90s, or never, got '0s'",
    });
  });
}
