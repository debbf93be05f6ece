/** A process that the benchmark started: its lines, its exit, its end. Used for servers, loads and idle clients. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const PATIENCE_MS = 20_000;
const SHUTDOWN_MS = 5_000;
const STDERR_KEPT = 4_000;

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export class Child {
  readonly command: readonly string[];
  readonly #process: ChildProcess;
  readonly #exit: Promise<number | null>;
  #stderr = '';

  constructor(command: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}) {
    const [file = '', ...words] = command;
    this.command = command;
    this.#process = spawn(file, words, { ...options, stdio: ['pipe', 'pipe', 'pipe'] });
    running.add(this.#process);
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_KEPT);
    });
    this.#exit = once(this.#process, 'close').then(([code]) => {
      running.delete(this.#process);
      return typeof code === 'number' ? code : null;
    });
    this.#exit.catch(() => running.delete(this.#process));
  }

  get pid(): number {
    if (this.#process.pid === undefined) throw new Error(`${this.command[0]} did not start`);
    return this.#process.pid;
  }

  /**
   * Resolves with the next line that matches; output that nobody waits for is read and dropped, so that the process never blocks.
   * `expectedMs`: how long the process is known to take.
   */
  async line(pattern: RegExp, expectedMs = 0): Promise<RegExpExecArray> {
    const { stdout } = this.#process;
    if (stdout === null) throw new Error(`${this.command[0]} has no stdout`);
    const lines = createInterface({ input: stdout });
    const found = new Promise<RegExpExecArray>((resolve) => {
      lines.on('line', (line) => {
        const match = pattern.exec(line);
        if (match === null) return;
        lines.close();
        stdout.resume();
        resolve(match);
      });
    });
    const ended = this.#exit.then((code) => this.#fail(`ended with status ${code}`));
    return this.#inTime(Promise.race([found, ended]), expectedMs + PATIENCE_MS, `said nothing like ${pattern}`);
  }

  /** Writes a line to the process. */
  say(line: string): void {
    this.#process.stdin?.write(`${line}\n`);
  }

  /** Resolves with all that the process printed, once it has ended with status 0. */
  async output(): Promise<string> {
    let text = '';
    this.#process.stdout?.setEncoding('utf8').on('data', (part: string) => (text += part));
    const code = await this.#exit;
    if (code !== 0) this.#fail(`ended with status ${code}`);
    return text;
  }

  /** Ends the process: politely, then not. */
  async stop(): Promise<void> {
    this.#process.kill('SIGTERM');
    const timer = setTimeout(() => {
      process.stderr.write(`${this.command.join(' ')} outlived SIGTERM by ${SHUTDOWN_MS} ms: killed\n`);
      this.#process.kill('SIGKILL');
    }, SHUTDOWN_MS);
    await this.#exit.catch(() => null);
    clearTimeout(timer);
  }

  async #inTime<T>(promise: Promise<T>, ms: number, complaint: string): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(this.#message(`${complaint} within ${ms} ms`))), ms);
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
  }

  #fail(what: string): never {
    throw new Error(this.#message(what));
  }

  #message(what: string): string {
    return `${this.command.join(' ')} ${what}${this.#stderr === '' ? '' : `\n${this.#stderr.trimEnd()}`}`;
  }
}
