/** Reads IP addresses as the 16 bytes that shared memory keeps: IPv4 as `::ffff:a.b.c.d` (RFC 4291, section 2.5.5.2). */

/** The bytes that an IPv4 address begins with. */
const MAPPED_PREFIX = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/** Tells whether `text` is an IPv4 address (4), an IPv6 address (6), or neither (0). Threads that read no text need no `node:net`. */
export function versionOf(text: string): number {
  return process.getBuiltinModule('node:net').isIP(text);
}

/** Gives the 16 bytes of an IPv4 or IPv6 address; undefined if `text` is none. An address with a zone is none: it is one machine's own. */
export function parseAddress(text: string): Uint8Array | undefined {
  const version = versionOf(text);
  if (version === 4) return mapped(text.split('.').map(Number));
  return version === 6 && !text.includes('%') ? expand(text) : undefined;
}

/** Gives the 16 bytes of the IPv4 address whose four bytes these are. */
export function mapped(bytes: Iterable<number>): Uint8Array {
  return Uint8Array.from([...MAPPED_PREFIX, ...bytes]);
}

/** Tells whether the 16 bytes are an IPv4 address. */
export function isMapped(address: Uint8Array): boolean {
  return beginsWith(address, MAPPED_PREFIX);
}

/**
 * Stands for the address of a client of a Unix socket, which has none: `100::756e:6978`. No client of TCP can have it,
 * since routers drop all packets for 100::/64 (RFC 6666).
 */
export const UNIX_ADDRESS: Uint8Array = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x75, 0x6e, 0x69, 0x78);

/** Tells whether the 16 bytes stand for a client of a Unix socket. */
export function isUnixAddress(address: Uint8Array): boolean {
  return beginsWith(address, UNIX_ADDRESS);
}

/** A loop, since this is asked several times for each client. */
function beginsWith(address: Uint8Array, bytes: ArrayLike<number>): boolean {
  for (let index = 0; index < bytes.length; index++) if (address[index] !== bytes[index]) return false;
  return true;
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

/**
 * Turns an address in binary, 4 or 16 bytes, into text as inet_ntop(3) does: the longest run of zeros is left out, and
 * an IPv4 address at the end of an IPv6 one is written as such (RFC 5952). Throws a RangeError if it has another length.
 */
export function formatAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.length !== 16) throw new RangeError(`an address has 4 or 16 bytes, got ${bytes.length}`);
  const groups = Array.from({ length: 8 }, (_, index) => ((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0));
  const zeros = longestZeros(groups);
  const embeds = zeros.from === 0 && (zeros.length === 6 || (zeros.length === 5 && groups[5] === 0xffff));
  const parts = groups.map((group) => group.toString(16));
  if (embeds) parts.splice(6, 2, bytes.subarray(12).join('.'));
  if (zeros.length < 2) return parts.join(':');
  return `${parts.slice(0, zeros.from).join(':')}::${parts.slice(zeros.from + zeros.length).join(':')}`;
}

/** The first of the longest runs of zeros. */
function longestZeros(groups: readonly number[]): { readonly from: number; readonly length: number } {
  let longest = { from: 0, length: 0 };
  for (let from = 0; from < groups.length; from++) {
    let to = from;
    while (groups[to] === 0) to++;
    if (to - from > longest.length) longest = { from, length: to - from };
  }
  return longest;
}
