import { createServer, connect, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { expect, it, vi } from 'vitest';
import { EBADF } from '../../src/sys/errno.ts';
import { unsentOf } from '../../src/sys/send-queues.ts';

function fdOf(socket: Socket): number {
  const { _handle: handle } = socket as Socket & { readonly _handle: { readonly fd: number } };
  return handle.fd;
}

it('tells what the other side has yet to take, until it has', async () => {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1').pause();
  const [socket] = (await once(server, 'connection')) as [Socket];
  const fd = fdOf(socket);
  socket.write(Buffer.alloc(3_000_000));
  await vi.waitFor(() => expect(unsentOf(fd)).toBeGreaterThan(0), { timeout: 10_000 });
  client.resume();
  await vi.waitFor(() => expect(unsentOf(fd)).toBe(0), { timeout: 10_000 });
  client.destroy();
  socket.destroy();
  server.close();
});

it('says so of an fd that is none', () => {
  expect(unsentOf(-1)).toBe(EBADF);
});
