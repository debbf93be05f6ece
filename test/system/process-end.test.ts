import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

interface Ended {
  readonly status: number | null;
  readonly signal: string | null;
  readonly output: string;
  /** How long the process took to end, in ms, after it had printed `ending`. */
  readonly after: number;
}

/** The acceptor notices after a second by itself that nobody needs it: who is told must be faster. */
const PROMPT = 700;
/** A busy machine makes anyone late now and then. */
const TRIES = 16;
/** Only a process that hangs takes longer. */
const TIMEOUT_MS = 150_000;

/** The same until it has ended promptly, which it must sooner or later; gives the last. */
async function runPromptly(script: string, way: string, signal?: NodeJS.Signals, line = ''): Promise<Ended> {
  let result = await run(script, way, signal, line);
  for (let tries = 1; tries < TRIES && result.after >= PROMPT; tries++) result = await run(script, way, signal, line);
  expect(result.after, result.output).toBeLessThan(PROMPT);
  return result;
}

/** Runs the script up to its end; once it says `ending` it gets `signal`, if there is one. */
async function run(script: string, way: string, signal?: NodeJS.Signals, line = ''): Promise<Ended> {
  const child = spawn(process.execPath, [script, way, line], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let ending = performance.now();
  const listen = (data: Buffer): void => {
    output += String(data);
    if (!String(data).includes('ending')) return;
    ending = performance.now();
    if (signal !== undefined) child.kill(signal);
  };
  child.stdout.on('data', listen);
  child.stderr.on('data', listen);
  const timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS);
  const [status, by] = (await once(child, 'close')) as [number | null, string | null];
  clearTimeout(timer);
  return { status, signal: by, output, after: performance.now() - ending };
}

describe('a process with a server', { timeout: TIMEOUT_MS + 10_000 }, () => {
  const script = fileURLToPath(new URL('./process-end.mjs', import.meta.url));

  it.each([
    ['exits right after the start', 'exit', 7],
    ['fails at start with a broken service', 'broken', 0],
    ['fails at start because the port is in use', 'in-use', 0],
    ['throws right after the start', 'throw', 1],
    ['has closed its server and nothing else to do', 'close', 0],
    ['has drained its server and nothing else to do', 'drain', 0],
  ])('ends promptly when it %s', async (_what, way, status) => {
    const result = await runPromptly(script, way);
    expect(result).toMatchObject({ status, signal: null });
  });

  it.each(['never', 'block 60000', 'spin'])(
    'ends promptly when it exits while a client is served: %s',
    async (line) => {
      const result = await runPromptly(script, 'exit-busy', undefined, line);
      expect(result).toMatchObject({ status: 8, signal: null });
    },
  );

  it('ends promptly on Ctrl-C that nobody handles', async () => {
    const result = await runPromptly(script, 'wait', 'SIGINT');
    expect(result).toMatchObject({ status: null, signal: 'SIGINT' });
  });

  it('stays alive as long as its server does', async () => {
    const result = await run(script, 'serve-then-close');
    expect(result.status).toBe(0);
    expect(result.output).toContain('still here');
  });

  it.each(['fail', 'close'])('survives the end of threads that are still starting: %s', async (way) => {
    const storm = fileURLToPath(new URL('./start-storm.mjs', import.meta.url));
    const result = await run(storm, way);
    expect(result).toMatchObject({ status: 0, signal: null, output: 'done\n' });
  });
});
