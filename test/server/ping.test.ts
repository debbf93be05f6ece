import { expect, it } from 'vitest';
import { service, start } from './running.ts';

it('a server answers pings, also while all its threads are blocked, and not when it has ended', async () => {
  const running = await start(service('commands'));
  await using peer = await running.connect();
  await using other = await running.connect();
  for (const each of [peer, other]) each.send('block 2000\n');
  await running.seen('open', 2);
  expect(await Promise.all([running.server.ping(), running.server.ping()])).toEqual([undefined, undefined]);
  const last = running.server.ping();
  const ending = running.server.close();
  await Promise.allSettled([last]);
  await expect(running.server.ping()).rejects.toMatchObject({ code: 'HEDDLE_CLOSED' });
  await ending;
  await expect(running.server.ping()).rejects.toMatchObject({ code: 'HEDDLE_CLOSED' });
});
