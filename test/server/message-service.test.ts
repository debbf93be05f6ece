import { Counter } from 'heddle';
import { describe, expect, it } from 'vitest';
import { descriptorsBack, openDescriptors, service, start } from './running.ts';

const COMMANDS = service('commands');

describe('a message service', () => {
  it('replies with a string, with bytes, with nothing, and with an empty message', async () => {
    await using running = await start(COMMANDS);
    await using peer = await running.connect();
    peer.send('echo née\nbytes\nnone\nempty\nsoon later\necho end\n');
    const expected = [Buffer.from('née\n'), Buffer.from([0, 1, 128, 255, 10]), Buffer.from('\nlater\nend\n')];
    expect(await peer.finish().rest()).toEqual(Buffer.concat(expected));
    expect(running.server.stats().messages).toBe(6);
  });

  it('answers one client’s messages in order, one at a time, however long each takes', async () => {
    await using running = await start(COMMANDS);
    await using peer = await running.connect();
    peer.send('later 30 a\necho b\nlater 1 c\nsoon d\nlater 10 e\necho f\n');
    expect(String(await peer.finish().rest())).toBe('a\nb\nc\nd\ne\nf\n');
    expect(running.server.stats().messages).toBe(6);
  });

  it('keeps what is sent within a message in order with its reply', async () => {
    await using running = await start(COMMANDS);
    await using peer = await running.connect();
    peer.send('echo 0\nthrice x\necho 9\n');
    expect(String(await peer.finish().rest())).toBe('0\nx 1\nx 2\nx 3\n9\n');
  });

  it('tells who the client is', async () => {
    await using running = await start(COMMANDS);
    await using peer = await running.connect();
    expect(await peer.ask('who')).toBe(`127.0.0.1 ${peer.localPort}`);
  });

  it('answers others while a client’s message awaits something', async () => {
    await using running = await start(COMMANDS, { threads: 1 });
    await using waiting = await running.connect();
    await using other = await running.connect();
    waiting.send('never\n');
    for (let round = 0; round < 50; round++) expect(await other.ask(`echo ${round}`)).toBe(`${round}`);
    expect(waiting.pieces).toEqual([]);
  });

  it.each([
    ['number', /got number$/],
    ['null', /got null$/],
    ['object', /got Object$/],
  ])('closes a client that is answered with a %s, and says what a reply must be', async (command, text) => {
    await using running = await start(COMMANDS, { threads: 1 });
    await using bystander = await running.connect();
    await using peer = await running.connect();
    expect(String(await peer.send(`echo first\n${command}\necho more\n`).rest())).toBe('first\n');
    expect((await running.closeOf(peer)).reason).toBe('service-error');
    const [error, ...others] = await running.all('service-error');
    expect(others).toEqual([]);
    expect(error?.error.message).toMatch(text);
    expect(await bystander.ask('echo still here')).toBe('still here');
  });

  it.each(['throw', 'reject'])(
    'that fails (%s) loses that client only, and its stack is reported once',
    async (way) => {
      await using running = await start(COMMANDS, { threads: 1 });
      await using bystander = await running.connect();
      await using peer = await running.connect();
      expect(String(await peer.send(`echo first\n${way} oh no\necho more\n`).rest())).toBe('first\n');
      const close = await running.closeOf(peer);
      expect(close.reason).toBe('service-error');
      const errors = await running.all('service-error');
      expect(errors).toHaveLength(1);
      expect(errors[0]).toMatchObject({
        client: close.client,
        port: peer.localPort,
        error: { code: 'HEDDLE_SERVICE_ERROR', message: 'oh no', stack: expect.stringMatching(/commands\.mjs:\d+/) },
      });
      expect(await bystander.ask('echo still here')).toBe('still here');
      expect(await running.all('thread-exit')).toEqual([]);
    },
  );

  it('counts the messages that were answered before one that fails', async () => {
    await using running = await start(COMMANDS);
    await using peer = await running.connect();
    await peer.send('echo 1\necho 2\nthrow 3\n').rest();
    await running.closeOf(peer);
    const { messages } = running.server.stats();
    expect(messages).toBeGreaterThanOrEqual(2);
    expect(messages).toBeLessThanOrEqual(3);
  });

  it('reports an error that comes when its client has gone', async () => {
    await using running = await start(COMMANDS);
    const peer = await running.connect();
    await peer.ask('echo here');
    peer.send('later 50 x\nreject too late\n');
    peer.finish();
    await peer.rest();
    expect((await running.seen('service-error'))[0]?.error.message).toBe('too late');
  });

  it('closes a client on its own wish, after the reply', async () => {
    await using running = await start(COMMANDS);
    await using peer = await running.connect();
    expect(String(await peer.send('echo a\nclose goodbye\necho never\n').rest())).toBe('a\ngoodbye\n');
    expect((await running.closeOf(peer)).reason).toBe('server-finished');
  });

  it('closes a client that does not answer the end with its own', async () => {
    await using running = await start(COMMANDS);
    await using peer = await running.connect();
    const began = performance.now();
    peer.send('close\n');
    await peer.over();
    expect((await running.closeOf(peer)).reason).toBe('server-finished');
    expect(performance.now() - began).toBeLessThan(14_000);
  });
});

describe('a client of one thread, from the message of another', () => {
  it('is sent to', async () => {
    await using running = await start(COMMANDS, { threads: 1 });
    await using one = await running.connect();
    await using other = await running.connect();
    const id = await one.ask('id');
    expect(await other.ask(`tell ${id} psst`)).toBe('sent');
    expect(await one.line()).toBe('psst');
    expect(await one.ask('echo well')).toBe('well');
  });

  it('is closed', async () => {
    await using running = await start(COMMANDS, { threads: 1 });
    await using one = await running.connect();
    await using other = await running.connect();
    const id = await one.ask('id');
    expect(await other.ask(`drop ${id}`)).toBe('dropped');
    expect(String(await one.rest())).toBe('');
    expect((await running.closeOf(one)).reason).toBe('server-finished');
  });

  it.each(['finish', 'reset'] as const)('refuses with HEDDLE_CLOSED once it is gone (%s)', async (way) => {
    await using running = await start(COMMANDS, { threads: 1 });
    const one = await running.connect();
    await using other = await running.connect();
    const id = await one.ask('id');
    one[way]();
    await running.closeOf(one);
    expect(await other.ask(`tell ${id} hello?`)).toBe('HEDDLE_CLOSED');
  });

  it('harms nobody when the refusal is not awaited', async () => {
    await using running = await start(COMMANDS, { threads: 1 });
    const one = await running.connect();
    await using other = await running.connect();
    const id = await one.ask('id');
    one.reset();
    await running.closeOf(one);
    expect(await other.ask(`forget ${id}`)).toBe('forgotten');
    expect(await other.ask('later 20 and on')).toBe('and on');
    expect(await running.all('thread-exit')).toEqual([]);
  });
});

describe('a text service', () => {
  it('gets strings', async () => {
    await using running = await start(service('upper-text'));
    await using peer = await running.connect();
    expect(String(await peer.send('née\n').finish().rest())).toBe('string NÉE\n');
  });

  it('gets a long string that came in parts', async () => {
    await using running = await start(service('upper-text'));
    await using peer = await running.connect();
    const part = 'né'.repeat(30_000);
    for (let sent = 0; sent < 3; sent++) await new Promise((resolve) => peer.socket.write(part, resolve));
    const expected = `string ${part.repeat(3).toUpperCase()}\n`;
    expect((await peer.send('\n').finish().rest()).toString() === expected).toBe(true);
  });

  it('closes a client that sends invalid UTF-8 with bad-frame', async () => {
    await using running = await start(service('upper-text'), { threads: 1 });
    await using bystander = await running.connect();
    await using peer = await running.connect();
    peer.send(Buffer.from([0x61, 10, 0xc3, 0x28, 10, 0x62, 10]));
    expect(String(await peer.rest())).toBe('string A\n');
    expect(await running.closeOf(peer)).toMatchObject({
      reason: 'bad-frame',
      detail: expect.stringContaining('UTF-8'),
    });
    expect(await bystander.ask('ok')).toBe('string OK');
  });
});

describe('a service that borrows', () => {
  it('may change the message in place and return it', async () => {
    await using running = await start(service('borrowed'), { threads: 1 });
    await using peer = await running.connect();
    await using other = await running.connect();
    const [mine, theirs] = [peer.send('abc\nabcd\nabc\n').finish().rest(), other.send('abcd\nabc\n').finish().rest()];
    expect(String(await mine)).toBe('xxx\nyyyy\nxxx\n');
    expect(String(await theirs)).toBe('yyyy\nxxx\n');
  });

  it('gets the right bytes when a message came in parts', async () => {
    await using running = await start(service('borrowed'));
    await using peer = await running.connect();
    expect(await peer.ask('abc')).toBe('xxx');
    peer.send('ab');
    expect(await peer.ask('cd')).toBe('yyyy');
  });
});

describe('the hooks of a service', () => {
  const REASONS = ['client-finished', 'client-reset', 'message-too-long', 'shutdown'] as const;

  function counters(): Record<string, Counter> {
    const names = ['started', 'stopped', 'opened', ...REASONS];
    return Object.fromEntries(names.map((name) => [name, new Counter()]));
  }

  it('run once each: start and stop on each thread, open and close for each client', async () => {
    const shared = counters();
    const running = await start(service('hooks'), { threads: 3, shared, maxMessageLength: 1024 });
    expect(shared['started']?.value).toBe(1 + 2 + 3);
    const [finished, reset, tooLong, staying] = await Promise.all(Array.from({ length: 4 }, () => running.connect()));
    for (const peer of [finished, reset, tooLong, staying]) expect(await peer?.line()).toBe(`hello ${peer?.localPort}`);
    expect(String(await finished?.send('last\n').finish().rest())).toBe('last\n');
    reset?.reset();
    await tooLong?.send(Buffer.alloc(2000, 'x')).rest();
    await running.seen('close', 3);
    await running.server.drain();
    expect(String(await staying?.rest())).toBe('');
    const values = Object.entries(shared).map(([name, counter]) => [name, counter.value]);
    expect(Object.fromEntries(values)).toEqual({
      started: 6,
      stopped: 6,
      opened: 4,
      'client-finished': 1,
      'client-reset': 1,
      'message-too-long': 1,
      shutdown: 1,
    });
  });

  it('greet a client before it has said anything', async () => {
    await using running = await start(service('hooks'), { shared: counters() });
    await using peer = await running.connect();
    expect(await peer.line()).toBe(`hello ${peer.localPort}`);
  });

  it('hold the first message back until an open that takes its time is done', async () => {
    await using running = await start(service('slow-open'));
    await using peer = await running.connect();
    expect(String(await peer.send('one\ntwo\n').finish().rest())).toBe('welcome\none\ntwo\n');
    expect(running.server.stats().messages).toBe(2);
  });

  it.each([
    ['throw', 'service-error', 1],
    ['reject', 'service-error', 1],
    ['close', 'server-finished', 0],
  ])('turn a client away in open (%s), though it says nothing', async (way, reason, errors) => {
    await using running = await start(service('doorman'), { shared: { way } });
    await using peer = await running.connect();
    expect(String(await peer.rest())).toBe('');
    expect((await running.closeOf(peer)).reason).toBe(reason);
    expect(await running.all('service-error')).toHaveLength(errors);
  });

  it.each(['finish', 'reset'] as const)('touch nobody else when close fails (%s)', async (way) => {
    await using running = await start(service('late-close-error'), { threads: 1 });
    await using bystander = await running.connect();
    expect(await bystander.ask('before')).toBe('before');
    const peer = await running.connect();
    expect(await peer.ask('me')).toBe('me');
    peer[way]();
    await running.closeOf(peer);
    expect(await bystander.ask('after')).toBe('after');
    expect((await running.seen('service-error'))[0]?.error.message).toMatch(/close failed/);
    expect(await running.all('thread-exit')).toEqual([]);
  });
});

it('gives back all descriptors', async () => {
  const before = openDescriptors();
  const running = await start(COMMANDS);
  const peer = await running.connect();
  await peer.ask('echo hello');
  await peer.leave();
  await running.server.close();
  await descriptorsBack(before);
});
