/** PROXY headers as a load balancer writes them, and as it never would. */
import { isIP } from 'node:net';
import { parseAddress } from '../../src/ip-address.ts';

export interface HeaderParts {
  readonly from: string;
  readonly to: string;
  readonly fromPort: number;
  readonly toPort: number;
}

export interface BinaryParts extends Partial<HeaderParts> {
  /** Version and command; 0x21 is PROXY, 0x20 LOCAL. */
  readonly command?: number;
  /** Family and transport. */
  readonly family?: number;
  /** What follows the addresses. */
  readonly records?: Buffer;
}

export function headerV1({ from, to, fromPort, toPort }: HeaderParts): Buffer {
  return Buffer.from(`PROXY TCP${isIP(from)} ${from} ${to} ${fromPort} ${toPort}\r\n`);
}

export function headerV2(parts: BinaryParts): Buffer {
  const { from, to, fromPort = 0, toPort = 0, command = 0x21, records = Buffer.alloc(0) } = parts;
  const isV6 = from !== undefined && isIP(from) === 6;
  const family = parts.family ?? (isV6 ? 0x21 : 0x11);
  const addresses = from === undefined || to === undefined ? [] : [...binary(from), ...binary(to)];
  const ports = addresses.length === 0 ? [] : [fromPort >> 8, fromPort & 255, toPort >> 8, toPort & 255];
  const rest = Buffer.concat([Buffer.from([...addresses, ...ports]), records]);
  const start = Buffer.from([command, family, rest.length >> 8, rest.length & 255]);
  return Buffer.concat([Buffer.from('0d0a0d0a000d0a515549540a', 'hex'), start, rest]);
}

function binary(address: string): Uint8Array {
  const bytes = parseAddress(address);
  if (bytes === undefined) throw new Error(`${address} is no address`);
  return isIP(address) === 4 ? bytes.subarray(12) : bytes;
}
