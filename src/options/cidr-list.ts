/** Used to read an option that is a list of networks: in code an array, as text separated by commas. */

import * as z from 'zod';
import { type Cidr, parseCidr } from './cidr.ts';
import { typeNotes } from './schema.ts';
import { refuse } from './value-types.ts';

/** Networks such as `10.0.0.0/8` and single addresses, IPv4 and IPv6. */
export type CidrListInput = string | readonly (string | Cidr)[];

const EXPECTED = 'must be IP addresses and networks such as 10.0.0.0/8, with no bit set behind the prefix';

export function cidrList() {
  return z
    .custom<CidrListInput>()
    .transform((value, context): readonly Cidr[] => {
      const given = typeof value === 'string' ? value.split(',').map((text) => text.trim()) : value;
      if (!Array.isArray(given)) return refuse(context, EXPECTED);
      const cidrs = given.map(cidrOf);
      const wrong: unknown = given[cidrs.indexOf(undefined)];
      if (typeof wrong === 'string')
        return refuse(context, `${EXPECTED}, got ${JSON.stringify(wrong.slice(0, 80))}`, { saysValue: true });
      return cidrs.every((cidr) => cidr !== undefined) ? cidrs : refuse(context, EXPECTED);
    })
    .register(typeNotes, { form: 'address,network/bits' });
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
