import { expect, it } from 'vitest';
import { ClosedClients } from '../../../src/admin/control/closed-clients.ts';
import type { CloseReason } from '../../../src/sharing/close-reason.ts';

function close(client: number, reason: CloseReason) {
  return { type: 'close', time: client, client, address: '10.0.0.1', port: 1, thread: 1, reason } as const;
}

it('clients that left are remembered with who ended it, the last first', () => {
  const closed = new ClosedClients();
  closed.add(close(1, 'service-error'));
  closed.add(close(2, 'client-finished'));
  closed.add({ ...close(3, 'kicked'), detail: 'x' });
  expect(closed.list().map(({ by, id, reason }) => [id, reason, by])).toEqual([
    [3, 'kicked', 'operator'],
    [2, 'client-finished', 'client'],
    [1, 'service-error', 'fault'],
  ]);
  expect(closed.find(1)).toEqual({
    id: 1,
    state: 'closed',
    address: '10.0.0.1',
    port: 1,
    thread: 1,
    reason: 'service-error',
    by: 'fault',
    closedAt: 1,
  });
  expect(closed.find(4)).toBeUndefined();
});

it('those that left in order, such as health checks, push out nobody who was cut off', () => {
  const closed = new ClosedClients();
  closed.add(close(1, 'thread-exit'));
  for (let client = 2; client < 10_000; client++) closed.add(close(client, 'client-finished'));
  expect(closed.list()).toHaveLength(1 + 1024);
  expect(closed.find(1)?.reason).toBe('thread-exit');
  expect(closed.find(9999)).toBeDefined();
  expect(closed.find(2)).toBeUndefined();
});
