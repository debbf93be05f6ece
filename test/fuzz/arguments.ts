/** Reads from the command line what is to be fuzzed, and for how long. */
import { parseArgs } from 'node:util';
import type { Target } from './target.ts';

export interface FuzzArguments {
  readonly targets: readonly Target[];
  readonly seconds: number;
  readonly seed: number;
  /** Only this input is tried, or those from it on. */
  readonly path: string | undefined;
  readonly help: boolean;
}

const SECONDS = 600;
/** Seeds are numbers of 32 bits. */
const SEEDS = 2 ** 32;

const OPTIONS = {
  target: { type: 'string', multiple: true },
  seconds: { type: 'string', default: `${SECONDS}` },
  seed: { type: 'string' },
  path: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

export function usage(targets: readonly Target[]): string {
  const lines = targets.map(({ name, about }) => `  ${name.padEnd(15)} ${about}`);
  return `Usage: npm run fuzz -- [options]

Tries random inputs until the time is up. The first input that fails is shrunk and printed, with the command that repeats it.

Targets:
${lines.join('\n')}

  --target NAME   tries only this one; may be given several times (all)
  --seconds N     how long, in seconds; the targets share it (${SECONDS})
  --seed S        where random numbers begin: a whole number from 0 to ${SEEDS - 1} (another one each time)
  --path P        of one target and one seed: the input to begin with, as it was printed
  --help          this text

Exit status: 0 nothing fails, 1 something does, 2 wrong arguments.`;
}

/** Throws an error that names the argument at fault. */
export function parseFuzzArguments(argv: string[], all: readonly Target[]): FuzzArguments {
  const { values } = parseArgs({ args: argv, options: OPTIONS });
  const { target: names = [], path, help } = values;
  const targets = names.length === 0 ? all : names.map((name) => targetNamed(name, all));
  if (path !== undefined && (targets.length !== 1 || values.seed === undefined))
    throw new Error('--path needs one --target and the --seed that it was printed with');
  if (path !== undefined && !/^\d+(?::\d+)*$/.test(path))
    throw new Error(`--path must be numbers with colons between them, such as 12:0:3, got ${path}`);
  const seed = values.seed === undefined ? Math.floor(Math.random() * SEEDS) : wholeNumber('seed', values.seed);
  const seconds = Number(values.seconds);
  if (!(seconds > 0 && seconds <= 1e6)) throw new Error(`--seconds must be a positive number, got ${values.seconds}`);
  return { targets, seconds, seed, path, help };
}

function targetNamed(name: string, all: readonly Target[]): Target {
  const found = all.find((target) => target.name === name);
  if (found !== undefined) return found;
  throw new Error(`--target must be one of ${all.map((target) => target.name).join(', ')}, got ${name}`);
}

function wholeNumber(option: string, text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value < SEEDS) return value;
  throw new Error(`--${option} must be a whole number from 0 to ${SEEDS - 1}, got ${text}`);
}
