import { describe, expect, it } from 'vitest';
import { FairQueue, type Waiting } from '../../../src/supervisor/waiting-room/fair-queue.ts';

const waiting = (fd: number, address: string, rank = 0): Waiting => ({ fd, generation: fd, address, rank });
const anyone = (): boolean => true;

/** Gives `turns` turns that cost the same, to whoever is next; the clients come back at once. */
function serve(clients: readonly { fd: number; address: string }[], turns: number): Map<number, number> {
  const queue = new FairQueue<Waiting>();
  const had = new Map<number, number>(clients.map(({ fd }) => [fd, 0]));
  const costs = new Map<string, number>();
  for (const { fd, address } of clients) queue.add(waiting(fd, address));
  for (let turn = 0; turn < turns; turn++) {
    const next = queue.next((address) => costs.get(address) ?? 0, anyone) as Waiting;
    const count = (had.get(next.fd) ?? 0) + 1;
    had.set(next.fd, count);
    costs.set(next.address, (costs.get(next.address) ?? 0) + 1);
    queue.delete(next.fd);
    queue.add(waiting(next.fd, next.address, count));
  }
  return had;
}

describe('FairQueue', () => {
  it('gives clients of one address the same number of turns', () => {
    const clients = Array.from({ length: 7 }, (_, fd) => ({ fd, address: 'a' }));
    expect(new Set(serve(clients, 70).values())).toEqual(new Set([10]));
  });

  it('gives addresses the same number of turns, however many clients each has', () => {
    const crowd = Array.from({ length: 40 }, (_, fd) => ({ fd, address: 'crowd' }));
    const had = serve([...crowd, { fd: 100, address: 'alone' }], 80);
    expect(had.get(100)).toBe(40);
    expect(new Set(crowd.map(({ fd }) => had.get(fd)))).toEqual(new Set([1]));
  });

  it('takes who has waited longest among equals', () => {
    const queue = new FairQueue<Waiting>();
    for (const fd of [3, 1, 2]) queue.add(waiting(fd, 'a'));
    expect(queue.next(() => 0, anyone)?.fd).toBe(3);
  });

  it('passes over who may not be next, and addresses where nobody may', () => {
    const queue = new FairQueue<Waiting>();
    queue.add(waiting(1, 'a', 0));
    queue.add(waiting(2, 'b', 5));
    expect(
      queue.next(
        () => 0,
        ({ fd }) => fd === 2,
      )?.fd,
    ).toBe(2);
    expect(
      queue.next(
        () => 0,
        () => false,
      ),
    ).toBeUndefined();
  });

  it('has a client once, with what was said of it last', () => {
    const queue = new FairQueue<Waiting>();
    queue.add(waiting(1, 'a', 9));
    queue.add(waiting(1, 'b', 1));
    expect([queue.size, queue.has(1), queue.next(() => 0, anyone)?.address]).toEqual([1, true, 'b']);
    queue.delete(1);
    queue.delete(1);
    expect([queue.size, queue.next(() => 0, anyone)]).toEqual([0, undefined]);
  });
});
