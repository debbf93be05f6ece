import { expect, it } from 'vitest';
import { Peer } from './peer.ts';
import { service, start } from './running.ts';

it('endless loops on all threads keep others waiting for seconds, whatever handlerTimeout is', async () => {
  await using running = await start(service('commands'), { threads: '2..4', handlerTimeout: 'never' });
  const loops = await Peer.connectAll(running.port, 4);
  for (const loop of loops) loop.send('spin\n');
  await using light = await running.connect();
  for (let asked = 0; asked < 20; asked++) expect(await light.ask(`echo ${asked}`)).toBe(`${asked}`);
  const [held] = await running.seen('thread-held');
  expect(loops.map(({ localPort }) => localPort)).toContain(held?.port);
  const [exit] = await running.seen('thread-exit');
  expect(exit?.detail).toMatch(/^no thread was free for a second while clients waited/);
  const closed = (await running.all('close')).find(({ reason }) => reason === 'handler-timeout');
  expect(closed?.port).toBe(held?.port);
  await light.leave();
});
