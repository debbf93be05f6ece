import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Sample } from '../../../src/admin/view/sample.ts';
import { LiveTop } from '../../../src/cli/top/live-top.ts';
import { sample, thread } from '../../admin/view/sample.ts';

const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l';
const LEAVE = '\x1b[?7h\x1b[?25h\x1b[?1049l';

/** A terminal that remembers what was written, and which mode it is in. */
function terminal(columns = 80, rows = 24) {
  const raw: boolean[] = [];
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: (isRaw: boolean) => raw.push(isRaw) });
  const stdout = Object.assign(new PassThrough({ highWaterMark: 1 << 20 }), { isTTY: true, columns, rows });
  const state = { written: '', raw, stdin, stdout, stderr: new PassThrough() };
  stdout.on('data', (data) => (state.written += String(data)));
  return state;
}

class FakeSignals extends EventEmitter {
  readonly pid = 1;
  readonly sent: string[] = [];
  kill(_pid: number, signal: string): void {
    this.sent.push(signal);
  }
}

function start(take: () => Promise<Sample>, screen = terminal(), hasColours = false) {
  const signals = new FakeSignals();
  const top = new LiveTop({ take, intervalMs: 1, hasColours, terminal: screen, signals });
  const ended = top.run();
  ended.catch(() => {});
  const shows = (text: string | RegExp) =>
    vi.waitFor(() => expect(screen.written).toMatch(text), { timeout: 10_000, interval: 1 });
  onTestFinished(() => void screen.stdin.write('q'));
  return { signals, ended, screen, shows };
}

/** All that `take` was asked for is the same, but for the messages of thread 1. */
function counting() {
  let messages = 0;
  return async () => {
    messages += 1000;
    return sample({ time: messages, messages, threads: [thread(1, { messages }), thread(2)] });
  };
}

describe('heddle top', () => {
  it.each([['q'], ['Q'], ['\x03']])('ends with %j, and leaves the terminal as it was', async (key) => {
    const { ended, screen, shows, signals } = start(counting());
    await shows('THREAD');
    screen.stdin.write(key);
    expect(await ended).toBe(0);
    expect(screen.written.startsWith(ENTER)).toBe(true);
    expect(screen.written.endsWith(LEAVE)).toBe(true);
    expect(screen.raw).toEqual([true, false]);
    expect(signals.eventNames()).toEqual([]);
    expect(screen.stdout.listenerCount('resize')).toBe(0);
  });

  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
    ['SIGHUP', 129],
  ])('ends with %s as a shell expects: %d', async (signal, status) => {
    const { ended, screen, shows, signals } = start(counting());
    await shows('THREAD');
    signals.emit(signal);
    expect(await ended).toBe(status);
    expect(screen.written.endsWith(LEAVE)).toBe(true);
  });

  it('ends with the error when the server goes, and leaves the terminal before', async () => {
    const samples = [sample()];
    const { ended, screen } = start(async () => samples.pop() ?? Promise.reject(new Error('It has ended')));
    await expect(ended).rejects.toThrow('It has ended');
    expect(screen.written.endsWith(LEAVE)).toBe(true);
    expect(screen.raw.at(-1)).toBe(false);
  });

  it('does not touch the terminal if there is no server', async () => {
    const { ended, screen } = start(() => Promise.reject(new Error('Nobody')));
    await expect(ended).rejects.toThrow('Nobody');
    expect(screen.written).toBe('');
    expect(screen.raw).toEqual([]);
  });

  it('leaves the terminal when the process exits, whatever ends it', async () => {
    const { screen, shows, signals } = start(counting());
    await shows('THREAD');
    signals.emit('exit');
    expect(screen.written).toContain(LEAVE);
    expect(screen.raw.at(-1)).toBe(false);
  });

  it('writes only the lines that changed', async () => {
    let taken = 0;
    const { screen, shows } = start(async () => (taken++, sample({ clients: taken })));
    await shows('THREAD');
    const { length } = screen.written;
    await shows('clients   20 of');
    expect(screen.written.slice(length)).not.toContain('THREAD');
    expect(screen.written.slice(length)).not.toContain('\x1b[2J');
  });

  it('shows a frame whole after the size has changed, and fits it', async () => {
    const { screen, shows } = start(counting());
    await shows('THREAD');
    Object.assign(screen.stdout, { columns: 30, rows: 8 });
    screen.written = '';
    screen.stdout.emit('resize');
    await shows('\x1b[2J');
    const drawn = screen.written.split('\x1b[2J')[1]?.split('\x1b[?2026l')[0] ?? '';
    // oxlint-disable-next-line no-control-regex
    const lines = [...drawn.matchAll(/\x1b\[(\d+);1H([^\x1b]*)/g)];
    expect(lines.length).toBeGreaterThan(5);
    for (const [, row, text = ''] of lines) {
      expect(Number(row)).toBeLessThanOrEqual(8);
      expect(text.length).toBeLessThanOrEqual(30);
    }
  });

  it('stands still while it pauses, and goes on', async () => {
    let asked = 0;
    const take = counting();
    const { screen, shows } = start(async () => (asked++, take()));
    await shows('THREAD');
    screen.stdin.write(' ');
    await shows('paused');
    screen.written = '';
    screen.stdin.write(' ');
    const before = asked;
    await vi.waitFor(() => expect(asked).toBeGreaterThan(before));
    await shows('pause');
  });

  it('gives the terminal back while it is stopped, and takes it again', async () => {
    const { screen, shows, signals } = start(counting());
    await shows('THREAD');
    screen.stdin.write('\x1a');
    await vi.waitFor(() => expect(signals.sent).toEqual(['SIGTSTP']));
    expect(screen.raw).toEqual([true, false]);
    screen.written = '';
    signals.emit('SIGCONT');
    await shows(/1049h/);
    await shows('THREAD');
    expect(screen.raw).toEqual([true, false, true]);
  });

  it('has no colours where none are wanted', async () => {
    const { screen, shows } = start(counting());
    await shows('THREAD');
    // oxlint-disable-next-line no-control-regex
    expect(screen.written).not.toMatch(/\x1b\[[\d;]*m/);
    const colours = start(counting(), terminal(), true);
    await colours.shows('THREAD');
    // oxlint-disable-next-line no-control-regex
    expect(colours.screen.written).toMatch(/\x1b\[[\d;]*m/);
  });
});
