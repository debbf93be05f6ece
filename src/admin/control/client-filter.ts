/** Reads which clients are meant: `idle>1m and thread=3`. */
import { parseAddress } from '../../ip-address.ts';
import { type Cidr, matches, parseCidr } from '../../options/values/cidr.ts';
import { parseDuration } from '../../options/values/duration.ts';
import { parseSize } from '../../options/values/size.ts';
import { CLOSE_REASONS } from '../../sharing/close-reason.ts';
import { CLOSED_BY } from '../closed-by.ts';
import type { ClosedClient } from './closed-clients.ts';
import { COST_NAMES, type ListedClient, PIN_CAUSES, STATE_NAMES } from './client-list.ts';

/** A client that is connected, or one that has left. */
export type AnyClient = ListedClient | ClosedClient;
export type ClientFilter = (client: AnyClient) => boolean;

/** Which clients are chosen from: those that are connected, or those that have left. */
export type Chosen = 'open' | 'closed';

type Compare = (one: number, other: number) => boolean;

const COMPARE: Readonly<Record<string, Compare>> = {
  '=': (one, other) => one === other,
  '!=': (one, other) => one !== other,
  '<': (one, other) => one < other,
  '>': (one, other) => one > other,
  '<=': (one, other) => one <= other,
  '>=': (one, other) => one >= other,
};

const parseNumber = (text: string): number | undefined => (/^\d+$/.test(text) ? Number(text) : undefined);

/** How the value of a number is written: the field of a client, and what reads its value. */
type NumberField = readonly [field: string, parse: (text: string) => number | undefined];

const NUMBERS_OF_ALL: Readonly<Record<string, NumberField>> = {
  id: ['id', parseNumber],
  thread: ['thread', parseNumber],
  port: ['port', parseNumber],
};

const OPEN_NUMBERS: Readonly<Record<string, NumberField>> = {
  moves: ['moves', parseNumber],
  age: ['ageMs', parseDuration],
  idle: ['idleMs', parseDuration],
  message: ['messageMs', parseDuration],
  stalled: ['stalledMs', parseDuration],
  kept: ['kept', parseSize],
};

interface Fields {
  readonly numbers: Readonly<Record<string, NumberField>>;
  /** The values of texts, which `=` and `!=` compare. */
  readonly texts: Readonly<Record<string, readonly string[]>>;
}

const FIELDS: Readonly<Record<Chosen, Fields>> = {
  open: {
    numbers: { ...NUMBERS_OF_ALL, ...OPEN_NUMBERS },
    texts: { state: STATE_NAMES, pinned: PIN_CAUSES, cost: COST_NAMES },
  },
  closed: {
    numbers: NUMBERS_OF_ALL,
    texts: { reason: CLOSE_REASONS, by: [...new Set(Object.values(CLOSED_BY))] },
  },
};

/** Says that a field is of the other clients. */
const OTHERS: Readonly<Record<Chosen, readonly [others: Chosen, text: string]>> = {
  open: ['closed', 'is known of clients that have left only (heddle clients --closed)'],
  closed: ['open', 'is known of connected clients only: leave out --closed (state=closed)'],
};

/**
 * Makes the filter that `text` says; without text it takes all. A client that lacks a field meets no condition on it, not even `!=`.
 * Throws a `RangeError` that says what is wrong.
 */
export function parseFilter(text: string, from: Chosen = 'open'): ClientFilter {
  if (text.trim() === '') return () => true;
  const conditions = text.split(/\s+and\s+/i).map((condition) => parseCondition(condition.trim(), from));
  return (client) => conditions.every((condition) => condition(client));
}

function parseCondition(text: string, from: Chosen): ClientFilter {
  const [, name = '', operator = '', value = ''] = /^(\w+)\s*(!=|<=|>=|=|<|>)\s*(\S+)$/.exec(text) ?? [];
  if (name === '') throw new RangeError(`“${text}” is no condition: write one such as idle>1m, joined by “and”`);
  if (name === 'address') return addressCondition(operator, value);
  const { numbers, texts } = FIELDS[from];
  if (Object.hasOwn(numbers, name)) return numberCondition(name, numbers[name] as NumberField, operator, value);
  if (Object.hasOwn(texts, name)) return textCondition(name, texts[name] as readonly string[], operator, value);
  const [others, whose] = OTHERS[from];
  if (namesOf(others).includes(name)) throw new RangeError(`“${name}” ${whose}`);
  throw new RangeError(`“${name}” is nothing to choose clients by: take one of ${namesOf(from).join(', ')}`);
}

function namesOf(from: Chosen): string[] {
  return ['address', ...Object.keys(FIELDS[from].numbers), ...Object.keys(FIELDS[from].texts)];
}

function textCondition(name: string, values: readonly string[], operator: string, value: string): ClientFilter {
  const isEqual = equality(name, operator);
  if (!values.includes(value)) throw new RangeError(`${name} cannot be “${value}”: take one of ${values.join(', ')}`);
  return (client) => {
    const actual = fieldOf(client, name);
    return actual !== undefined && (actual === value) === isEqual;
  };
}

function numberCondition(name: string, [field, parse]: NumberField, operator: string, value: string): ClientFilter {
  const wanted = parse(value);
  const compare = COMPARE[operator] as Compare;
  if (wanted === undefined)
    throw new RangeError(`${name} cannot be “${value}”: write it such as ${exampleOf(name, parse)}`);
  return (client) => {
    const actual = fieldOf(client, field);
    return typeof actual === 'number' && compare(actual, wanted);
  };
}

function addressCondition(operator: string, value: string): ClientFilter {
  const isEqual = equality('address', operator);
  if (value === 'unix') return ({ address }) => (address === value) === isEqual;
  const network: Cidr | undefined = parseCidr(value);
  if (network === undefined) throw new RangeError(`“${value}” is no address and no network such as 10.0.0.0/8`);
  return ({ address }) => {
    const bytes = parseAddress(address.replace(/%.*$/, ''));
    return bytes !== undefined && matches([network], bytes) === isEqual;
  };
}

function equality(name: string, operator: string): boolean {
  if (operator === '=' || operator === '!=') return operator === '=';
  throw new RangeError(`${name} is compared by = and != only`);
}

function exampleOf(name: string, parse: NumberField[1]): string {
  if (parse === parseSize) return `${name}>64KiB`;
  return parse === parseDuration ? `${name}>1m` : `${name}=3`;
}

function fieldOf(client: AnyClient, field: string): unknown {
  return (client as unknown as Readonly<Record<string, unknown>>)[field];
}
