import { expect, it } from 'vitest';
import { service, start } from './running.ts';

const CLIENTS = 30;

it('a session that calls with hardly any stack left loses and repeats nothing, and its thread goes on', async () => {
  await using running = await start(service('deep-calls'), { threads: 2, handlerTimeout: '30s' });
  for (let client = 0; client < CLIENTS; client++) {
    await using peer = await running.connect();
    peer.send(`node ${client}\n`);
    for (let line = 0; line < 600; line++) expect(await peer.line()).toBe(`node ${client}`);
    expect(await peer.line()).toBe('made 600');
  }
  expect(await running.all('service-error')).toEqual([]);
  expect(await running.all('thread-exit')).toEqual([]);
});

it('clients that reset while their sessions do so are all closed, and the next ones are answered', async () => {
  await using running = await start(service('deep-calls'), { threads: 2, handlerTimeout: '30s' });
  for (let client = 0; client < CLIENTS; client++) {
    await using peer = await running.connect();
    peer.send('node\nnode\n');
    await peer.line();
    peer.reset();
  }
  const closes = await running.seen('close', CLIENTS);
  expect(new Set(closes.map(({ reason }) => reason))).toEqual(new Set(['client-reset']));
  await using peer = await running.connect();
  expect(await peer.ask('last')).toBe('last');
  expect(await running.all('thread-exit')).toEqual([]);
});
