/** Translates between addresses as text and `struct sockaddr_*` (ip(7), ipv6(7), unix(7)). */
import { formatAddress, isMapped, isUnixAddress, UNIX_ADDRESS } from '../../ip-address.ts';
import { AF_INET, AF_INET6, AF_UNIX } from '../constants.ts';
import type { SocketAddress } from '../sys.ts';

/** The size of `struct sockaddr_storage`: room for every family. */
export const SOCKADDR_SIZE = 128;

/** The longest path of a Unix socket, in bytes: a closing zero follows it in `sun_path` (unix(7)). */
export const LONGEST_UNIX_PATH = 107;

/** What stands for the address of a Unix client, which has none. */
export const UNIX_PEER = 'unix';

/** Where `struct sockaddr_in6` has its `sin6_scope_id`, in host byte order. */
const SCOPE_AT = 24;

const MAPPED_PREFIX = Buffer.from('00000000000000000000ffff', 'hex');

/** Turns an address into its binary form (4 or 16 bytes): `inet_pton`. */
export type ParseAddress = (family: number, text: string, target: Buffer) => boolean;

/** Writes `address` into `target` and returns how many bytes it took; the family field is in host byte order. */
export function writeSocketAddress(address: SocketAddress, target: Buffer, parse: ParseAddress): number {
  target.fill(0);
  if (address.family === 'unix') return writeUnixAddress(address.address, target);
  const v6 = address.family === 'IPv6';
  target.writeUInt16LE(v6 ? AF_INET6 : AF_INET, 0);
  target.writeUInt16BE(address.port, 2);
  const at = v6 ? 8 : 4;
  if (!parse(v6 ? AF_INET6 : AF_INET, address.address, target.subarray(at, at + (v6 ? 16 : 4)))) {
    throw new RangeError(`not an ${address.family} address: ${address.address}`);
  }
  if (v6) target.writeUInt32LE(address.scope ?? 0, SCOPE_AT);
  return v6 ? 28 : 16;
}

/** `@name` as the kernel has it (unix(7), "abstract"): a name without a file, which begins with a zero character. */
export function unixName(path: string): string {
  return path.replace(/^@/, '\0');
}

function writeUnixAddress(text: string, target: Buffer): number {
  const path = unixName(text);
  const length = Buffer.byteLength(path);
  if (length === 0 || length > LONGEST_UNIX_PATH) {
    throw new RangeError(`a Unix socket path has 1 to ${LONGEST_UNIX_PATH} bytes, got ${length}`);
  }
  if (path.includes('\0', 1)) throw new RangeError('a Unix socket path has no zero character inside');
  target.writeUInt16LE(AF_UNIX, 0);
  target.write(path, 2);
  // A name without a file has no closing zero: one more would be part of it.
  return path.startsWith('\0') ? 2 + length : 2 + length + 1;
}

/** Reads the address that the kernel wrote: `length` bytes of `source`. */
export function readSocketAddress(source: Buffer, length: number): SocketAddress {
  const family = source.readUInt16LE(0);
  if (family === AF_UNIX) return { family: 'unix', address: readUnixPath(source.subarray(2, length)), port: 0 };
  const v6 = family === AF_INET6;
  const bytes = v6 ? source.subarray(8, 24) : source.subarray(4, 8);
  const scope = v6 ? source.readUInt32LE(SCOPE_AT) : 0;
  const address = { address: formatAddress(bytes), port: source.readUInt16BE(2), ...(scope !== 0 && { scope }) };
  return { family: v6 ? 'IPv6' : 'IPv4', ...address };
}

function readUnixPath(path: Buffer): string {
  const end = path[0] === 0 ? -1 : path.indexOf(0);
  return path.toString('utf8', 0, end < 0 ? path.length : end);
}

/** Reads the peer of an accepted socket as 16 bytes and returns its port; a Unix peer gives `UNIX_ADDRESS` and 0. */
export function readPeer(source: Buffer, target: Uint8Array): number {
  const family = source.readUInt16LE(0);
  if (family === AF_INET6) {
    target.set(source.subarray(8, 24));
  } else if (family === AF_INET) {
    target.set(MAPPED_PREFIX);
    for (let index = 0; index < 4; index++) target[12 + index] = source[4 + index] as number; // A view would cost more.
  } else {
    target.set(UNIX_ADDRESS);
    return 0;
  }
  return source.readUInt16BE(2);
}

/** Formats 16 bytes: an IPv4 client of a dual-stack listener reads as IPv4, a Unix client as `unix`. */
export function formatPeer(bytes: Uint8Array): string {
  if (isMapped(bytes)) return `${bytes[12]}.${bytes[13]}.${bytes[14]}.${bytes[15]}`;
  return isUnixAddress(bytes) ? UNIX_PEER : formatAddress(bytes);
}
