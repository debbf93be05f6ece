/** The programs that rounds are made of, compiled into a temporary folder; a peer that is not installed is left out. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Build, oldBuild, thisBuild } from './builds.ts';

export const SERVER_NAMES = [
  'c',
  'heddle',
  'heddle-async',
  'heddle-session',
  'heddle-never',
  'heddle-no-control',
  'heddle-tls',
  'heddle-http',
  'heddle-ws',
  'heddle-mqtt',
  'heddle-length',
  'heddle-field',
  'heddle-own',
  'node',
  'node-http',
  'node-ws',
  'node-mqtt',
  'node-tls',
  'node-workers',
  'go',
  'uvloop',
  'bun',
  'heddle-burn',
  'cluster-burn',
  'go-burn',
  'erlang-burn',
] as const;
/** A kind of server that the benchmark knows. */
export type ServerKind = (typeof SERVER_NAMES)[number];
/** A server of a run; `heddle:old` is `heddle` of the older build. */
export type ServerName = ServerKind | `${ServerKind & `heddle${string}`}:old`;
export type BenchFraming = 'chunk' | 'line';

/** How a server is started, and what it is called in a table. */
export interface ServerProgram {
  readonly name: ServerName;
  readonly title: string;
  command(framing: BenchFraming, threads?: number | string): string[];
  readonly env: Readonly<Record<string, string>>;
}

export interface Programs {
  readonly folder: string;
  readonly load: string;
  readonly idle: string;
  readonly lights: string;
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

/** Compiles what speaks TLS; OpenSSL's headers have to be there. */
export function compileTls(file: string, target: string): string {
  run('gcc', ['-O2', '-DTLS', '-o', target, peer(file), '-lssl', '-lcrypto']);
  return target;
}

/**
 * Makes a certificate and its key, unless it is there already. A message costs the same with any key; a handshake with this
 * one costs the server seven times what it costs the load, with RSA 2048 less than twice: then two CPUs are full with one thread.
 */
function certificate(folder: string): { readonly cert: string; readonly key: string } {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const about = ['-subj', '/CN=localhost', '-days', '30', '-out', cert, '-keyout', key];
  if (!existsSync(cert)) run('openssl', ['req', '-x509', '-newkey', 'rsa:4096', '-nodes', ...about]);
  return { cert, key };
}

function heddleTls(folder: string, build: Build): ServerProgram {
  const { cert, key } = certificate(folder);
  return heddle(build, 'heddle-tls', '', undefined, ['--tls-cert', cert, '--tls-key', key]);
}

function nodeTls(folder: string): ServerProgram {
  const { cert, key } = certificate(folder);
  const title = `Node ${process.versions.node} tls`;
  return peerProgram('node-tls', title, [process.execPath, peer('node-tls.mjs'), cert, key]);
}

/** No server: as many threads of Node, with nothing in them. By default two. */
function nodeWorkers(): ServerProgram {
  const title = `Node ${process.versions.node} empty worker`;
  const base = [process.execPath, peer('node-workers.mjs')];
  return { name: 'node-workers', title, command: (_framing, threads = 2) => [...base, String(threads)], env: {} };
}

function peerProgram(name: ServerName, title: string, program: string[], env = {}): ServerProgram {
  return { name, title, command: (framing) => [...program, framing], env };
}

/** `title` is what follows the build's own. */
function heddle(
  build: Build,
  name: ServerName,
  title: string,
  service?: string,
  options: string[] = [],
): ServerProgram {
  const served = service === undefined ? [] : [join(build.services, service)];
  const base = [process.execPath, build.main, 'serve', ...served, '--host', '127.0.0.1', '--port', '0', ...options];
  return {
    name,
    title: `${build.title}${title}`,
    command: (framing, threads) => [
      ...base,
      '--framing',
      framing,
      ...(threads === undefined ? [] : ['--threads', String(threads)]),
    ],
    env: {},
  };
}

/** A server whose service says what its framing is, or that it has none. */
function withItsOwnFraming(program: ServerProgram): ServerProgram {
  const command = (_framing: BenchFraming, threads?: number | string): string[] =>
    program.command('chunk', threads).filter((word) => word !== '--framing' && word !== 'chunk');
  return { ...program, command };
}

function heddleFramed(build: Build, name: ServerName, title: string, framing: string): ServerProgram {
  return { ...withItsOwnFraming(heddle(build, name, title, 'framed.mjs')), env: { BENCH_FRAMING: framing } };
}

const heddleStream = (build: Build, name: ServerName, library: string): ServerProgram =>
  withItsOwnFraming(heddle(build, name, `, ${library} on a stream`, `${library}.mjs`));

/** The server of `library` on its own listener. */
const nodeLibrary = (name: ServerName, library: string): ServerProgram =>
  peerProgram(name, `Node ${process.versions.node} ${library}`, [process.execPath, peer(`node-${library}.mjs`)]);

/** Compiles a Go program; the title is what it is called after `Go` and the version. */
function go(name: ServerName, file: string, title: string, folder: string, env = {}): ServerProgram {
  const target = join(folder, name);
  run('go', ['build', '-o', target, peer(file)]);
  const version = /go(\d\S*)/.exec(run('go', ['version']))?.[1] ?? '';
  return peerProgram(name, `Go ${version}${title}`, [target], env);
}

/** What follows `-extra` is not for the emulator. */
function erlang(folder: string): ServerProgram {
  run('erlc', ['-o', folder, peer('burn.erl')]);
  const release = run('erl', ['-noshell', '-eval', 'io:put_chars(erlang:system_info(otp_release)), halt().']);
  const program = ['erl', '-noinput', '-pa', folder, '-s', 'burn', 'start', '-extra'];
  return peerProgram('erlang-burn', `Erlang/OTP ${release}`, program);
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

type HeddleKind = ServerKind & `heddle${string}`;

const BUILDS: Readonly<Record<HeddleKind, (build: Build, folder: string) => ServerProgram>> = {
  heddle: (build) => heddle(build, 'heddle', ''),
  'heddle-async': (build) => heddle(build, 'heddle-async', ', async message', 'async-reverse.mjs'),
  'heddle-session': (build) => heddle(build, 'heddle-session', ', session', 'session-reverse.mjs'),
  'heddle-never': (build) => heddle(build, 'heddle-never', ', never moving', undefined, ['--move-after', 'never']),
  'heddle-no-control': (build) =>
    heddle(build, 'heddle-no-control', ', no control socket', undefined, ['--control', 'off']),
  'heddle-burn': (build) => heddle(build, 'heddle-burn', '', 'burn.mjs'),
  'heddle-tls': (build, folder) => heddleTls(folder, build),
  'heddle-http': (build) => heddleStream(build, 'heddle-http', 'http'),
  'heddle-ws': (build) => heddleStream(build, 'heddle-ws', 'ws'),
  'heddle-mqtt': (build) => heddleStream(build, 'heddle-mqtt', 'mqtt'),
  'heddle-length': (build) => heddleFramed(build, 'heddle-length', ', length', 'length'),
  'heddle-field': (build) => heddleFramed(build, 'heddle-field', ', a length field', 'field'),
  'heddle-own': (build) => heddleFramed(build, 'heddle-own', ', a framing of its own', 'own'),
};

const PEERS: Readonly<Record<Exclude<ServerKind, HeddleKind>, (folder: string) => ServerProgram>> = {
  c: (folder) => peerProgram('c', 'C epoll', [compileC('epoll.c', join(folder, 'epoll'))]),
  'node-tls': nodeTls,
  'node-http': () => nodeLibrary('node-http', 'http'),
  'node-ws': () => nodeLibrary('node-ws', 'ws'),
  'node-mqtt': () => nodeLibrary('node-mqtt', 'mqtt'),
  node: () => peerProgram('node', `Node ${process.versions.node} net`, [process.execPath, peer('node-net.mjs')]),
  'node-workers': nodeWorkers,
  go: (folder) => go('go', 'net.go', ' net', folder, { GOMAXPROCS: '1' }),
  uvloop,
  bun: () => peerProgram('bun', `Bun ${run('bun', ['--version'])}`, ['bun', peer('bun-listen.mjs')]),
  'cluster-burn': () => peerProgram('cluster-burn', 'Node cluster', [process.execPath, peer('burn-cluster.mjs')]),
  'go-burn': (folder) => go('go-burn', 'burn.go', '', folder),
  'erlang-burn': erlang,
};

const isHeddle = (kind: ServerKind): kind is HeddleKind => kind in BUILDS;

const make = (kind: ServerKind, folder: string): ServerProgram =>
  isHeddle(kind) ? BUILDS[kind](thisBuild(), folder) : PEERS[kind](folder);

/** Compiles and finds what `kinds` need, and Heddle's also in the build of `old`; throws only if the load, the yardstick or that build is not there. */
export function preparePrograms(kinds: readonly ServerKind[], old?: string): Programs {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const servers = new Map<ServerName, ServerProgram>();
  const missing = new Map<ServerName, string>();
  for (const kind of kinds) {
    try {
      servers.set(kind, make(kind, folder));
    } catch (error) {
      missing.set(kind, error instanceof Error ? error.message.trim() : String(error));
    }
    if (old === undefined || !isHeddle(kind)) continue;
    const name = `${kind}:old` as const;
    servers.set(name, { ...BUILDS[kind](oldBuild(old, folder), folder), name });
  }
  const load = compileC('load.c', join(folder, 'load'));
  const idle = compileC('idle.c', join(folder, 'idle'));
  const lights = compileC('lights.c', join(folder, 'lights'));
  return { folder, load, idle, lights, servers, missing };
}
