import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { EventStream } from '../../../src/cli/page/event-stream.ts';
import type { Feed, News } from '../../../src/cli/page/feed.ts';

const FULL = 256 * 1024;

/** A page that reads when it is told to: all that is written waits for it until then. */
class Page extends EventEmitter {
  written: string[] = [];
  writableLength = 0;
  isCutOff = false;

  writeHead(): this {
    return this;
  }

  write(text: string): boolean {
    this.written.push(text);
    return true;
  }

  end(): this {
    return this;
  }

  destroy(): this {
    this.isCutOff = true;
    return this;
  }
}

function open() {
  const page = new Page();
  let tell: (news: News) => void = () => {};
  const feed = {
    hello: { view: 'all of it' },
    watch(told: (news: News) => void) {
      tell = told;
      return () => {};
    },
  } as unknown as Feed;
  const stream = new EventStream(page as unknown as ServerResponse, feed, { kick: true, send: true });
  const tick = (): void => tell(['tick', { change: 1 }] as unknown as News);
  return { page, stream, tick };
}

/** What kinds of events a page was sent. */
const kinds = ({ written }: Page): string[] => written.map((text) => /^event: (\w+)\n/.exec(text)?.[1] ?? '');

describe('a page that reads slowly', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));

  it('is sent nothing more while 256 KiB wait for it, and then all of it anew: it has missed what changed', () => {
    const { page, tick } = open();
    tick();
    page.writableLength = FULL + 1;
    for (let count = 0; count < 10; count++) tick();
    page.writableLength = FULL;
    tick();
    tick();
    expect(kinds(page)).toEqual(['hello', 'tick', 'hello', 'tick']);
  });

  it('is cut off after 10 s in which it has not read enough, and not before', () => {
    const { page, tick } = open();
    page.writableLength = FULL + 1;
    tick();
    vi.advanceTimersByTime(9_000);
    page.writableLength = 0; // It has read: the 10 s begin anew.
    tick();
    page.writableLength = FULL + 1;
    tick();
    vi.advanceTimersByTime(10_000);
    tick();
    expect(page.isCutOff).toBe(false);
    vi.advanceTimersByTime(1);
    tick();
    expect(page.isCutOff).toBe(true);
  });
});
