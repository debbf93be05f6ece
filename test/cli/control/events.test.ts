import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { runEvents, type EventsFlags } from '../../../src/cli/control/events.ts';
import { testFolder } from '../../support/folder.ts';

/** Nobody waits here until it is asked again. */
vi.mock('node:timers/promises', () => ({ setTimeout: async () => {} }));

const START = { type: 'thread-start', time: 0, thread: 1 };

/** Runs the command at a server that gives `answers` one after the other, and ends then. */
async function eventsOf(flags: EventsFlags, ...answers: (readonly object[])[]) {
  const path = join(testFolder(), 'x.sock');
  const asked: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url);
    const answer = answers.shift();
    if (answer === undefined) request.socket.destroy();
    else response.end(answer.map((event) => `${JSON.stringify(event)}\n`).join(''));
  }).listen(path);
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const said = { stdout: '', stderr: '' };
  stdout.on('data', (data) => (said.stdout += String(data)));
  stderr.on('data', (data) => (said.stderr += String(data)));
  const ended = runEvents(path, flags, {}, { stdin: new PassThrough(), stdout, stderr });
  await ended.catch(() => {});
  return { asked, said, ended };
}

describe('heddle events', () => {
  it('prints what the server remembers, in the words of the log', async () => {
    const drain = { type: 'drain', time: 5, acceptsMs: 0, seq: 2 };
    const { ended, said } = await eventsOf({}, [{ ...START, seq: 1 }, drain]);
    expect(await ended).toBe(0);
    expect(said.stdout).toBe('1970-01-01T00:00:00.000Z Thread 1 serves\n1970-01-01T00:00:00.005Z drain acceptsMs 0\n');
  });

  it('prints lines of JSON, and events that it does not know', async () => {
    const news = { type: 'news', time: 0, text: 'hello', seq: 1 };
    expect((await eventsOf({ json: true }, [news])).said.stdout).toBe(`${JSON.stringify(news)}\n`);
    expect((await eventsOf({}, [news])).said.stdout).toContain('news text "hello"');
  });

  it('goes on with what is newer, says what it has missed, and ends with the server', async () => {
    const { asked, ended, said } = await eventsOf({ follow: true }, [{ ...START, seq: 3 }], [{ ...START, seq: 7 }]);
    await expect(ended).rejects.toThrow('Cannot reach the server');
    expect(asked).toEqual(['/v1/events?after=0', '/v1/events?after=3', '/v1/events?after=7']);
    expect(said.stdout.match(/Thread 1 serves/g)).toHaveLength(2);
    expect(said.stderr).toBe('3 events came too fast to be shown here\n');
  });
});
