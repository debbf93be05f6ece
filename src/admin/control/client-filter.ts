/** Reads which clients are meant: `idle>1m and thread=3`. */
import { parseAddress } from '../../ip-address.ts';
import { type Cidr, matches, parseCidr } from '../../options/values/cidr.ts';
import { parseDuration } from '../../options/values/duration.ts';
import { parseSize } from '../../options/values/size.ts';
import type { ClosedClient } from './closed-clients.ts';
import type { ListedClient } from './client-list.ts';

/** A client, or one that is gone. */
export type AnyClient = ListedClient | ClosedClient;
export type ClientFilter = (client: AnyClient) => boolean;

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

/** What can be asked of as a number: the field of a client, and how its value is written. */
const NUMBERS: Readonly<Record<string, readonly [field: string, parse: (text: string) => number | undefined]>> = {
  id: ['id', parseNumber],
  thread: ['thread', parseNumber],
  port: ['port', parseNumber],
  moves: ['moves', parseNumber],
  age: ['ageMs', parseDuration],
  idle: ['idleMs', parseDuration],
  message: ['messageMs', parseDuration],
  stalled: ['stalledMs', parseDuration],
  kept: ['kept', parseSize],
};

/** What can be asked of as text, with `=` and `!=`. */
const TEXTS = ['state', 'pinned', 'cost', 'reason', 'by'] as const;

const FIELDS = ['address', ...Object.keys(NUMBERS), ...TEXTS].join(', ');

/** Makes the filter that `text` says; without text it takes all. Throws a `RangeError` that says what is wrong. */
export function parseFilter(text: string): ClientFilter {
  if (text.trim() === '') return () => true;
  const conditions = text.split(/\s+and\s+/i).map((condition) => parseCondition(condition.trim()));
  return (client) => conditions.every((condition) => condition(client));
}

function parseCondition(text: string): ClientFilter {
  const [, name = '', operator = '', value = ''] = /^(\w+)\s*(!=|<=|>=|=|<|>)\s*(\S+)$/.exec(text) ?? [];
  if (name === '') throw new RangeError(`“${text}” is no condition: write one such as idle>1m, joined by “and”`);
  if (name === 'address') return addressCondition(operator, value);
  const number = Object.hasOwn(NUMBERS, name) ? NUMBERS[name] : undefined;
  if (number !== undefined) return numberCondition(name, number, operator, value);
  const isText = (TEXTS as readonly string[]).includes(name);
  if (!isText) throw new RangeError(`“${name}” is nothing to choose clients by: take one of ${FIELDS}`);
  const isEqual = equality(name, operator);
  return (client) => (fieldOf(client, name) === value) === isEqual;
}

function numberCondition(
  name: string,
  [field, parse]: (typeof NUMBERS)[string],
  operator: string,
  value: string,
): ClientFilter {
  const wanted = parse(value);
  const compare = COMPARE[operator] as Compare;
  if (wanted === undefined) throw new RangeError(`${name} cannot be “${value}”: write it such as ${exampleOf(name)}`);
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

function exampleOf(name: string): string {
  if (name === 'kept') return 'kept>64KiB';
  return NUMBERS[name]?.[1] === parseDuration ? `${name}>1m` : `${name}=3`;
}

function fieldOf(client: AnyClient, field: string): unknown {
  return (client as unknown as Readonly<Record<string, unknown>>)[field];
}
