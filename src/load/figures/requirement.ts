/** Reads what a run must reach, such as `p99<5ms`, and says whether it did. */

import { HeddleError } from '../../errors.ts';
import { parseDuration } from '../../options/values/duration.ts';
import type { Summary } from './summary.ts';

const WAITS = ['p50', 'p90', 'p99', 'p99.9', 'worst'] as const;
const DURATIONS = [...WAITS, 'cpu'] as const;
const NUMBERS = ['rate', 'wrong', 'lost', 'closed'] as const;
type Name = (typeof DURATIONS)[number] | (typeof NUMBERS)[number];

const OPERATORS: Readonly<Record<string, (value: number, bound: number) => boolean>> = {
  '<': (value, bound) => value < bound,
  '<=': (value, bound) => value <= bound,
  '=': (value, bound) => value === bound,
  '>=': (value, bound) => value >= bound,
  '>': (value, bound) => value > bound,
};

export interface Requirement {
  /** As it was given. */
  readonly text: string;
  readonly name: Name;
  readonly operator: string;
  readonly bound: number;
}

/** Whether a run did what was required; `value`: what it reached, `undefined` if there is too little to tell, which is a miss. */
export interface Outcome {
  readonly requirement: Requirement;
  readonly value: number | undefined;
  readonly isMet: boolean;
}

/** Reads `p99<5ms`, `worst<=50ms`, `rate>=10000`, `lost=0`. Throws HEDDLE_INVALID_OPTION; `flag` names the option. */
export function parseRequirement(text: string, flag: string): Requirement {
  const [, name = '', operator = '', said = ''] = /^([\w.]+)\s*(<=?|>=?|=)\s*(\S+)$/.exec(text.trim()) ?? [];
  const isTime = isOneOf(DURATIONS, name);
  const bound = isTime ? durationOf(said) : /^\d+(?:\.\d+)?$/.test(said) ? Number(said) : undefined;
  if ((!isTime && !isOneOf(NUMBERS, name)) || bound === undefined) throw unreadable(text, flag);
  return { text: text.trim(), name, operator, bound };
}

/** Whether its value is in milliseconds. */
export function isDuration({ name }: Requirement): boolean {
  return isOneOf(DURATIONS, name);
}

export function judge(requirement: Requirement, { clients, cpu }: Summary): Outcome {
  const { bound, name, operator } = requirement;
  const value = (name === 'cpu' ? cpu : isOneOf(WAITS, name) ? clients.fromDue[name] : clients[name]) ?? undefined;
  return { requirement, value, isMet: value !== undefined && OPERATORS[operator]?.(value, bound) === true };
}

function isOneOf<const Names extends readonly string[]>(names: Names, name: string): name is Names[number] {
  return names.includes(name);
}

/** A duration needs a unit here: a bare number could mean anything. */
function durationOf(text: string): number | undefined {
  const [, digits, isMicroseconds] = /^(\d+(?:\.\d+)?)(us|µs)$/.exec(text) ?? [];
  if (isMicroseconds !== undefined) return Number(digits) / 1000;
  return /[a-z]$/.test(text) ? parseDuration(text) : undefined;
}

function unreadable(text: string, flag: string): HeddleError {
  const forms = `such as p99<5ms, worst<50ms, rate>=10000 or lost=0 (${[...DURATIONS, ...NUMBERS].join(', ')})`;
  return new HeddleError('HEDDLE_INVALID_OPTION', `${flag} must be a condition ${forms}, got ${JSON.stringify(text)}`);
}
