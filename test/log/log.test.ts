import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { ServerEvent } from '../../src/log/event.ts';
import { Log, type LogSettings } from '../../src/log/log.ts';

const TIME = Date.UTC(2026, 10, 29, 19, 16, 50, 123);
const STAMP = '2026-11-29T19:16:50.123Z';
const CLIENT = { time: TIME, client: 1, address: '127.0.0.1', port: 11_600, thread: 1 };

const EVENTS: readonly ServerEvent[] = [
  { type: 'thread-start', time: TIME, thread: 1 },
  { type: 'open', ...CLIENT },
  { type: 'close', ...CLIENT, reason: 'client-reset' },
  { type: 'thread-overdue', time: TIME, thread: 1, blockedMs: 5 },
  { type: 'service-error', ...CLIENT, error: { code: 'X', message: 'no', stack: 'Error: no\n    at f (s.ts:1:2)' } },
];

/** Prints all that there is, and gives what came out. */
async function printed(settings: Partial<LogSettings>): Promise<{ stdout: string[]; stderr: string[] }> {
  const streams = { stdout: new PassThrough(), stderr: new PassThrough() };
  const log = new Log({ format: 'text', level: 'info', words: 'article', ...settings }, streams);
  log.listening(['Server running on port 1'], {
    type: 'listening',
    time: TIME,
    host: '::',
    port: 1,
    addresses: [],
    service: 's',
    threads: { min: 1, max: 1 },
    engine: 'epoll',
  });
  for (const event of EVENTS) log.event(event);
  log.leaving('Leaving', { type: 'leaving', time: TIME, signal: 'SIGTERM' });
  await log.end();
  const linesOf = (stream: PassThrough): string[] =>
    String(stream.read() ?? '')
      .split('\n')
      .slice(0, -1);
  return { stdout: linesOf(streams.stdout), stderr: linesOf(streams.stderr) };
}

const PINNED = `${STAMP} Thread 1 was blocked for 5 ms`;
const FAILED = [`${STAMP} The service failed with client 127.0.0.1 : 11600 on thread 1 (X): no`, '    at f (s.ts:1:2)'];

describe('a log', () => {
  it('has the article’s lines as they are, and the time before what goes to stderr', async () => {
    expect(await printed({})).toEqual({
      stdout: [
        'Server running on port 1',
        'Connected to: 127.0.0.1 : 11600',
        'Bye: 127.0.0.1 : 11600 (client-reset)',
        'Leaving',
      ],
      stderr: [PINNED, ...FAILED],
    });
  });

  it('has plain words for a service of one’s own, and the time before all but the first lines', async () => {
    const { stdout } = await printed({ words: 'plain' });
    expect(stdout).toEqual([
      'Server running on port 1',
      `${STAMP} Client connected: 127.0.0.1 : 11600`,
      `${STAMP} Client disconnected: 127.0.0.1 : 11600 (client-reset)`,
      `${STAMP} Leaving`,
    ]);
  });

  it.each([
    ['warn', { stdout: [], stderr: [PINNED, ...FAILED] }],
    ['error', { stdout: [], stderr: FAILED }],
  ] as const)('has at level %s what matters so much, or more', async (level, lines) => {
    expect(await printed({ level })).toEqual(lines);
  });

  it('has at level debug the threads that start', async () => {
    expect((await printed({ level: 'debug' })).stdout[1]).toBe('Thread 1 serves');
  });

  it.each([
    ['info', ['listening', 'thread-start', 'open', 'close', 'thread-overdue', 'service-error', 'leaving']],
    ['warn', ['thread-overdue', 'service-error']],
    ['error', ['service-error']],
  ] as const)('has as JSON at level %s these events', async (level, types) => {
    const { stdout, stderr } = await printed({ format: 'json', level });
    expect(stdout.map((line) => (JSON.parse(line) as { type: string }).type)).toEqual(types);
    expect(stderr).toEqual([]);
  });
});
