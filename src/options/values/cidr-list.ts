/** Reads an option that is a list of networks: in code an array, as text separated by commas. */

import * as v from 'valibot';
import { type Cidr, parseCidr, type Peers } from './cidr.ts';
import { show } from '../show.ts';
import { typeNote } from '../schema.ts';
import { anything, refuse } from './value-types.ts';

/** Networks such as `10.0.0.0/8` and single addresses, IPv4 and IPv6. */
export type CidrListInput = string | readonly (string | Cidr)[];

const EXPECTED = 'must be IP addresses and networks such as 10.0.0.0/8, with no bit set behind the prefix';

export function cidrList(): v.GenericSchema<CidrListInput, readonly Cidr[]> {
  return v.pipe(networks(EXPECTED, cidrOf), typeNote({ form: 'address,network/bits', isList: true }));
}

/** The same, and `unix`. */
export function peerList(): v.GenericSchema<CidrListInput, Peers> {
  const form = 'address,network/bits,unix';
  return v.pipe(networks(`${EXPECTED}, or unix`, peerOf), typeNote({ form, isList: true }));
}

function networks<Entry>(expected: string, entryOf: (given: unknown) => Entry | undefined) {
  return v.pipe(
    anything<CidrListInput>(),
    v.rawTransform((context): readonly Entry[] => {
      const { value } = context.dataset;
      const list = typeof value === 'string' ? value.split(',').map((text) => text.trim()) : value;
      if (!Array.isArray(list)) return refuse(context, `${expected}, got ${show(value)}`);
      const entries = Array.from<unknown, Entry | undefined>(list, entryOf); // With its holes, if it has some.
      const wrong: unknown = list[entries.indexOf(undefined)];
      const got = typeof wrong === 'string' ? JSON.stringify(wrong.slice(0, 80)) : show(value);
      return entries.every((entry) => entry !== undefined) ? entries : refuse(context, `${expected}, got ${got}`);
    }),
  );
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
