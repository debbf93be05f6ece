/** What the benchmark was asked for, read from the command line. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { SERVER_NAMES, type ServerKind } from './harness/programs.ts';
import { NEIGHBOUR_LOADS, type NoWaitChoice, type Question } from './harness/question.ts';
import { admin } from './questions/admin.ts';
import { connections } from './questions/connections.ts';
import { crowd } from './questions/crowd.ts';
import { framings } from './questions/framings.ts';
import { idleMemory } from './questions/idle-memory.ts';
import { integrity } from './questions/integrity.ts';
import { moving } from './questions/moving.ts';
import { neighbours } from './questions/neighbours.ts';
import { noWait } from './questions/no-wait.ts';
import { pingPong } from './questions/ping-pong.ts';
import { pipelined } from './questions/pipelined.ts';
import { ready } from './questions/ready.ts';
import { streams } from './questions/streams.ts';
import { tls } from './questions/tls.ts';
import { waitTruth } from './questions/wait-truth.ts';
import { watched } from './questions/watched.ts';

const QUESTIONS: readonly Question[] = [
  pingPong,
  pipelined,
  connections,
  idleMemory,
  ready,
  noWait,
  neighbours,
  crowd,
  moving,
  integrity,
  tls,
  streams,
  framings,
  admin,
  waitTruth,
  watched,
];

export interface BenchArguments {
  readonly questions: readonly Question[];
  /** The only servers to run; empty: all. */
  readonly servers: readonly ServerKind[];
  readonly clients: readonly number[];
  readonly burners: readonly number[];
  readonly noWait: NoWaitChoice;
  /** Where another build of Heddle is, that is measured beside this one. */
  readonly old: string | undefined;
  readonly picture: string | undefined;
  /** `undefined`: each question's own. */
  readonly rounds: number | undefined;
  readonly ms: number | undefined;
  readonly warmMs: number | undefined;
  readonly json: boolean;
  readonly help: boolean;
}

export const USAGE = `Usage: npm run bench -- [question…] [options]

Questions: ${QUESTIONS.map(({ name }) => name).join(', ')} (without one: all)

  --rounds N      rounds of each server, interleaved; the median counts (3; no-wait, neighbours, streams 5)
  --seconds N     measured time of a round of load (2; no-wait, neighbours 8, from when burners come; watched 20)
  --warm N        load before that, in seconds, so that compilers have done their work (1; streams 4)
  --old PATH      measures a second build of Heddle in turn: a checkout that is built, or an installed package
  --servers A,B   only these, beside the yardstick: ${SERVER_NAMES.join(', ')}
  --clients N,M   how many clients, for ping-pong (64,1000) and tls (64)
  --burners N,M   how many clients that burn, for no-wait (by threads.max: one less, as many, 4 more, 4 times as many)
  --lights A,B    how the light clients of no-wait talk: fast,pauses
  --addresses A,B whether all burners of no-wait come from one address or each from its own: one,many
  --loads A,B     only these of neighbours: ${NEIGHBOUR_LOADS.join(', ')}
  --burn WHAT     what burners of no-wait and neighbours use up: cpu (CPU time) or wall (time)
  --threads N..M  Heddle's threads in no-wait and neighbours (its default)
  --watched       has a page, top and a scrape each 5 s watch Heddle in no-wait and neighbours
  --picture FILE  draws what the clients of no-wait saw, as SVG, beside the first of its burners
  --json          every sample, as JSON
  --help          this text

Exit status: 0 all that is asked was reached, 1 some was not, 2 the benchmark could not run.`;

const OPTIONS = {
  rounds: { type: 'string' },
  old: { type: 'string' },
  lights: { type: 'string', default: 'fast,pauses' },
  addresses: { type: 'string', default: 'one,many' },
  burn: { type: 'string', default: 'cpu' },
  loads: { type: 'string', default: NEIGHBOUR_LOADS.join(',') },
  threads: { type: 'string' },
  seconds: { type: 'string' },
  warm: { type: 'string' },
  servers: { type: 'string', default: '' },
  clients: { type: 'string', default: '' },
  burners: { type: 'string', default: '' },
  picture: { type: 'string' },
  watched: { type: 'boolean', default: false },
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

function oneOf<T extends string>(option: string, known: readonly T[], word: string): T {
  const found = known.find((name) => name === word);
  if (found === undefined) throw new Error(`--${option} knows ${known.join(', ')}, got ${word}`);
  return found;
}

const LIGHTS = ['fast', 'pauses'] as const;
const ADDRESSES = ['one', 'many'] as const;
const BURNS = ['cpu', 'wall'] as const;

type ChoiceWords = {
  lights: string;
  addresses: string;
  burn: string;
  loads: string;
  threads?: string;
  watched: boolean;
};

function noWaitChoice(values: ChoiceWords): NoWaitChoice {
  return {
    lights: words(values.lights).map((word) => oneOf('lights', LIGHTS, word)),
    addresses: words(values.addresses).map((word) => oneOf('addresses', ADDRESSES, word)),
    burn: oneOf('burn', BURNS, values.burn),
    threads: values.threads,
    watched: values.watched,
    loads: words(values.loads).map((word) => oneOf('loads', NEIGHBOUR_LOADS, word)),
  };
}

function question(word: string): Question {
  const found = QUESTIONS.find(({ name }) => name === word);
  if (found !== undefined) return found;
  throw new Error(`The questions are ${QUESTIONS.map(({ name }) => name).join(', ')}, got ${word}`);
}

/** Throws an error that names the argument at fault. */
export function parseBenchArguments(argv: string[]): BenchArguments {
  const { values, positionals } = parseArgs({ args: argv, options: OPTIONS, allowPositionals: true });
  const servers = words(values.servers).map((word) => oneOf('servers', SERVER_NAMES, word));
  return {
    questions: positionals.length === 0 ? QUESTIONS : positionals.map(question),
    servers: servers.length === 0 ? [] : [...new Set<ServerKind>(['c', ...servers])],
    clients: words(values.clients).map((word) => Math.ceil(positive('clients', word))),
    burners: words(values.burners).map((word) => Math.ceil(positive('burners', word))),
    noWait: noWaitChoice(values),
    old: values.old === undefined ? undefined : resolve(values.old),
    picture: values.picture === undefined ? undefined : resolve(values.picture),
    rounds: values.rounds === undefined ? undefined : Math.ceil(positive('rounds', values.rounds)),
    ms: milliseconds('seconds', values.seconds),
    warmMs: milliseconds('warm', values.warm),
    json: values.json,
    help: values.help,
  };
}
