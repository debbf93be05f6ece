/** Reads networks such as `10.0.0.0/8` (RFC 4632), and tells whether an address lies in one. */
import { isMapped, isUnixAddress, parseAddress } from '../../ip-address.ts';

/** A network: all addresses whose first `prefix` bits are those of `network`. */
export interface Cidr {
  /** 16 bytes; IPv4 as `::ffff:a.b.c.d`. */
  readonly network: Uint8Array;
  /** From 0 to 128; 96 more than what is written for IPv4. */
  readonly prefix: number;
}

/** Networks, and `unix` for whoever connects to a Unix socket. */
export type Peers = readonly (Cidr | 'unix')[];

/** The first bits of an IPv4 address that say that it is one. */
const MAPPED_BITS = 96;

/**
 * Gives the network that `text` names: `10.0.0.0/8`, `2001:db8::/32`, or a single address. Undefined if it names none,
 * or has bits set behind its prefix: whoever writes `10.0.0.1/8` meant either one address or `10.0.0.0/8`.
 */
export function parseCidr(text: string): Cidr | undefined {
  const [, address = '', length] = /^([^/]+)(?:\/(0|[1-9]\d{0,2}))?$/.exec(text) ?? [];
  const network = parseAddress(address);
  if (network === undefined) return undefined;
  const before = address.includes(':') ? 0 : MAPPED_BITS;
  const prefix = length === undefined ? 128 : before + Number(length);
  return prefix <= 128 && endsInZeros(network, prefix) ? { network, prefix } : undefined;
}

/**
 * Tells whether one of the networks of `list` has `address` (16 bytes). A network of IPv6 has no IPv4 addresses, so that
 * `::/0` is all of IPv6 and nothing else.
 */
export function matches(list: readonly Cidr[], address: Uint8Array): boolean {
  return list.some((cidr) => has(cidr, address));
}

/** Tells whether `peers` has the one at `address`; a client of a Unix socket is in no network. */
export function includesPeer(peers: Peers, address: Uint8Array): boolean {
  const isLocal = isUnixAddress(address);
  return peers.some((peer) => (peer === 'unix' ? isLocal : !isLocal && has(peer, address)));
}

function has({ network, prefix }: Cidr, address: Uint8Array): boolean {
  if (prefix < MAPPED_BITS && isMapped(address)) return false;
  return network.every((byte, at) => ((byte ^ (address[at] as number)) & maskOf(at, prefix)) === 0);
}

function endsInZeros(network: Uint8Array, prefix: number): boolean {
  return network.every((byte, at) => (byte & ~maskOf(at, prefix)) === 0);
}

/** The bits of byte `at` that belong to the prefix. */
function maskOf(at: number, prefix: number): number {
  const bits = Math.min(Math.max(prefix - at * 8, 0), 8);
  return (0xff00 >> bits) & 0xff;
}
