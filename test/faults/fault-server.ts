/** The server under fault: a process of its own, so that its memory, its fds and its CPU can be seen from outside. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Child } from '../../bench/harness/child.ts';
import type { ServeOptions } from '../../src/options/serve-options.ts';

export interface FaultStats {
  readonly clients: number;
  readonly accepted: number;
  readonly messages: number;
  readonly moves: Readonly<Record<string, number>>;
  readonly closes: Readonly<Record<string, number>>;
  /** Clients of each thread; a thread that is not there has 0. */
  readonly threads: readonly number[];
  /** Clients that the service was told of. */
  readonly opened: number;
  /** Errors that the service threw and that were reported. */
  readonly errors: number;
  /** Threads that have ended without being told to, by cause. */
  readonly exits: Readonly<Record<string, number>>;
  /** Ports of the clients whose handlers blocked a thread for too long. */
  readonly held: readonly number[];
  /** How often the log would say that accepting pauses. */
  readonly pauses: number;
  /** When each thread started to serve, in ms since 1970. */
  readonly starts: readonly number[];
}

const SERVER = fileURLToPath(new URL('./server.mjs', import.meta.url));
const PAGE = 4096;
/** Ticks of /proc/pid/stat in a second, on every Linux that Node runs on. */
const TICKS = 100;

export class FaultServer {
  readonly port: number;
  readonly #child: Child;
  /** The answers to all that was asked so far. */
  #asked: Promise<unknown> = Promise.resolve();
  #isRunning = true;

  private constructor(child: Child, port: number) {
    this.#child = child;
    this.port = port;
  }

  /** `before`: words of a shell that come before the server, such as `ulimit -n 130;`; `flags`: of Node. */
  static async start(options: ServeOptions = {}, before = '', flags: readonly string[] = []): Promise<FaultServer> {
    const script = `${before} exec "$0" "$@"`;
    const child = new Child(['sh', '-c', script, process.execPath, ...flags, SERVER, JSON.stringify(options)]);
    const [, port] = await child.line(/Server running on port (\d+)/);
    return new FaultServer(child, Number(port));
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** It was not told to end, nor has it. */
  get isRunning(): boolean {
    return this.#isRunning;
  }

  async stats(): Promise<FaultStats> {
    const [, json = ''] = await this.#ask('stats', /^stats (.*)$/);
    return JSON.parse(json) as FaultStats;
  }

  /** Loads the service anew; resolves with why the old code was kept, `undefined` if it was not. */
  async reload(): Promise<string | undefined> {
    const [, why] = await this.#ask('reload', /^(?:reloaded|kept (.*))$/);
    return why;
  }

  /** Frees what is garbage (with the flags that tidy.mjs names), and gives what malloc keeps of it back to the system. */
  async tidy(): Promise<void> {
    await this.#ask('tidy', /^tidied$/);
  }

  /** Open fds of the process. */
  get fds(): number {
    return readdirSync(`/proc/${this.pid}/fd`).length;
  }

  /** Memory of the process, in bytes (resident set). */
  get memory(): number {
    const [, resident] = readFileSync(`/proc/${this.pid}/statm`, 'latin1').split(' ');
    return Number(resident) * PAGE;
  }

  /** CPU time that the process has used, in ms. */
  get cpu(): number {
    const stat = readFileSync(`/proc/${this.pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS;
  }

  /** Resolves when the process has ended by itself, with status 0. */
  async ended(): Promise<void> {
    await this.#child.output();
    this.#isRunning = false;
  }

  /** Sends SIGTERM and resolves when the process has ended. */
  stop(): Promise<void> {
    this.#isRunning = false;
    return this.#child.stop();
  }

  /** One question at a time: an answer goes to whoever asks. */
  #ask(question: string, answer: RegExp): Promise<RegExpExecArray> {
    const answered = this.#asked.then(() => {
      const line = this.#child.line(answer);
      this.#child.say(question);
      return line;
    });
    this.#asked = answered.catch(() => {});
    return answered;
  }
}
