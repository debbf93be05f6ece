import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ServerEvent } from '../../src/log/event.ts';
import { textLine } from '../../src/log/text-line.ts';

const CLIENT = { time: 0, client: 7, address: '127.0.0.1', port: 11600, thread: 2 };

const UNIX_CLIENT = { ...CLIENT, address: 'unix', port: 0 };

const DEPLOY = { type: 'deploy', kind: 'take-over', result: 'success', time: 0, ms: 812, threads: 4 } as const;

describe('a line of text', () => {
  it.each<[ServerEvent, string, string]>([
    [{ type: 'open', ...CLIENT }, 'stdout', 'Connected to: 127.0.0.1 : 11600'],
    [{ type: 'open', ...CLIENT, address: '::1' }, 'stdout', 'Connected to: ::1 : 11600'],
    [{ type: 'open', ...UNIX_CLIENT }, 'stdout', 'Connected to: unix'],
    [{ type: 'close', ...UNIX_CLIENT, reason: 'client-reset' }, 'stdout', 'Bye: unix (client-reset)'],
    [
      { type: 'thread-overdue', time: 0, thread: 3, blockedMs: 12, address: 'unix', port: 0 },
      'stderr',
      'Thread 3 was blocked for 12 ms by client unix',
    ],
    [
      { type: 'turn', ...CLIENT, blockedMs: 620, hidden: 2 },
      'stderr',
      'Thread 2 was blocked for 620 ms by client 127.0.0.1 : 11600; 2 more such blocks were not shown',
    ],
    [{ type: 'turn', time: 0, thread: 3, blockedMs: 700 }, 'stderr', 'Thread 3 was blocked for 700 ms'],
    [
      { type: 'thread-blocked', ...CLIENT, blockedMs: 302, code: 'crunch report.ts:41' },
      'stderr',
      'Thread 2 has been blocked for 302 ms by client 127.0.0.1 : 11600 in crunch report.ts:41, and still is',
    ],
    [{ type: 'close', ...CLIENT, reason: 'client-finished' }, 'stdout', 'Bye: 127.0.0.1 : 11600'],
    [{ type: 'close', ...CLIENT, reason: 'server-finished' }, 'stdout', 'Bye: 127.0.0.1 : 11600'],
    [{ type: 'close', ...CLIENT, reason: 'shutdown' }, 'stdout', 'Bye: 127.0.0.1 : 11600'],
    [
      { type: 'close', ...CLIENT, reason: 'shutdown', detail: 'still open at shutdownTimeout' },
      'stdout',
      'Bye: 127.0.0.1 : 11600 (shutdown: still open at shutdownTimeout)',
    ],
    [{ type: 'close', ...CLIENT, reason: 'client-reset' }, 'stdout', 'Bye: 127.0.0.1 : 11600 (client-reset)'],
    [
      { type: 'close', ...CLIENT, reason: 'message-too-long', detail: 'over 10 bytes' },
      'stdout',
      'Bye: 127.0.0.1 : 11600 (message-too-long: over 10 bytes)',
    ],
    [
      { type: 'service-error', ...CLIENT, error: { code: 'HEDDLE_SERVICE_ERROR', message: 'boom' } },
      'stderr',
      'The service failed with client 127.0.0.1 : 11600 on thread 2 (HEDDLE_SERVICE_ERROR): boom',
    ],
    [{ type: 'thread-exit', time: 0, thread: 3, cause: 'crash', detail: 'x' }, 'stderr', 'Thread 3 ended (crash): x'],
    [
      {
        type: 'thread-exit',
        time: 0,
        thread: 3,
        cause: 'error',
        detail: 'Error: a\nb\n    at f (g.js:1)\nCaused by: Error: c\n    at h (i.js:2)',
      },
      'stderr',
      'Thread 3 ended (error): Error: a\\nb\n    at f (g.js:1)\nCaused by: Error: c\n    at h (i.js:2)',
    ],
    [
      { type: 'events-lost', time: 0, count: 1 },
      'stderr',
      '1 event is not shown: it came faster than it could be written',
    ],
    [
      { type: 'lock-stuck', time: 0, what: 'messages' },
      'stderr',
      'Clients with part of a message no longer move: a thread does not give back the lock that takes. This is a fault of Heddle: please report it, and restart the server',
    ],
    [
      { type: 'threads-limited', time: 0, threads: 2, detail: 'The limit is 9. Raise it' },
      'stderr',
      'The limit is 9. Raise it. Until then the server goes on with 2 threads',
    ],
    [
      { type: 'thread-lost', time: 0, thread: 3 },
      'stderr',
      'Thread 3 does not end: it is in a system call that does not return (a file, a lock, a child process). Another one takes its place',
    ],
    [{ type: 'thread-overdue', time: 0, thread: 3, blockedMs: 12.4 }, 'stderr', 'Thread 3 was blocked for 12 ms'],
    [
      { type: 'thread-overdue', time: 0, thread: 3, blockedMs: 12, address: '::1', port: 4 },
      'stderr',
      'Thread 3 was blocked for 12 ms by client ::1 : 4',
    ],
    [
      { type: 'only-thread-blocked', time: 0, address: '::1', port: 4, waiting: 3 },
      'stderr',
      'The only thread is blocked by client ::1 : 4: 3 other clients wait. Allow more threads, with --threads 2..8, and they move to another one',
    ],
    [
      { type: 'only-thread-blocked', time: 0, waiting: 1 },
      'stderr',
      'The only thread is blocked: 1 other client waits. Allow more threads, with --threads 2..8, and they move to another one',
    ],
    [
      { type: 'accept-paused', time: 0, cause: 'EMFILE' },
      'stderr',
      'New clients wait for a moment (EMFILE: too many open files; raise the limit with ulimit -n)',
    ],
    [
      { type: 'accept-paused', time: 0, cause: 'max-clients' },
      'stderr',
      'New clients wait for a moment (max-clients: there are as many as maxClients allows)',
    ],
    [
      { type: 'reject', time: 0, address: '::1', port: 11600, reason: 'denied' },
      'stderr',
      'Turned away: ::1 : 11600 (denied)',
    ],
    [
      { type: 'handing-over', time: 0, successor: 7 },
      'stdout',
      'Handing over to process 7: it accepts clients from now on',
    ],
    [{ type: 'handed-over', time: 0, successor: 7, clients: 1 }, 'stdout', 'Handed over 1 client to process 7'],
    [
      { type: 'hand-over-failed', time: 0, successor: 7 },
      'stderr',
      'Process 7 ended before it had taken all clients: this one accepts clients again',
    ],
    [
      { type: 'not-opened', time: 0, what: 'control', error: { code: 'HEDDLE_LISTEN', message: 'No place\n' } },
      'stderr',
      'No place\\n. Until then nobody can ask the server for its clients',
    ],
    [{ type: 'taken-over', time: 0, predecessor: 6, clients: 0 }, 'stdout', 'Took over 0 clients from process 6'],
    [{ type: 'rejects-hidden', time: 0, count: 1 }, 'stderr', '1 more client was turned away'],
    [{ type: 'rejects-hidden', time: 0, count: 290 }, 'stderr', '290 more clients were turned away'],
    [
      { type: 'events-lost', time: 0, count: 5 },
      'stderr',
      '5 events are not shown: they came faster than they could be written',
    ],
    [{ type: 'reload', time: 0, threads: 1 }, 'stdout', 'Serving new code on 1 thread'],
    [
      { ...DEPLOY, kind: 'reload', clients: 1024, moved: 1011, stayed: 13, dropped: 0 },
      'stdout',
      'Deploy: reload, 4 threads, 0.8 s: 1,024 = 1,011 moved + 13 stayed until they left + 0 dropped',
    ],
    [
      { ...DEPLOY, clients: 9, moved: 5, stayed: 1, dropped: 0, detail: 'it was killed' },
      'stderr',
      'Deploy: take-over, 4 threads, 0.8 s: 9 ≠ 5 moved + 1 stayed until they left + 0 dropped: what became of 3 is not known',
    ],
    [
      { ...DEPLOY, clients: 2, moved: 3, stayed: 0, dropped: 0 },
      'stderr',
      'Deploy: take-over, 4 threads, 0.8 s: 2 ≠ 3 moved + 0 stayed until they left + 0 dropped: 1 more than there were',
    ],
    [
      { ...DEPLOY, moved: 5, detail: 'process 7 has told nothing' },
      'stdout',
      'Deploy: take-over, 4 threads, 0.8 s: 5 moved; process 7 has told nothing',
    ],
    [
      { ...DEPLOY, result: 'failure', detail: 'process 7 ended before it served' },
      'stderr',
      'Deploy: take-over failed: process 7 ended before it served',
    ],
    [
      { type: 'reload-failed', time: 0, error: { code: 'HEDDLE_SERVICE_LOAD', message: 'no' } },
      'stderr',
      'The new code cannot be loaded; the old code goes on: no',
    ],
  ])('for %j goes to %s as %s', (event, to, text) => {
    expect(textLine(event)).toEqual({ to, text });
  });

  it('says of clients of a service of one’s own that they have connected and disconnected', () => {
    expect(textLine({ type: 'open', ...CLIENT }, 'plain')?.text).toBe('Client connected: 127.0.0.1 : 11600');
    const close = { type: 'close', ...CLIENT, reason: 'bad-frame', detail: 'x' } as const;
    expect(textLine(close, 'plain')?.text).toBe('Client disconnected: 127.0.0.1 : 11600 (bad-frame: x)');
  });

  it('is not written of a reload that failed a second time: another event says why', () => {
    expect(textLine({ ...DEPLOY, kind: 'reload', result: 'failure', detail: 'no such table' })).toBeUndefined();
  });

  it('is not written for a server that leaves: the command says so', () => {
    expect(textLine({ type: 'drain', time: 0, acceptsMs: 0 })).toBeUndefined();
  });

  it('shows the stack of a service error below it, indented', () => {
    const error = {
      code: 'X',
      message: 'a\nBye: forged',
      stack: 'Error: a\nBye: forged\n    at f (s.ts:1:2)\n    at g',
    };
    expect(textLine({ type: 'service-error', ...CLIENT, error })?.text).toBe(
      'The service failed with client 127.0.0.1 : 11600 on thread 2 (X): a\\nBye: forged\n    at f (s.ts:1:2)\n    at g',
    );
  });

  it('has no empty line where the message of an error ends with one', () => {
    const error = {
      code: 'X',
      message: 'a\n',
      stack: 'Error: a\n\n    at f (s.ts:1:2)\nCaused by: Error: b\n\n    at g',
    };
    expect(textLine({ type: 'service-error', ...CLIENT, error })?.text).toBe(
      'The service failed with client 127.0.0.1 : 11600 on thread 2 (X): a\\n\n    at f (s.ts:1:2)\nCaused by: Error: b\\n\n    at g',
    );
  });

  it('never has a control code, and never a second line that could pass for an event, whatever a client sent', () => {
    const anything = fc.string({ unit: 'binary' });
    const piece = fc.constantFrom('\n', ' ', '\u2028', 'at ', '\n    at f (s.ts:1:2)', '\nCaused by: ');
    const stacks = fc.array(fc.oneof(piece, anything), { maxLength: 12 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(anything, anything, fc.oneof(anything, stacks), (detail, message, stack) => {
        const events: ServerEvent[] = [
          { type: 'close', ...CLIENT, reason: 'bad-frame', detail },
          { type: 'service-error', ...CLIENT, error: { code: 'X', message, stack } },
        ];
        const [first, ...others] = events
          .map((event) => textLine(event)?.text ?? '')
          .join('\n')
          .split('\n');
        expect(first).toMatch(/^Bye: 127\.0\.0\.1 : 11600 \(bad-frame: /);
        expect(others[0]).toMatch(/^The service failed /);
        for (const line of others.slice(1)) expect(line).toMatch(/^(?: {4}at(?: |$)|Caused by: )/);
        // oxlint-disable-next-line no-control-regex
        expect([first, ...others].join('')).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
      }),
    );
  });
});
