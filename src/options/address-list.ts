/** Used to read a list of IP addresses and ranges; as text, they are separated by commas. */

import * as z from 'zod';
import { parseAddressRange } from './address-range.ts';
import { typeNotes } from './schema.ts';
import { refuse } from './value-types.ts';

/** Addresses and ranges such as `10.0.0.0/8`: a list, or text with commas between them. */
export type AddressList = string | readonly string[];

const expected = 'must be a list of IP addresses and ranges such as 10.0.0.0/8 or 2001:db8::/32';

export function addressList() {
  return z
    .custom<AddressList>()
    .transform((value, context): readonly string[] => {
      const list: unknown = typeof value === 'string' ? value.split(',').map((text) => text.trim()) : value;
      if (!isTexts(list)) return refuse(context, expected);
      const wrong = list.find((text) => parseAddressRange(text) === undefined);
      if (wrong === undefined) return list;
      return refuse(context, `${expected}, got ${JSON.stringify(wrong)}`, { saysValue: true });
    })
    .register(typeNotes, { form: 'address[/bits],…' });
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'string');
}
