/** Parses the header in which a load balancer names its client: the PROXY protocol, versions 1 and 2. */
import { isUnixAddress, mapped, parseAddress, versionOf } from '../ip-address.ts';

/*
 * The format is HAProxy's (haproxy.org/download/3.0/doc/proxy-protocol.txt). Version 1 is a line of text, version 2 is
 * binary: a signature, one byte of version and command, one of family and transport, the length of the rest, addresses,
 * and type-length-value records, which are skipped here.
 */

/** The client that a header speaks for. */
export interface ProxySource {
  /** 16 bytes; IPv4 as `::ffff:a.b.c.d`. */
  readonly address: Uint8Array;
  readonly port: number;
}

/** What a decoder found. */
export type ProxyHeader =
  /** `missing`: so many bytes are still to come, or more; whoever reads no more than that reads nothing behind the header. */
  | { readonly kind: 'incomplete'; readonly missing: number }
  /** `length` is that of the whole header, in bytes. Without a `source` it speaks for the proxy itself, such as a health check. */
  | { readonly kind: 'header'; readonly length: number; readonly source: ProxySource | undefined }
  | { readonly kind: 'bad'; readonly problem: string };

/** The shortest header there is, `PROXY UNKNOWN` and CR LF; no byte has to be looked at before these are read. */
export const MIN_HEADER_BYTES = 15;

/** The longest line of version 1, CR LF included (section 2.1). */
const MAX_LINE_BYTES = 107;

/**
 * The longest header of version 2, in bytes. Addresses take 232 at most; records are what else a proxy knows, such as
 * the name in a client's certificate, and take some hundred. The format allows 64 KiB, which nobody sends.
 */
const MAX_BINARY_BYTES = 4096;

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
/** The signature, version and command, family and transport, and length. */
const BINARY_START = 16;
const LOCAL = 0x20;
const PROXY = 0x21;

/** How many bytes the addresses of each family and transport take (section 2.2); no other byte is allowed there. */
const ADDRESS_SIZES: ReadonlyMap<number, number> = new Map([
  [0x00, 0], // unspecified
  [0x11, 12], // TCP over IPv4
  [0x12, 12], // UDP over IPv4
  [0x21, 36], // TCP over IPv6
  [0x22, 36], // UDP over IPv6
  [0x31, 216], // a Unix stream
  [0x32, 216], // a Unix datagram
]);
const INET = 1;
const INET6 = 2;

/** How a line begins, and what may follow as far as it has arrived. */
const LINES = [
  { start: 'PROXY TCP4 ', rest: /^[\d. ]*\r?$/ },
  { start: 'PROXY TCP6 ', rest: /^[\da-f:. ]*\r?$/i },
  { start: 'PROXY UNKNOWN', rest: /^(?: [^]*)?\r?$/ },
];

const NOBODY = 'the PROXY header names an address of 100::/64, which no client has';
const ABSENT = 'no PROXY header comes first, as proxyProtocol asks of this address';

/** Looks for a header at the beginning of `bytes[from, to)`. What cannot become one is refused at its first wrong byte. */
export function decodeProxyHeader(bytes: Buffer, from: number, to: number): ProxyHeader {
  if (from === to) return incomplete(MIN_HEADER_BYTES);
  return bytes[from] === SIGNATURE[0] ? decodeBinary(bytes.subarray(from, to)) : decodeLine(bytes, from, to);
}

function incomplete(missing: number): ProxyHeader {
  return { kind: 'incomplete', missing };
}

function bad(problem: string): ProxyHeader {
  return { kind: 'bad', problem };
}

function decodeLine(bytes: Buffer, from: number, to: number): ProxyHeader {
  const text = bytes.toString('latin1', from, Math.min(to, from + MAX_LINE_BYTES));
  const end = text.indexOf('\r\n');
  if (end >= 0) return readLine(text.slice(0, end), end + 2);
  if (!LINES.some(({ start, rest }) => mayBecome(text, start, rest))) return badLine(text);
  if (text.length >= MAX_LINE_BYTES) return bad(`a PROXY header of version 1 has at most ${MAX_LINE_BYTES} bytes`);
  return incomplete(text.endsWith('\r') ? 1 : Math.max(2, MIN_HEADER_BYTES - text.length));
}

function mayBecome(text: string, start: string, rest: RegExp): boolean {
  return text.length <= start.length
    ? start.startsWith(text)
    : text.startsWith(start) && rest.test(text.slice(start.length));
}

function badLine(text: string): ProxyHeader {
  return bad(text.startsWith('PROXY ') ? 'the PROXY header of version 1 is not as its format says' : ABSENT);
}

function readLine(line: string, length: number): ProxyHeader {
  if (line === 'PROXY UNKNOWN' || line.startsWith('PROXY UNKNOWN ')) {
    return { kind: 'header', length, source: undefined };
  }
  const [, version, source = '', target = '', port = '', targetPort = ''] =
    /^PROXY TCP([46]) (\S+) (\S+) (\d+) (\d+)$/.exec(line) ?? [];
  const areAddresses = [source, target].every((text) => versionOf(text) === Number(version));
  const address = parseAddress(source);
  if (!areAddresses || address === undefined || ![port, targetPort].every(isPort)) return badLine(line);
  if (isUnixAddress(address)) return bad(NOBODY);
  return { kind: 'header', length, source: { address, port: Number(port) } };
}

function isPort(text: string): boolean {
  return /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535;
}

/** `bytes`: all that has arrived. */
function decodeBinary(bytes: Buffer): ProxyHeader {
  const problem = problemIn(bytes);
  if (problem !== undefined) return bad(problem);
  if (bytes.length < BINARY_START) return incomplete(BINARY_START - bytes.length);
  const length = BINARY_START + bytes.readUInt16BE(14);
  if (bytes.length < length) return incomplete(length - bytes.length);
  const source = bytes[12] === LOCAL ? undefined : sourceIn(bytes);
  if (source !== undefined && isUnixAddress(source.address)) return bad(NOBODY);
  return { kind: 'header', length, source };
}

/** Says what is wrong with as much of a header as has arrived. */
function problemIn(bytes: Buffer): string | undefined {
  const count = bytes.length;
  if (!SIGNATURE.subarray(0, count).equals(bytes.subarray(0, SIGNATURE.length))) return ABSENT;
  const [command, family] = [bytes[12], bytes[13]];
  if (command !== undefined && command !== LOCAL && command !== PROXY)
    return 'the PROXY header has an unknown version or command';
  const size = command === LOCAL || family === undefined ? 0 : ADDRESS_SIZES.get(family);
  if (size === undefined) return 'the PROXY header has an unknown family or transport';
  if (count < BINARY_START) return undefined;
  const length = bytes.readUInt16BE(14);
  if (length < size) return 'the PROXY header is shorter than its addresses';
  return BINARY_START + length > MAX_BINARY_BYTES
    ? `a PROXY header has at most ${MAX_BINARY_BYTES} bytes here`
    : undefined;
}

/** The source comes first, the target follows, then both ports. */
function sourceIn(bytes: Buffer): ProxySource | undefined {
  const family = (bytes[13] as number) >> 4;
  const at = BINARY_START;
  if (family === INET) return { address: mapped(bytes.subarray(at, at + 4)), port: bytes.readUInt16BE(at + 8) };
  if (family !== INET6) return undefined;
  return { address: Uint8Array.from(bytes.subarray(at, at + 16)), port: bytes.readUInt16BE(at + 32) };
}
