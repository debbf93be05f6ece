import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { expect, it, onTestFinished, vi } from 'vitest';
import { sendReply } from '../../src/admin/reply.ts';

it.each([
  ['a long text', () => ({ status: 200, text: 'x'.repeat(64 * 2 ** 20) })],
  ['lines without an end', () => ({ status: 200, lines: endless() })],
])('cuts off whoever reads nothing of %s for 10 s, and keeps no more for it than a buffer', async (_what, reply) => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const responses: ServerResponse[] = [];
  const server = createServer((request, response) => {
    responses.push(response);
    void sendReply(request, response, reply());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => {});
  onTestFinished(() => {
    vi.useRealTimers();
    socket.destroy();
    server.close();
  });
  await once(socket, 'connect');
  socket.pause();
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  while ((responses[0]?.writableLength ?? 0) === 0) await new Promise((resolve) => setImmediate(resolve));
  const response = responses[0] as ServerResponse;
  const before = response.writableLength;
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(response.writableLength).toBeLessThanOrEqual(before);
  vi.advanceTimersByTime(9_999);
  expect(response.destroyed).toBe(false);
  vi.advanceTimersByTime(1);
  expect(response.destroyed).toBe(true);
});

async function* endless(): AsyncGenerator<string> {
  for (;;) yield `${'x'.repeat(1000)}\n`;
}
