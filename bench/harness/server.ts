/** A server under measurement, from its start to its end. Used by every question. */
import { Child } from './child.ts';
import { pinned } from './cores.ts';
import type { BenchFraming, Programs, ServerProgram } from './programs.ts';

export interface ServerOptions {
  readonly framing: BenchFraming;
  readonly threads?: number | string;
  /** The CPUs that it may use; without it, all. */
  readonly cpu?: number | readonly number[];
}

export interface RunningServer {
  readonly pid: number;
  readonly port: number;
  stop(): Promise<void>;
}

/** Settings of the user's own must not change what is measured. */
function cleanEnvironment(extra: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const dropped = /^(HEDDLE_|NODE_OPTIONS$|GO(MAXPROCS|GC|DEBUG)$)/;
  const kept = Object.entries(process.env).filter(([name]) => !dropped.test(name));
  return { ...Object.fromEntries(kept), ...extra };
}

/** Starts `program` on a free port and resolves once it says that clients can connect. */
export async function startServer(
  programs: Programs,
  program: ServerProgram,
  options: ServerOptions,
): Promise<RunningServer> {
  const command = program.command(options.framing, options.threads);
  const child = new Child(options.cpu === undefined ? command : pinned(options.cpu, command), {
    cwd: programs.folder,
    env: cleanEnvironment(program.env),
  });
  try {
    const [, port] = await child.line(/Server running on port (\d+)/);
    return { pid: child.pid, port: Number(port), stop: () => child.stop() };
  } catch (error) {
    await child.stop();
    throw error;
  }
}
