/** A Heddle server in a process of its own that tells its numbers and reloads when it is asked. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Child } from './child.ts';

/** Totals since the server started; `clients` and `threads` (the clients of each) are of now. */
export interface AskedStats {
  readonly clients: number;
  readonly accepted: number;
  readonly closes: Readonly<Record<string, number>>;
  readonly moves: Readonly<Record<string, number>>;
  readonly threads: readonly number[];
}

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

function isStats(value: unknown): value is AskedStats {
  return typeof value === 'object' && value !== null && 'closes' in value && 'threads' in value;
}

export class AskedServer {
  readonly port: number;
  readonly #child: Child;

  private constructor(child: Child, port: number) {
    this.#child = child;
    this.port = port;
  }

  /** Serves `bench/services/<service>` on `threads` threads (`4`, `2..24`). */
  static async start(service: string, threads: string): Promise<AskedServer> {
    if (!existsSync(path('../../dist/index.js'))) throw new Error('Heddle is not built; run: npm run build');
    const child = new Child([process.execPath, path('../servers/asked.mjs'), path(`../services/${service}`), threads]);
    try {
      const [, port] = await child.line(/Server running on port (\d+)/);
      return new AskedServer(child, Number(port));
    } catch (error) {
      await child.stop();
      throw error;
    }
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** One question at a time: an answer goes to whoever asks. */
  async stats(): Promise<AskedStats> {
    const [, json = ''] = await this.#ask('stats', /^stats (.*)$/);
    const stats: unknown = JSON.parse(json);
    if (!isStats(stats)) throw new Error(`the server's numbers are not what was expected: ${json}`);
    return stats;
  }

  /** Resolves with why the old code was kept; `undefined`: the new code serves. */
  async reload(): Promise<string | undefined> {
    const [, why] = await this.#ask('reload', /^(?:reloaded|kept (.*))$/);
    return why;
  }

  async stop(): Promise<void> {
    await this.#child.stop();
  }

  async #ask(question: string, answer: RegExp): Promise<RegExpExecArray> {
    const line = this.#child.line(answer);
    this.#child.say(question);
    return line;
  }
}
