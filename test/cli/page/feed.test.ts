import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Seen } from '../../../src/admin/control/watching.ts';
import type { Hello, Tick } from '../../../src/admin/view/frames.ts';
import { Feed, type FeedParts } from '../../../src/cli/page/feed.ts';
import { BLOCK, sample } from '../../admin/view/sample.ts';

const STEP_MS = 250;

/** A server whose clock goes on by a quarter of a second each time that it is looked at. */
class FakeServer implements FeedParts {
  readonly watchedMs = 1;
  readonly unwatchedMs = 2;
  readonly intervals: number[] = [];
  looks = 0;
  pid = 4711;
  isGone = false;

  async *watch({ everyMs, signal }: Parameters<FeedParts['watch']>[0]): AsyncGenerator<Seen> {
    this.intervals.push(everyMs);
    let isFirst = true;
    for (; !signal.aborted; isFirst = false) {
      if (this.isGone) throw new Error('It has ended');
      yield this.#look(isFirst);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #look(isFirst: boolean): Seen {
    const time = ++this.looks * STEP_MS;
    const { snapshot, waiting } = sample({ time, messages: this.looks * 100, response: [this.looks, 0, 0, 0] });
    const server = { ...snapshot.server, pid: this.pid };
    const whole = { sample: { snapshot: { ...snapshot, server }, waiting } };
    const { verdict } = snapshot;
    const places = { moved: isFirst ? ([[1, 2]] as const) : [], left: [] };
    return { schema: 1, time, verdict, ...places, ...((isFirst || this.looks % 4 === 0) && whole) };
  }
}

function feedOf(parts: FeedParts): Feed {
  const feed = new Feed(parts);
  onTestFinished(() => feed.close());
  return feed;
}

async function ticksOf(feed: Feed, count: number): Promise<Tick[]> {
  const ticks: Tick[] = [];
  const stop = feed.watch(([name, data]) => name === 'tick' && ticks.push(data));
  await vi.waitFor(() => expect(ticks.length).toBeGreaterThanOrEqual(count), { timeout: 10_000, interval: 1 });
  stop();
  return ticks;
}

describe('the feed of a page', () => {
  it('tells what has changed each time, and rates of about a second', async () => {
    const feed = feedOf(new FakeServer());
    await feed.start();
    const ticks = await ticksOf(feed, 12);
    expect(ticks.at(-1)?.frame).toMatchObject({ threads: [1, 2], moved: [], left: [], blocks: [] });
    expect(ticks.findLast(({ view }) => view !== undefined)?.view?.rates?.messages).toBeCloseTo(400);
    expect(feed.hello?.loom.runs).toMatchObject([[1, 2, 0, STEP_MS, null, 0]]);
  });

  it('shows a block of the time between two whole samples', async () => {
    const server = new FakeServer();
    const seen: Seen[] = [];
    const feed = feedOf({
      ...server,
      watch: async function* (options) {
        for await (const each of server.watch(options)) {
          seen.push(each);
          yield each.sample === undefined ? { ...each, verdict: { text: 'x', waiting: 0, blocked: [BLOCK] } } : each;
        }
      },
    });
    await feed.start();
    const tick = (await ticksOf(feed, 5)).find(({ view }) => view === undefined);
    expect(tick?.frame.blocks).toEqual([{ thread: 2, ms: BLOCK.ms, client: BLOCK.client?.id }]);
  });

  it('asks more often while somebody watches', async () => {
    const server = new FakeServer();
    const feed = feedOf(server);
    await feed.start();
    const stops = [feed.watch(() => {}), feed.watch(() => {})];
    for (const stop of stops) stop();
    expect(server.intervals).toEqual([2, 1, 2]);
  });

  it('counts waits once a second', async () => {
    const feed = feedOf(new FakeServer());
    await feed.start();
    const ticks = await ticksOf(feed, 20);
    const heats = ticks.flatMap(({ heat }) => (heat === undefined ? [] : [heat]));
    expect(heats.length).toBeGreaterThanOrEqual(3);
    expect(heats[2]).toMatchObject({ counts: [4, 0], said: 'No client waits for another.' });
    expect((heats[2]?.time ?? 0) - (heats[1]?.time ?? 0)).toBe(1000);
  });

  it('has the last ten minutes for a page that comes later, and no more', async () => {
    const feed = feedOf(new FakeServer());
    await feed.start();
    await ticksOf(feed, 2800);
    const { heats, view } = feed.hello as Hello;
    expect(view.time - (heats[0]?.time ?? 0)).toBeLessThanOrEqual(601_000);
    expect(heats.length).toBeGreaterThan(590);
  });

  it('begins anew when another process answers, and tells so', async () => {
    const server = new FakeServer();
    const feed = feedOf(server);
    await feed.start();
    await ticksOf(feed, 5);
    const names: string[] = [];
    feed.watch(([name]) => names.push(name));
    server.pid = 2;
    const changedAt = feed.view?.time ?? 0;
    await vi.waitFor(() => expect(names).toContain('hello'), { timeout: 10_000, interval: 1 });
    expect(feed.view?.server.pid).toBe(2);
    expect(feed.hello?.loom.runs.every(([, , , from]) => from >= changedAt)).toBe(true);
  });

  it('says that the server is gone, and goes on when it is back', async () => {
    const server = new FakeServer();
    const feed = feedOf(server);
    await feed.start();
    const news: string[] = [];
    feed.watch(([name, data]) => news.push(name === 'gone' ? data.gone : name));
    server.isGone = true;
    await vi.waitFor(() => expect(news).toContain('It has ended'), { timeout: 10_000, interval: 1 });
    server.isGone = false;
    await vi.waitFor(() => expect(news.at(-1)).toBe('tick'), { timeout: 10_000, interval: 1 });
  });

  it('does not start without a server', async () => {
    const server = new FakeServer();
    server.isGone = true;
    await expect(feedOf(server).start()).rejects.toThrow('It has ended');
  });
});
