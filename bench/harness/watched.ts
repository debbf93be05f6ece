/** Starts a server whose control socket the benchmark can ask. */
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServerProgram } from './programs.ts';
import type { Bench } from './question.ts';
import { type RunningServer, type ServerOptions, startServer } from './server.ts';

/** Runs `inside` with a fresh server of Heddle's, and the path of its control socket. `environment`: options as variables. */
export async function withWatchedServer<T>(
  bench: Bench,
  program: ServerProgram,
  options: ServerOptions,
  inside: (server: RunningServer, control: string) => Promise<T>,
  environment: Readonly<Record<string, string>> = {},
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-bench-'));
  const control = join(folder, 'control.sock');
  const env = { ...program.env, ...environment, HEDDLE_CONTROL: control };
  try {
    const server = await startServer(bench.programs, { ...program, env }, options);
    try {
      return await inside(server, control);
    } finally {
      await server.stop();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What a control socket answers at `path`, as JSON. */
export function jsonAt<T>(socketPath: string, path: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const asking = request({ socketPath, path, agent: false, headers: { host: 'localhost' } }, (answer) => {
      answer.toArray().then((chunks) => resolve(JSON.parse(chunks.join('')) as T), reject);
    });
    asking.on('error', reject).end();
  });
}
