/** Connects to the server that this one replaces, and gets its listening sockets. */
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { HandoverChannel, type Received } from './channel.ts';
import { decodeWelcome, VERSION, type Welcome } from './packets.ts';
import { HeddleError } from '../errors.ts';
import { AF_UNIX, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_SEQPACKET } from '../sys/constants.ts';
import { EACCES, EAGAIN, ECONNREFUSED, ENOENT, EPROTOTYPE, errnoName } from '../sys/errno.ts';
import type { Sys } from '../sys/sys.ts';
import { InheritedListeners } from '../listen/inherited.ts';
import type { ListeningSocket } from '../listen/listening-socket.ts';

/** How long a server may take to answer, in ms: it may be taking the place of another itself, and that one may be leaving. */
export const HANDOVER_TIMEOUT_MS = 30_000;
/** How often its answer is looked for, in ms. */
const POLL_INTERVAL_MS = 2;

/** A server whose place can be taken. */
export interface PreviousServer {
  readonly pid: number;
  readonly tls: boolean;
  /** The connection to it: while it is open, it waits for what comes. */
  readonly channelFd: number;
  /** Where it waited for its successor. */
  readonly control: ListeningSocket;
  /** Its other listening sockets. */
  readonly inherited: InheritedListeners;
  /** Lets it go on: this process has no use for it. */
  readonly leave: () => void;
}

/** Where to look for a server, and the option that says so. */
interface ControlPath {
  readonly path: string;
  readonly option: string;
}

/**
 * Connects to the server that can be succeeded at `path`; `undefined`: there is none. That server goes on as it was until
 * it is told more. `option` is what gave the path. Errors: `HEDDLE_LISTEN`.
 */
export async function connectToPrevious(sys: Sys, path: string, option: string): Promise<PreviousServer | undefined> {
  const until = performance.now() + HANDOVER_TIMEOUT_MS;
  const channel = await connect(sys, { path, option }, until);
  if (channel === undefined) return undefined;
  try {
    return await meet(sys, { path, option }, channel, until);
  } catch (error) {
    channel.close();
    throw error;
  }
}

async function connect(sys: Sys, { path, option }: ControlPath, until: number): Promise<HandoverChannel | undefined> {
  const fd = sys.socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) throw takeOverError(path, `the system said ${errnoName(fd)}`);
  for (;;) {
    const connected = sys.connect(fd, { family: 'unix', address: path, port: 0 });
    if (connected >= 0) return new HandoverChannel(sys, fd);
    if (connected === EAGAIN && performance.now() < until) {
      await delay(POLL_INTERVAL_MS); // So many others wait there already.
      continue;
    }
    sys.close(fd);
    if (connected === ECONNREFUSED || connected === ENOENT) return undefined;
    throw takeOverError(path, CONNECT_ADVICE.get(connected)?.(option) ?? `the system said ${errnoName(connected)}`);
  }
}

async function meet(
  sys: Sys,
  { path, option }: ControlPath,
  channel: HandoverChannel,
  until: number,
): Promise<PreviousServer> {
  const peer = sys.peerCredentials(channel.fd);
  const uid = process.getuid?.();
  if (typeof peer === 'number' || !(peer.uid === uid || peer.uid === 0 || uid === 0)) {
    throw takeOverError(path, `the server there is another user’s. Choose another path with ${option}`);
  }
  const { bytes, fds } = await answer(path, channel, until);
  const welcome = decodeWelcome(bytes);
  if (typeof welcome === 'object' && fds.length === welcome.shared.length + 1)
    return inherit(sys, path, channel, welcome, fds);
  for (const fd of fds) sys.close(fd);
  throw takeOverError(path, typeof welcome === 'number' ? otherVersion(welcome) : unclear(welcome, option));
}

async function answer(path: string, channel: HandoverChannel, until: number): Promise<Received> {
  for (;;) {
    const received = channel.receive();
    if (received === 'over')
      throw takeOverError(path, 'the server there refused. It lets in only its own user, and root');
    if (received !== 'none') return received;
    if (performance.now() >= until) {
      throw takeOverError(
        path,
        `the server there did not answer within ${HANDOVER_TIMEOUT_MS / 1000} s. Look at its log, or stop it`,
      );
    }
    await delay(POLL_INTERVAL_MS);
  }
}

function inherit(
  sys: Sys,
  path: string,
  channel: HandoverChannel,
  welcome: Welcome,
  fds: readonly number[],
): PreviousServer {
  const { pid, tls, shared } = welcome;
  const sockets = shared.map((isShared, index) => ({ fd: fds[index] as number, isShared }));
  const inherited = new InheritedListeners(sys, sockets);
  const control = inherited.takeControl(fds.at(-1) as number, path);
  const leave = (): void => {
    inherited.close();
    control.close();
    channel.close();
  };
  return { pid, tls, channelFd: channel.fd, control, inherited, leave };
}

function otherVersion(version: number): string {
  return `the server there hands over in version ${version}, this one takes over in version ${VERSION}. Stop it first`;
}

function unclear(welcome: Welcome | undefined, option: string): string {
  if (welcome === undefined) return `what listens there is no Heddle server. Choose another path with ${option}`;
  return 'this process may not open as many files as the server there hands over. Raise the limit: ulimit -n';
}

const CONNECT_ADVICE = new Map<number, (option: string) => string>([
  [EACCES, () => 'this user may not connect to the server there. Run it as the same user, or as root'],
  [
    EPROTOTYPE,
    (option) => `what listens there is no Heddle server to take over from. Choose another path with ${option}`,
  ],
]);

function takeOverError(path: string, why: string): HeddleError {
  return new HeddleError('HEDDLE_LISTEN', `Cannot take over at unix:${resolve(path)}: ${why}`);
}
