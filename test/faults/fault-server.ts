/** The server under fault: a process of its own, so that its memory, its fds and its CPU can be seen from outside. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Child } from '../../bench/harness/child.ts';
import type { ServeOptions } from '../../src/options/serve-options.ts';

export interface FaultStats {
  readonly clients: number;
  readonly accepted: number;
  readonly messages: number;
  readonly closes: Readonly<Record<string, number>>;
  /** Errors that the service threw and that were reported. */
  readonly errors: number;
  readonly held: readonly { readonly time: number; readonly port: number }[];
  readonly starts: readonly { readonly time: number }[];
}

const SERVER = fileURLToPath(new URL('./server.mjs', import.meta.url));
const PAGE = 4096;
/** Ticks of /proc/pid/stat in a second, on every Linux that Node runs on. */
const TICKS = 100;

export class FaultServer implements AsyncDisposable {
  readonly port: number;
  readonly #child: Child;

  private constructor(child: Child, port: number) {
    this.#child = child;
    this.port = port;
  }

  /** `before`: words of a shell that come before the server, such as `ulimit -n 130;`. */
  static async start(options: ServeOptions = {}, before = ''): Promise<FaultServer> {
    const script = `${before} exec "$0" "$@"`;
    const child = new Child(['sh', '-c', script, process.execPath, SERVER, JSON.stringify(options)]);
    const [, port] = await child.line(/Server running on port (\d+)/);
    return new FaultServer(child, Number(port));
  }

  get pid(): number {
    return this.#child.pid;
  }

  async stats(): Promise<FaultStats> {
    const line = this.#child.line(/^stats (.*)$/);
    this.#child.say('stats');
    const [, json = ''] = await line;
    return JSON.parse(json) as FaultStats;
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
  }

  /** Sends SIGTERM and resolves when the process has ended. */
  stop(): Promise<void> {
    return this.#child.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
