/** Used to read IP addresses as the 16 bytes in which shared memory keeps them: IPv4 as `::ffff:a.b.c.d` (RFC 4291, section 2.5.5.2). */
import { isIP } from 'node:net';

/** The bytes that an IPv4 address begins with. */
const MAPPED_PREFIX = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/** Gives the 16 bytes of an IPv4 or IPv6 address; undefined if `text` is none. An address with a zone is none: it is one machine's own. */
export function parseAddress(text: string): Uint8Array | undefined {
  const version = isIP(text);
  if (version === 4) return mapped(text.split('.').map(Number));
  return version === 6 && !text.includes('%') ? expand(text) : undefined;
}

/** Gives the 16 bytes of the IPv4 address whose four bytes these are. */
export function mapped(bytes: Iterable<number>): Uint8Array {
  return Uint8Array.from([...MAPPED_PREFIX, ...bytes]);
}

/** Tells whether the 16 bytes are an IPv4 address. */
export function isMapped(address: Uint8Array): boolean {
  return MAPPED_PREFIX.every((byte, index) => address[index] === byte);
}

/** Tells whether the 16 bytes are `::`, which stands for the peer of a Unix socket: it has no address. */
export function isUnspecified(address: Uint8Array): boolean {
  return address.every((byte) => byte === 0);
}

/** `text` is an IPv6 address, such as `2001:db8::1` or `64:ff9b::192.0.2.1`. */
function expand(text: string): Uint8Array {
  const hexadecimal = text.replace(/[\d.]+$/, (end) => (end.includes('.') ? asGroups(end) : end));
  const [head = [], tail = []] = hexadecimal.split('::').map(groupsOf);
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => 0);
  return Uint8Array.from([...head, ...zeros, ...tail].flatMap((group) => [group >> 8, group & 0xff]));
}

function groupsOf(part: string): number[] {
  return part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
}

/** `192.0.2.1` → `c000:0201`. */
function asGroups(dotted: string): string {
  const digits = dotted.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'));
  return `${digits.slice(0, 2).join('')}:${digits.slice(2).join('')}`;
}
