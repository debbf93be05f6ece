import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** The built command. */
export const HEDDLE = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** The path of a file beside this one. */
export function here(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

export interface Finished {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process that the test started, with what it has printed. */
export class Running implements AsyncDisposable {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  readonly #closed: Promise<unknown>;

  constructor(command: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
    this.child = spawn(command, args, { stdio: 'pipe', env: { ...process.env, ...environment } });
    this.child.stdout?.on('data', (data) => (this.stdout += String(data)));
    this.child.stderr?.on('data', (data) => (this.stderr += String(data)));
    this.child.stdin?.on('error', () => {}); // It has ended, which its status tells.
    this.#closed = once(this.child, 'close');
  }

  /** Resolves with the match once stdout has one; rejects if the process ends without. */
  async shows(pattern: RegExp): Promise<RegExpMatchArray> {
    for (;;) {
      const match = pattern.exec(this.stdout);
      if (match !== null) return match;
      const ended = this.#closed.then(() => true);
      const printed = once(this.child.stdout ?? this.child, 'data').then(() => false);
      if ((await Promise.race([ended, printed])) && !pattern.test(this.stdout)) {
        throw new Error(`It ended without showing ${pattern}: ${this.stdout}${this.stderr}`);
      }
    }
  }

  async finished(): Promise<Finished> {
    await this.#closed;
    return { status: this.child.exitCode, stdout: this.stdout, stderr: this.stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill('SIGKILL');
    await this.#closed;
  }
}

/** Runs a command to its end, with `input` on its stdin. */
export function run(
  command: string,
  args: readonly string[],
  input = '',
  environment?: NodeJS.ProcessEnv,
): Promise<Finished> {
  const running = new Running(command, args, environment);
  running.child.stdin?.end(input);
  return running.finished();
}

/** Runs `heddle` as a process that may have `files` files open. */
export function runWithFiles(
  files: number,
  args: readonly string[],
  environment?: NodeJS.ProcessEnv,
): Promise<Finished> {
  const words = ['-c', `ulimit -n ${files}; exec "$0" "$@"`, process.execPath, HEDDLE, ...args];
  return run('sh', words, '', environment);
}

/** Starts `heddle serve` on a free port; `args` may say more. */
export async function startHeddle(...args: string[]): Promise<Running & { readonly port: number }> {
  const running = new Running(process.execPath, [HEDDLE, 'serve', '--port', '0', '--threads', '2', ...args]);
  const [, port] = await running.shows(/^Server running on port (\d+)$/m);
  return Object.assign(running, { port: Number(port) });
}
