import { expect, it } from 'vitest';
import { EpollListeners } from '../../src/epoll/listeners.ts';
import { Listener } from '../../src/acceptor/listener.ts';
import { Poller } from '../../src/reactor/poller.ts';
import { dial, listenOn, owned, readable, sys } from '../support/loopback.ts';

it('a door that closes takes who waits, and leaves a socket open that another process has too', async () => {
  const [own, shared] = [listenOn(), listenOn()];
  for (const { fd } of [own, shared]) owned(fd);
  const poller = Poller.create(sys, 4);
  owned(poller.fd);
  const listeners = new EpollListeners(sys, poller, 0, [new Listener(sys, own.fd), new Listener(sys, shared.fd, true)]);
  await Promise.all([dial(own.port), dial(shared.port)]);
  await Promise.all([readable(own.fd), readable(shared.fd)]);
  let admitted = 0;
  listeners.close(
    () => true,
    (fd) => {
      owned(fd);
      admitted++;
    },
  );
  expect(admitted).toBe(2);
  await expect(dial(own.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await dial(shared.port);
});
