/** What the simulation was asked for, read from the command line. */
import { parseArgs } from 'node:util';
import { MIXES, type Mix } from './mixes.ts';

export interface SimulationArguments {
  readonly cpus: readonly number[];
  readonly clients: readonly number[];
  readonly mixes: readonly Mix[];
  readonly seed: number;
  readonly picture: string | undefined;
  readonly help: boolean;
}

export const USAGE = `Usage: npm run simulate -- [options]

Plays Heddle's policy beside the one it had before, Go's and Erlang's, and prints what clients waited.

  --cpus N,M      how many CPUs (2,8; 64 takes minutes)
  --clients N,M   how many clients, light ones and their neighbours (10,1000; 100000 takes minutes)
  --mixes A,B     the neighbours: ${MIXES.join(', ')} (all)
  --seed N        another course of chance (1)
  --picture FILE  draws worst waits against the number of heavy clients, as SVG, instead of the tables
  --help          this text`;

const OPTIONS = {
  cpus: { type: 'string', default: '2,8' },
  clients: { type: 'string', default: '10,1000' },
  mixes: { type: 'string', default: MIXES.join(',') },
  seed: { type: 'string', default: '1' },
  picture: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

function whole(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new Error(`--${name} must be a whole number from ${least} to ${most}, got ${text}`);
}

function mixOf(word: string): Mix {
  const found = MIXES.find((mix) => mix === word);
  if (found !== undefined) return found;
  throw new Error(`--mixes knows ${MIXES.join(', ')}, got ${word}`);
}

/** Throws an error that names the argument at fault. */
export function parseSimulationArguments(argv: string[]): SimulationArguments {
  const { values } = parseArgs({ args: argv, options: OPTIONS });
  return {
    cpus: values.cpus.split(',').map((text) => whole('cpus', text, 1, 124)),
    clients: values.clients.split(',').map((text) => whole('clients', text, 2, 200_000)),
    mixes: values.mixes.split(',').map(mixOf),
    seed: whole('seed', values.seed, 0, 2 ** 31 - 1),
    picture: values.picture,
    help: values.help,
  };
}
