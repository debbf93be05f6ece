import { describe, expect, it } from 'vitest';
import { RecentEvents } from '../../../src/admin/control/recent-events.ts';

function started(thread: number) {
  return { type: 'thread-start', time: 0, thread } as const;
}

describe('the events that a server remembers', () => {
  it('have numbers, and are given after a number, the oldest first', () => {
    const events = new RecentEvents();
    for (const thread of [1, 2, 3]) events.add(started(thread));
    expect(events.after(1)).toEqual([
      { ...started(2), seq: 2 },
      { ...started(3), seq: 3 },
    ]);
    expect(events.after(3)).toEqual([]);
  });

  it('are all given after a number of another process', () => {
    const events = new RecentEvents();
    events.add(started(1));
    expect(events.after(99)).toHaveLength(1);
  });

  it('are the last 1,024, and no client that comes or goes is among them', () => {
    const events = new RecentEvents();
    const client = { time: 0, client: 1, address: '10.0.0.1', port: 1, thread: 1 };
    for (let thread = 1; thread <= 1030; thread++) {
      events.add({ type: 'open', ...client });
      events.add(started(thread));
      events.add({ type: 'close', ...client, reason: 'kicked' });
    }
    const all = events.after(0);
    expect([all.length, all[0]?.seq, all.at(-1)?.seq]).toEqual([1024, 7, 1030]);
  });

  it('have no longer text than 1,000 characters', () => {
    const events = new RecentEvents();
    events.add({ type: 'thread-exit', time: 0, thread: 1, cause: 'error', detail: 'x'.repeat(5000) });
    expect(events.after(0)).toMatchObject([{ detail: 'x'.repeat(1000) }]);
  });
});
