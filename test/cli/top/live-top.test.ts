import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Sample } from '../../../src/admin/view/sample.ts';
import type { ListedClient } from '../../../src/admin/control/client-list.ts';
import type { NumberedEvent } from '../../../src/admin/control/recent-events.ts';
import type { Questions } from '../../../src/cli/top/browsing.ts';
import { LiveTop } from '../../../src/cli/top/live-top.ts';
import { Screen } from '../../../src/cli/top/screen.ts';
import { HeddleError } from '../../../src/errors.ts';
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

const NOBODY: Questions = { clients: async () => [], left: async () => [], events: async () => [] };

interface StartOptions {
  readonly screen?: ReturnType<typeof terminal>;
  readonly hasColours?: boolean;
  readonly isAscii?: boolean;
  readonly questions?: Questions;
  readonly intervalMs?: number;
}

function start(take: () => Promise<Sample>, options: StartOptions = {}) {
  const { hasColours = false, intervalMs = 1, isAscii = false, questions = NOBODY, screen = terminal() } = options;
  const signals = new FakeSignals();
  const top = new LiveTop({ take, intervalMs, hasColours, isAscii, questions, terminal: screen, signals });
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

function client(id: number): ListedClient {
  const address = { address: '10.0.0.1', port: 1000 + id };
  return { id, ...address, thread: 1, state: 'idle', ageMs: 9000, idleMs: 1000 * id, kept: 0, moves: 2, cost: 'light' };
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

  it('draws once a sample, and once a second while none comes', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const drawn = vi.spyOn(Screen.prototype, 'draw');
    onTestFinished(() => drawn.mockRestore());
    const take = counting();
    let isSilent = false;
    const { screen } = start(async () => (isSilent ? new Promise(() => {}) : take()), { intervalMs: 1000 });
    await vi.advanceTimersByTimeAsync(500);
    drawn.mockClear();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(drawn).toHaveBeenCalledTimes(10);
    isSilent = true;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(drawn.mock.calls.length).toBeGreaterThan(18);
    expect(screen.written).toContain('no word from the server for 9');
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
    const colours = start(counting(), { hasColours: true });
    await colours.shows('THREAD');
    // oxlint-disable-next-line no-control-regex
    expect(colours.screen.written).toMatch(/\x1b\[[\d;]*m/);
  });

  it('lists clients, marks one, and keeps their order while the cursor moves', async () => {
    let order = [1, 2, 3];
    const { screen, shows } = start(counting(), { questions: { ...NOBODY, clients: async () => order.map(client) } });
    await shows('THREAD');
    screen.stdin.write('c');
    await shows(/clients: 3, largest idle first/);
    screen.stdin.write('\x1b[B');
    await shows(/▸ +#1 /);
    screen.stdin.write('\x1b[B');
    await shows(/▸ +#2 /);
    order = [3, 2, 1];
    screen.written = '';
    screen.stdin.write('\x0c'); // Draws all of it anew.
    await shows(/#1 [^]*▸ +#2 [^]*#3 /);
    screen.written = '';
    screen.stdin.write('s\x0c');
    await shows(/largest age first[^]*#3 [^]*▸ +#2 [^]*#1 /);
  });

  it('shows the clients of a thread, and all of a client, and goes back', async () => {
    const asked: string[] = [];
    const clients = async (query: URLSearchParams) => {
      asked.push(query.get('where') ?? '');
      return [client(7)];
    };
    const { screen, shows } = start(counting(), { questions: { ...NOBODY, clients } });
    await shows('THREAD');
    screen.stdin.write('j\r');
    await shows('clients: 1, thread=1, largest idle first');
    expect(asked[0]).toBe('thread=1');
    screen.stdin.write('j\r');
    await shows(/connected +for 9\.0 s/);
    screen.written = '';
    screen.stdin.write('\x1b\x1b');
    await shows('waits  ');
  });

  it('finds clients, and says what is wrong with what was asked', async () => {
    const clients = async (query: URLSearchParams) => {
      if (query.get('where') !== 'id=7') throw new HeddleError('HEDDLE_INVALID_OPTION', 'That is no condition');
      return [client(7)];
    };
    const { screen, shows } = start(counting(), { questions: { ...NOBODY, clients } });
    await shows('THREAD');
    screen.stdin.write('/x');
    await shows('find x_');
    screen.stdin.write('\r');
    await shows('That is no condition');
    screen.stdin.write('/\x7f#7\r');
    await shows(/clients: 1, #7/);
  });

  it.each([
    ['y', [7], 'Client #7 was kicked.'],
    ['n', [], 'clients: 1'],
  ])('kicks a client once asked: %s', async (key, expected, text) => {
    const kicked: number[] = [];
    const kick = async (id: number) => (kicked.push(id), 'kicked' as const);
    const { screen, shows } = start(counting(), {
      questions: { ...NOBODY, clients: async () => [client(7)], kick },
    });
    await shows('THREAD');
    screen.stdin.write('cjK');
    await shows('Kick client #7 (10.0.0.1:1007), idle 7.0 s? y/N');
    screen.written = '';
    screen.stdin.write(`${key}\x0c`);
    await shows(text);
    expect(kicked).toEqual(expected);
  });

  it('says nothing of kicks where there is no right to kick', async () => {
    const { screen, shows } = start(counting(), { questions: { ...NOBODY, clients: async () => [client(7)] } });
    await shows('THREAD');
    screen.stdin.write('cjK?');
    await shows('find clients:');
    expect(screen.written).not.toMatch(/kick/i);
  });

  it('shows the newest events first, and asks only for those that are newer', async () => {
    const asked: number[] = [];
    const events = async (seq: number) => {
      asked.push(seq);
      const next = { type: 'thread-start', time: 0, thread: seq + 5, seq: seq + 1 } as const;
      return seq < 2 ? [next] : [];
    };
    const { screen, shows } = start(counting(), { questions: { ...NOBODY, events } });
    await shows('THREAD');
    screen.stdin.write('e');
    await shows(/Thread 6 serves[^]*Thread 5 serves/);
    await vi.waitFor(() => expect(asked.slice(0, 3)).toEqual([0, 1, 2]));
  });

  it('shows each event once, though a key and the timer have asked at the same time', async () => {
    const answers: ((events: readonly NumberedEvent[]) => void)[] = [];
    const events = async () => new Promise<readonly NumberedEvent[]>((resolve) => answers.push(resolve));
    const { screen, shows } = start(counting(), { questions: { ...NOBODY, events } });
    await shows('THREAD');
    screen.stdin.write('e');
    await vi.waitFor(() => expect(answers).toHaveLength(2));
    for (const answer of answers) answer([{ type: 'thread-start', time: 0, thread: 5, seq: 1 }]);
    await shows('Thread 5 serves');
    screen.written = '';
    screen.stdout.emit('resize');
    await shows('\x1b[2J');
    expect(screen.written.match(/Thread 5 serves/g)).toHaveLength(1);
  });

  it('shows what a client has done to threads, beside all that is known of it', async () => {
    const turn = { type: 'turn', time: 0, thread: 3, blockedMs: 620, address: '10.0.0.1', port: 1007 } as const;
    const all = [
      { ...turn, client: 7, seq: 1 },
      { ...turn, client: 8, thread: 4, seq: 2 },
    ];
    const events = async (seq: number) => all.slice(seq);
    const { screen, shows } = start(counting(), {
      questions: { ...NOBODY, clients: async () => [client(7)], events },
    });
    await shows('THREAD');
    screen.stdin.write('cj\r');
    await shows(/pinned|connected/);
    await shows('Thread 3 was blocked for 620 ms');
    expect(screen.written).not.toContain('Thread 4 was');
  });

  it('profiles the thread with the cursor, and shows its heaviest functions', async () => {
    const asked: number[] = [];
    const profile = async (id: number) => (asked.push(id), ['Thread 2 ran code', '90 %  slowReport']);
    const { screen, shows } = start(counting(), { questions: { ...NOBODY, profile } });
    await shows('THREAD');
    screen.stdin.write('jjp');
    await shows('Thread 2 ran code');
    await shows('slowReport');
    expect(asked).toEqual([2]);
    screen.written = '';
    screen.stdin.write('\x1b');
    await shows('THREAD');
  });

  it('offers a profile beside the clients of a thread, says why there is none, and gives it up with the pane', async () => {
    const signals: AbortSignal[] = [];
    const profile = async (_thread: number, _ms: number, signal: AbortSignal) => {
      signals.push(signal);
      if (signals.length === 1) throw new Error('Another profile is being taken');
      return new Promise<never>(() => {});
    };
    const { screen, shows } = start(counting(), { questions: { ...NOBODY, profile } });
    await shows('THREAD');
    screen.stdin.write('j\r');
    await shows('profile of the thread');
    screen.stdin.write('p');
    await shows('Another profile is being taken');
    screen.stdin.write('tjp');
    await shows('Thread 1 is being profiled for 2.0 s');
    expect(signals[1]?.aborted).toBe(false);
    screen.stdin.write('t');
    await vi.waitFor(() => expect(signals[1]?.aborted).toBe(true));
  });

  it('takes no profile where there is no right to act', async () => {
    const { screen, shows } = start(counting());
    await shows('THREAD');
    screen.stdin.write('jp\r?');
    await shows('find clients');
    expect(screen.written).not.toMatch(/profile/i);
  });

  it('has symbols of ASCII only where these are wanted', async () => {
    const questions = { ...NOBODY, clients: async () => [client(7)] };
    const { screen, shows } = start(counting(), { isAscii: true, questions });
    await shows('THREAD');
    screen.stdin.write('cj');
    await shows(/> +#7/);
    screen.stdin.write('?');
    await shows('find clients');
    // oxlint-disable-next-line no-control-regex
    expect(screen.written).toMatch(/^[\x00-\x7f]*$/);
  });
});
