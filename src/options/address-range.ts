/** Used to read ranges of IP addresses such as `10.0.0.0/8`, and to tell which addresses lie in them. */

import { isIPv4, isIPv6 } from 'node:net';

/** The addresses whose first `bits` bits are those of `bytes`: 16 bytes, IPv4 as `::ffff:a.b.c.d`. */
export interface AddressRange {
  readonly bytes: Uint8Array;
  readonly bits: number;
}

/** How many bits say that an address is IPv4: `::ffff:0:0/96` (RFC 4291, section 2.5.5.2). */
const MAPPED_BITS = 96;
const MAPPED: AddressRange = { bytes: bytesOfIPv6('::ffff:0:0'), bits: MAPPED_BITS };

/** Reads an address or a range; bits behind its length are of no account. `undefined`: it is neither. */
export function parseAddressRange(text: string): AddressRange | undefined {
  const [, address = '', length] = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  if (isIPv4(address)) return rangeOf(bytesOfIPv6(`::ffff:${address}`), 32, length, MAPPED_BITS);
  return isIPv6(address) ? rangeOf(bytesOfIPv6(address), 128, length, 0) : undefined;
}

/**
 * Tells whether `address`, 16 bytes, lies in `range`. An IPv4 address lies in IPv4 ranges only: `::/0` is all of IPv6,
 * though the mapped form of IPv4 begins with the same bits.
 */
export function isInRange(address: Uint8Array, range: AddressRange): boolean {
  return sharesBits(address, range) && (range.bits >= MAPPED_BITS || !isIPv4Address(address));
}

/** Tells whether `address`, 16 bytes, is IPv4. */
export function isIPv4Address(address: Uint8Array): boolean {
  return sharesBits(address, MAPPED);
}

/** From the last byte to the first: those of IPv4 begin alike. */
function sharesBits(address: Uint8Array, { bytes, bits }: AddressRange): boolean {
  const whole = bits >> 3;
  const rest = 8 - (bits & 7);
  if (rest < 8 && (address[whole] as number) >> rest !== (bytes[whole] as number) >> rest) return false;
  for (let index = whole - 1; index >= 0; index--) if (address[index] !== bytes[index]) return false;
  return true;
}

function rangeOf(bytes: Uint8Array, longest: number, length: string | undefined, before: number) {
  const bits = length === undefined ? longest : Number(length);
  return bits > longest ? undefined : { bytes, bits: before + bits };
}

/** Writes a valid address in 16 bytes; the part after `::` is filled up with zeros at its start. */
function bytesOfIPv6(text: string): Uint8Array {
  const [before = '', after] = text.split('::');
  const start = partBytes(before);
  const end = partBytes(after ?? '');
  const bytes = new Uint8Array(16);
  bytes.set(start);
  bytes.set(end, 16 - end.length);
  return bytes;
}

/** Groups of four hexadecimal digits, the last two of which may be an IPv4 address. */
function partBytes(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (group.includes('.')) return group.split('.').map(Number);
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}
