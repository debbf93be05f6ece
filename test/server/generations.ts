/** Servers that take over from each other, in one process: nothing of what they do depends on who has the other end. */
import { Counter } from 'heddle';
import type { ServeOptions } from '../../src/options/serve-options.ts';
import type { Server } from '../../src/server/server.ts';
import { type Running, service, start } from './running.ts';

export interface Generation extends Running {
  readonly opened: Counter;
  readonly closed: Counter;
  /** Lets handlers go on that were asked for `later`. */
  letGo(): void;
}

/** Starts a server called `name` that takes over at `takeOver`. */
export async function generation(name: string, takeOver: string, options: ServeOptions = {}): Promise<Generation> {
  const [opened, closed] = [new Counter(), new Counter()];
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const shared = { name, opened, closed, gate };
  const running = await start(service('generation'), { takeOver, shared, ...options });
  const letGo = (): void => {
    Atomics.store(gate, 0, 1);
    Atomics.notify(gate, 0);
  };
  return Object.assign(running, { opened, closed, letGo });
}

/** How many clients came to `server`, and what became of them: the two are equal. */
export function balanceOf(server: Server): { readonly came: number; readonly went: number } {
  const { accepted, clients, closes, handedOver, takenOver } = server.stats();
  const closed = Object.values(closes).reduce((sum, count) => sum + count, 0);
  return { came: accepted + takenOver, went: clients + closed + handedOver };
}
