/** Used to read an option that is a list of networks: in code an array, as text separated by commas. */

import * as z from 'zod';
import { type Cidr, parseCidr, type Peers } from './cidr.ts';
import { typeNotes } from './schema.ts';
import { refuse } from './value-types.ts';

/** Networks such as `10.0.0.0/8` and single addresses, IPv4 and IPv6. */
export type CidrListInput = string | readonly (string | Cidr)[];

const EXPECTED = 'must be IP addresses and networks such as 10.0.0.0/8, with no bit set behind the prefix';

export function cidrList() {
  return networks(EXPECTED, cidrOf).register(typeNotes, { form: 'address,network/bits', isList: true });
}

/** The same, and `unix`. */
export function peerList() {
  return networks(`${EXPECTED}, or unix`, peerOf).register(typeNotes, {
    form: 'address,network/bits,unix',
    isList: true,
  });
}

function networks<Entry>(expected: string, entryOf: (given: unknown) => Entry | undefined) {
  return z.custom<CidrListInput>().transform((value, context): readonly Entry[] => {
    const given = typeof value === 'string' ? value.split(',').map((text) => text.trim()) : value;
    if (!Array.isArray(given)) return refuse(context, expected);
    const entries = given.map(entryOf);
    const wrong: unknown = given[entries.indexOf(undefined)];
    if (typeof wrong === 'string')
      return refuse(context, `${expected}, got ${JSON.stringify(wrong.slice(0, 80))}`, { saysValue: true });
    return entries.every((entry) => entry !== undefined) ? entries : refuse(context, expected);
  });
}

function peerOf(given: unknown): Peers[number] | undefined {
  return given === 'unix' ? given : cidrOf(given);
}

/** Settings are options too: what was read before is taken as it is. */
function cidrOf(given: unknown): Cidr | undefined {
  if (typeof given === 'string') return parseCidr(given);
  const isCidr = typeof given === 'object' && given !== null && 'network' in given && 'prefix' in given;
  if (!isCidr || !(given.network instanceof Uint8Array) || given.network.length !== 16) return undefined;
  const { network, prefix } = given;
  const isPrefix = typeof prefix === 'number' && Number.isInteger(prefix) && prefix >= 0 && prefix <= 128;
  return isPrefix ? { network, prefix } : undefined;
}
