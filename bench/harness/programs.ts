/** The programs that rounds are made of, compiled into a temporary folder; a peer that is not installed is left out. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const SERVER_NAMES = ['c', 'heddle', 'heddle-async', 'heddle-session', 'node', 'go', 'uvloop'] as const;
export type ServerName = (typeof SERVER_NAMES)[number];
export type BenchFraming = 'chunk' | 'line';

/** How a server is started, and what it is called in a table. */
export interface ServerProgram {
  readonly name: ServerName;
  readonly title: string;
  command(framing: BenchFraming, threads?: number): string[];
  readonly env: Readonly<Record<string, string>>;
}

export interface Programs {
  readonly folder: string;
  readonly load: string;
  readonly idle: string;
  readonly servers: ReadonlyMap<ServerName, ServerProgram>;
  /** Servers that cannot run here, and why. */
  readonly missing: ReadonlyMap<ServerName, string>;
}

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const peer = (file: string): string => path(`../peers/${file}`);

/** Runs a tool to its end and returns what it printed; throws an error that says what it said. */
function run(file: string, words: readonly string[]): string {
  const { error, status, stdout, stderr } = spawnSync(file, words, { encoding: 'utf8' });
  if (error !== undefined) throw new Error(`${file} cannot be run here (${error.message}); is it installed?`);
  if (status !== 0) throw new Error(`${file} ${words.join(' ')} ended with status ${status}\n${stderr.trim()}`);
  return stdout.trim();
}

function compileC(file: string, target: string): string {
  run('gcc', ['-O2', '-o', target, peer(file)]);
  return target;
}

function peerProgram(name: ServerName, title: string, program: string[], env = {}): ServerProgram {
  return { name, title, command: (framing) => [...program, framing], env };
}

function heddle(name: ServerName, title: string, service?: string): ServerProgram {
  const main = path('../../dist/cli/main.js');
  if (!existsSync(main)) throw new Error('it is not built; run: npm run build');
  const served = service === undefined ? [] : [path(`../services/${service}`)];
  const base = [process.execPath, main, 'serve', ...served, '--host', '127.0.0.1', '--port', '0'];
  return {
    name,
    title,
    command: (framing, threads) => [
      ...base,
      '--framing',
      framing,
      ...(threads === undefined ? [] : ['--threads', String(threads)]),
    ],
    env: {},
  };
}

function go(folder: string): ServerProgram {
  const target = join(folder, 'net-go');
  run('go', ['build', '-o', target, peer('net.go')]);
  const version = /go(\d\S*)/.exec(run('go', ['version']))?.[1] ?? '';
  return peerProgram('go', `Go ${version} net`, [target], { GOMAXPROCS: '1' });
}

/** Debian puts uvloop beside its own Python, which need not be the first one in PATH. */
function uvloop(): ServerProgram {
  for (const python of ['python3', '/usr/bin/python3']) {
    try {
      const version = run(python, ['-c', 'import uvloop; print(uvloop.__version__)']);
      return peerProgram('uvloop', `uvloop ${version}`, [python, peer('uvloop-protocol.py')]);
    } catch {
      // The next one may have it.
    }
  }
  throw new Error('no python3 here has uvloop');
}

const MAKERS: Readonly<Record<ServerName, (folder: string) => ServerProgram>> = {
  c: (folder) => peerProgram('c', 'C epoll', [compileC('epoll.c', join(folder, 'epoll'))]),
  heddle: () => heddle('heddle', 'Heddle'),
  'heddle-async': () => heddle('heddle-async', 'Heddle, async message', 'async-reverse.mjs'),
  'heddle-session': () => heddle('heddle-session', 'Heddle, session', 'session-reverse.mjs'),
  node: () => peerProgram('node', `Node ${process.versions.node} net`, [process.execPath, peer('node-net.mjs')]),
  go,
  uvloop,
};

/** Compiles and finds what `names` need; throws only if the load or the yardstick cannot be compiled. */
export function preparePrograms(names: readonly ServerName[]): Programs {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const servers = new Map<ServerName, ServerProgram>();
  const missing = new Map<ServerName, string>();
  for (const name of names) {
    try {
      servers.set(name, MAKERS[name](folder));
    } catch (error) {
      missing.set(name, error instanceof Error ? error.message.trim() : String(error));
    }
  }
  const load = compileC('load.c', join(folder, 'load'));
  const idle = compileC('idle.c', join(folder, 'idle'));
  return { folder, load, idle, servers, missing };
}
