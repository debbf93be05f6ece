/** Has the benchmark's clients talk: a program in C, whose own work is not measured. */
import { pickCores } from '../../bench/harness/cores.ts';
import { type Programs, preparePrograms } from '../../bench/harness/programs.ts';
import { runWaitLoad, type WaitLoad, type WaitSample } from '../../bench/harness/wait-load.ts';
import type { FaultServer } from './fault-server.ts';

let programs: Programs | undefined;

/** Clients that talk, each with a nonce in every message; rejects if one gets what is not its own. */
export function talk(server: FaultServer, load: Partial<WaitLoad>): Promise<WaitSample> {
  programs ??= preparePrograms([]);
  const cores = pickCores();
  const quiet = { lights: 1, burners: 0, burnMs: 0, thinkMs: 0, warmMs: 0, ms: 1000 };
  return runWaitLoad(programs.lights, [cores.server, cores.load], server.port, { ...quiet, ...load });
}

/** The p99 of a client that says one message after another for a moment, in ms. */
export async function p99(server: FaultServer): Promise<number> {
  const { p99Us } = await talk(server, { warmMs: 100, ms: 300 });
  return p99Us / 1000;
}
