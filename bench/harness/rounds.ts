/** Runs servers against each other, turn by turn, so that a change of the machine's mood meets all of them. */
import type { ServerName, ServerProgram } from './programs.ts';
import type { Bench } from './question.ts';

/** The samples of each server, one for each round; a server that failed is not in it. */
export type Samples<T> = ReadonlyMap<ServerName, readonly T[]>;

/** The servers that are measured against each other; one that fails is out. */
export class Contest {
  readonly #bench: Bench;
  #servers: readonly ServerProgram[];

  constructor(bench: Bench, servers: readonly ServerProgram[]) {
    this.#bench = bench;
    this.#servers = servers;
  }

  get names(): readonly ServerName[] {
    return this.#servers.map(({ name }) => name);
  }

  /** Has each server do `work` once. The turns of different numbers begin with different servers: none always follows the same one. */
  async turn(number: number, work: (server: ServerProgram) => Promise<void>): Promise<void> {
    const start = number % Math.max(this.#servers.length, 1);
    for (const server of [...this.#servers.slice(start), ...this.#servers.slice(0, start)]) {
      try {
        await work(server);
      } catch (error) {
        this.#bench.progress(`  ${server.title} failed: ${error instanceof Error ? error.message : String(error)}`);
        this.#servers = this.#servers.filter((other) => other !== server);
      }
    }
  }
}

/** Gives the samples of those who are still in the contest. */
export function samplesOf<T>(contest: Contest, samples: ReadonlyMap<ServerName, readonly T[]>): Samples<T> {
  return new Map(contest.names.map((name) => [name, samples.get(name) ?? []]));
}

/** Measures every server once a round; one that fails is named, and left out from then on. */
export async function interleave<T>(
  bench: Bench,
  servers: readonly ServerProgram[],
  rounds: number,
  measure: (server: ServerProgram) => Promise<T>,
): Promise<Samples<T>> {
  const contest = new Contest(bench, servers);
  const samples = new Map<ServerName, T[]>(servers.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    await contest.turn(round, async (server) => {
      bench.progress(`  round ${round + 1} of ${rounds}: ${server.title}`);
      samples.get(server.name)?.push(await measure(server));
    });
  }
  return samplesOf(contest, samples);
}
