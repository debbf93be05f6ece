import { Counter, Lock, serve } from 'heddle';
import { expect, it, vi } from 'vitest';
import { TIMEOUT_MS, service, start } from './running.ts';

it('on a service thread, the locks, counters and errors of Heddle are of the classes that a service imports', async () => {
  const classes = new Counter();
  await using running = await start(service('same-classes'), { shared: { classes, lock: new Lock() } });
  await using peer = await running.connect();
  await peer.send('which\n').finish().rest();
  await vi.waitFor(() => expect(classes.value).toBe(3), { timeout: TIMEOUT_MS });
});

it('on main, the errors of a server are of the class that a program imports', async () => {
  const { HeddleError } = await import('heddle');
  await expect(serve({ port: -1 })).rejects.toBeInstanceOf(HeddleError);
});
