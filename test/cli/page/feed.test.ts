import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Hello, Tick } from '../../../src/admin/view/frames.ts';
import type { Sample } from '../../../src/admin/view/sample.ts';
import { Feed } from '../../../src/cli/page/feed.ts';
import { sample } from '../../admin/view/sample.ts';

const STEP_MS = 250;

/** A server whose clock goes on by a quarter of a second each time that it is asked. */
function server() {
  let asked = 0;
  const take = async (): Promise<Sample> => {
    asked++;
    return sample({ time: asked * STEP_MS, messages: asked * 100, response: [asked, 0, 0, 0] });
  };
  return { take, places: async () => [[1, 2]] as const, watchedMs: 1, unwatchedMs: 1 };
}

function feedOf(parts: ConstructorParameters<typeof Feed>[0]): Feed {
  const feed = new Feed(parts);
  onTestFinished(() => feed.close());
  return feed;
}

async function ticksOf(feed: Feed, count: number): Promise<Tick[]> {
  const ticks: Tick[] = [];
  const stop = feed.watch((news) => 'view' in news && ticks.push(news));
  await vi.waitFor(() => expect(ticks.length).toBeGreaterThanOrEqual(count), { timeout: 10_000, interval: 1 });
  stop();
  return ticks;
}

describe('the feed of a page', () => {
  it('tells where clients are each time, and rates of about a second', async () => {
    const feed = feedOf(server());
    await feed.start();
    const ticks = await ticksOf(feed, 12);
    const last = ticks.at(-1) as Tick;
    expect(last.frame).toMatchObject({ threads: [1, 2], places: [[1, 2]], blocks: [] });
    expect(last.view.rates?.messages).toBeCloseTo(400);
  });

  it('counts waits once a second', async () => {
    const feed = feedOf(server());
    await feed.start();
    const ticks = await ticksOf(feed, 12);
    const heats = ticks.flatMap(({ heat }) => (heat === undefined ? [] : [heat]));
    expect(heats.length).toBeGreaterThanOrEqual(2);
    expect(heats[0]?.counts).toEqual([4, 0]);
    expect((heats[1]?.time ?? 0) - (heats[0]?.time ?? 0)).toBe(1000);
  });

  it('has the last minute for a page that comes later, and no more', async () => {
    const feed = feedOf(server());
    await feed.start();
    await ticksOf(feed, 300);
    const { frames, heats, view } = feed.hello as Hello;
    expect(view.time - (frames[0]?.time ?? 0)).toBe(60_000);
    expect(heats.length).toBeGreaterThan(60);
  });

  it('begins anew when another process answers', async () => {
    const parts = server();
    let pid = 1;
    const take = async () => {
      const { snapshot, waiting } = await parts.take();
      return { snapshot: { ...snapshot, server: { ...snapshot.server, pid } }, waiting };
    };
    const feed = feedOf({ ...parts, take });
    await feed.start();
    await ticksOf(feed, 5);
    pid = 2;
    const changedAt = feed.hello?.view.time ?? 0;
    await vi.waitFor(() => expect(feed.hello?.view.server.pid).toBe(2), { timeout: 10_000, interval: 1 });
    expect(feed.hello?.frames.every(({ time }) => time >= changedAt)).toBe(true);
  });

  it('says that the server is gone, and goes on when it is back', async () => {
    const parts = server();
    let isGone = false;
    const feed = feedOf({
      ...parts,
      take: async () => (isGone ? Promise.reject(new Error('It has ended')) : parts.take()),
    });
    await feed.start();
    const news: string[] = [];
    feed.watch((each) => news.push('gone' in each ? each.gone : 'tick'));
    isGone = true;
    await vi.waitFor(() => expect(news).toContain('It has ended'), { timeout: 10_000, interval: 1 });
    isGone = false;
    await vi.waitFor(() => expect(news.at(-1)).toBe('tick'), { timeout: 10_000, interval: 1 });
  });

  it('does not start without a server', async () => {
    const feed = feedOf({ ...server(), take: () => Promise.reject(new Error('Nobody')) });
    await expect(feed.start()).rejects.toThrow('Nobody');
  });
});
