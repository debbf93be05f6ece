/** Defines the packets that two processes exchange during a hand-over. */

/*
 * One packet each, of a SOCK_SEQPACKET socket: whole, in order, and with the fds that were sent with it.
 *
 *   old process                                            new process
 *      ── WELCOME, with the listening sockets ──▶             connects; then starts its threads
 *      ◀── READY ──                                           they serve
 *   stops accepting
 *      ── START, with a socket for its totals ──▶             accepts
 *      ── ASK ──▶                                             so many clients are idle
 *      ◀── ROOM ──                                            so many may come; their places are kept
 *      ── CLIENT, with its fd, then what is kept for it ──▶
 *      ◀── ANSWER ──                                          taken or not; it is the new process's from here on
 *   closes its copy
 *      ── BACK ──▶                                            so many places are not needed, after all
 */

/** Of everything that is said here. Processes of different versions leave each other alone. */
export const VERSION = 4;

const GREETING = 'heddle take-over ';

/** What the old process is, as it welcomes the new one. */
export interface Welcome {
  readonly pid: number;
  /** Its clients speak TLS, and cannot be handed over. */
  readonly tls: boolean;
  /** For each listening socket that comes with it: whether others than these two processes have it. */
  readonly shared: readonly boolean[];
}

export function encodeWelcome(welcome: Welcome): Buffer {
  return Buffer.from(`${GREETING}${VERSION}\n${JSON.stringify(welcome)}`);
}

/** Reads a welcome; a number: that of another version; `undefined`: it is no welcome. */
export function decodeWelcome(bytes: Buffer): Welcome | number | undefined {
  const [first = '', json = ''] = bytes.toString('utf8').split('\n', 2);
  const version = first.startsWith(GREETING) ? Number(first.slice(GREETING.length)) : Number.NaN;
  if (!Number.isInteger(version)) return undefined;
  if (version !== VERSION) return version;
  try {
    return JSON.parse(json) as Welcome;
  } catch {
    return undefined;
  }
}

export type Packet =
  | { readonly kind: 'ready' }
  /** `accepted`: how many clients were, so far; the next one gets a higher number. */
  | { readonly kind: 'start'; readonly accepted: number }
  /** `ask`, `room`, `back`: for how many clients. An `ask` comes when there is no room left, and waits for its `room`. */
  | { readonly kind: 'ask' | 'room' | 'back'; readonly count: number }
  /** About the first client that was not answered yet. */
  | { readonly kind: 'answer'; readonly taken: boolean };

const READY = 2;
const START = 3;
const TAKEN = 5;
const NOT_TAKEN = 6;
const COUNTS = { ask: 7, room: 8, back: 9 } as const;
const SIZE = 16;

export function encodePacket(packet: Packet): Buffer {
  const bytes = Buffer.alloc(SIZE);
  if (packet.kind === 'ready') bytes[0] = READY;
  else if (packet.kind === 'answer') bytes[0] = packet.taken ? TAKEN : NOT_TAKEN;
  else {
    bytes[0] = packet.kind === 'start' ? START : COUNTS[packet.kind];
    bytes.writeDoubleLE(packet.kind === 'start' ? packet.accepted : packet.count, 8);
  }
  return bytes;
}

/** Reads a packet; `undefined`: the bytes are none. */
export function decodePacket(bytes: Buffer): Packet | undefined {
  if (bytes.length !== SIZE) return undefined;
  const [code] = bytes;
  const count = bytes.readDoubleLE(8);
  if (code === READY) return { kind: 'ready' };
  if (code === TAKEN || code === NOT_TAKEN) return { kind: 'answer', taken: code === TAKEN };
  if (!Number.isSafeInteger(count) || count < 0) return undefined;
  if (code === START) return { kind: 'start', accepted: count };
  const kind = (['ask', 'room', 'back'] as const).find((name) => COUNTS[name] === code);
  return kind && { kind, count };
}
