/** What the benchmark was asked for, read from the command line. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { SERVER_NAMES, type ServerName } from './harness/programs.ts';
import type { Question } from './harness/question.ts';
import { idleMemory } from './questions/idle-memory.ts';
import { integrity } from './questions/integrity.ts';
import { moving } from './questions/moving.ts';
import { noWait } from './questions/no-wait.ts';
import { pingPong } from './questions/ping-pong.ts';
import { pipelined } from './questions/pipelined.ts';
import { ready } from './questions/ready.ts';
import { tls } from './questions/tls.ts';

const QUESTIONS: readonly Question[] = [pingPong, pipelined, idleMemory, ready, noWait, moving, integrity, tls];

export interface BenchArguments {
  readonly questions: readonly Question[];
  /** The only servers to run; empty: all. */
  readonly servers: readonly ServerName[];
  readonly clients: readonly number[];
  readonly burners: readonly number[];
  readonly picture: string | undefined;
  readonly rounds: number;
  /** `undefined`: each question's own. */
  readonly ms: number | undefined;
  readonly warmMs: number | undefined;
  readonly json: boolean;
  readonly help: boolean;
}

export const USAGE = `Usage: npm run bench -- [question…] [options]

Questions: ${QUESTIONS.map(({ name }) => name).join(', ')} (without one: all)

  --rounds N      rounds of each server, interleaved; the median counts (3)
  --seconds N     measured time of a round of load (2; no-wait 10)
  --warm N        load before that, in seconds, so that compilers have done their work (1; no-wait 5)
  --servers A,B   only these, beside the yardstick: ${SERVER_NAMES.join(', ')}
  --clients N,M   how many clients, for ping-pong (64,1000) and tls (64)
  --burners N,M   how many clients that burn, for no-wait (1,4,16)
  --picture FILE  draws what the clients of no-wait saw, as SVG, beside the first of its burners
  --json          every sample, as JSON
  --help          this text

Exit status: 0 all that is asked was reached, 1 some was not, 2 the benchmark could not run.`;

const OPTIONS = {
  rounds: { type: 'string', default: '3' },
  seconds: { type: 'string' },
  warm: { type: 'string' },
  servers: { type: 'string', default: '' },
  clients: { type: 'string', default: '' },
  burners: { type: 'string', default: '' },
  picture: { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 100_000)) throw new Error(`--${name} must be a positive number, got ${text}`);
  return value;
}

function milliseconds(name: string, text: string | undefined): number | undefined {
  return text === undefined ? undefined : Math.round(positive(name, text) * 1_000);
}

const words = (text: string): string[] => text.split(',').filter((word) => word !== '');

function serverName(word: string): ServerName {
  const name = SERVER_NAMES.find((known) => known === word);
  if (name === undefined) throw new Error(`--servers knows ${SERVER_NAMES.join(', ')}, got ${word}`);
  return name;
}

function question(word: string): Question {
  const found = QUESTIONS.find(({ name }) => name === word);
  if (found !== undefined) return found;
  throw new Error(`The questions are ${QUESTIONS.map(({ name }) => name).join(', ')}, got ${word}`);
}

/** Throws an error that names the argument at fault. */
export function parseBenchArguments(argv: string[]): BenchArguments {
  const { values, positionals } = parseArgs({ args: argv, options: OPTIONS, allowPositionals: true });
  const servers = words(values.servers).map(serverName);
  return {
    questions: positionals.length === 0 ? QUESTIONS : positionals.map(question),
    servers: servers.length === 0 ? [] : [...new Set<ServerName>(['c', ...servers])],
    clients: words(values.clients).map((word) => Math.ceil(positive('clients', word))),
    burners: words(values.burners).map((word) => Math.ceil(positive('burners', word))),
    picture: values.picture === undefined ? undefined : resolve(values.picture),
    rounds: Math.ceil(positive('rounds', values.rounds)),
    ms: milliseconds('seconds', values.seconds),
    warmMs: milliseconds('warm', values.warm),
    json: values.json,
    help: values.help,
  };
}
