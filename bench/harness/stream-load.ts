/** Asks the servers of `streams` in the protocol of each: `wrk` for HTTP, `bench/peers/library-load.mjs` for the others. */
import { fileURLToPath } from 'node:url';
import { Child } from './child.ts';
import { pinned } from './cores.ts';

const PROGRAM = fileURLToPath(new URL('../peers/library-load.mjs', import.meta.url));
const WRK_CLIENTS = 50;

/** What a slice did: `busy` is the part of the time that the load itself was on its CPU. */
export interface Exchange {
  readonly messages: number;
  readonly busy: number;
}

/** The load on one server; whoever is connected after a slice stays so until the next. */
export interface StreamLoad {
  slice(seconds: number): Promise<Exchange>;
  stop(): Promise<void>;
}

export type StreamLoadKind = 'http' | 'ws' | 'mqtt-qos-0' | 'mqtt-qos-1';

/** Begins a load of `kind` on `port`, on the CPU `cpu`. */
export function startStreamLoad(kind: StreamLoadKind, port: number, cpu: number): StreamLoad {
  return kind === 'http' ? wrk(port, cpu) : libraryLoad(kind, port, cpu);
}

function wrk(port: number, cpu: number): StreamLoad {
  return {
    async slice(seconds) {
      const words = ['-t1', `-c${WRK_CLIENTS}`, `-d${seconds}s`, `http://127.0.0.1:${port}/`];
      const text = await new Child(pinned(cpu, ['wrk', ...words])).output();
      const messages = Number(/(\d+) requests in/.exec(text)?.[1]);
      if (!(messages > 0) || /Socket errors|Non-2xx/.test(text)) throw new Error(`wrk had no clean run: ${text}`);
      return { messages, busy: NaN };
    },
    stop: () => Promise.resolve(),
  };
}

function libraryLoad(kind: StreamLoadKind, port: number, cpu: number): StreamLoad {
  const child = new Child(pinned(cpu, [process.execPath, PROGRAM, kind, String(port)]));
  return {
    async slice(seconds) {
      child.say(String(seconds * 1_000));
      const [line] = await child.line(/^\{.*\}$/, seconds * 1_000);
      return JSON.parse(line) as Exchange;
    },
    stop: () => child.stop(),
  };
}
