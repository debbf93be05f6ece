/** Runs servers against each other, round by round, so that a change of the machine's mood meets all of them. */
import type { ServerName, ServerProgram } from './programs.ts';
import type { Bench } from './question.ts';

/** The samples of each server, one for each round; a server that failed is not in it. */
export type Samples<T> = ReadonlyMap<ServerName, readonly T[]>;

/** Each round starts with another server, so that none always follows the same one. */
function rotated<T>(items: readonly T[], by: number): T[] {
  const start = by % Math.max(items.length, 1);
  return [...items.slice(start), ...items.slice(0, start)];
}

/** Measures every server once a round; one that fails is named, and left out from then on. */
export async function interleave<T>(
  bench: Bench,
  servers: readonly ServerProgram[],
  rounds: number,
  measure: (server: ServerProgram) => Promise<T>,
): Promise<Samples<T>> {
  const samples = new Map<ServerName, T[]>(servers.map((server) => [server.name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const server of rotated(servers, round)) {
      const own = samples.get(server.name);
      if (own === undefined) continue;
      bench.progress(`  round ${round + 1} of ${rounds}: ${server.title}`);
      try {
        own.push(await measure(server));
      } catch (error) {
        bench.progress(`  ${server.title} failed: ${error instanceof Error ? error.message : String(error)}`);
        samples.delete(server.name);
      }
    }
  }
  return samples;
}
