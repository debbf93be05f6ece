/** Opens a listening Unix socket: its file, who may connect, and what an earlier server left there. */
import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { resolve } from 'node:path';
import { HeddleError } from '../errors.ts';
import { AF_UNIX, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_SEQPACKET, SOCK_STREAM } from '../sys/constants.ts';
import { EACCES, EADDRINUSE, ECONNREFUSED, ENOENT, errnoName } from '../sys/errno.ts';
import type { SocketAddress, Sys } from '../sys/sys.ts';
import { type ListeningSocket, serverAddress } from './listening-socket.ts';

/*
 * Nobody can connect before the file has its mode: until listen(2) the kernel refuses every connect. So bind, chmod,
 * listen is enough. A umask would be that of the whole process, and a worker may not set it; a private name that is
 * renamed would stay the socket's name for getsockname(2) and `ss`.
 */

/** Who may connect to the socket that hands a server over: its own user. */
const CONTROL_MODE = 0o600;
const CONTROL_BACKLOG = 16;

const IN_USE = 'a server listens there already. Stop it (to find it: ss -lxp)';
const CANNOT_REMOVE =
  'a server that is gone has left its socket there, and this user may not remove it. Remove it as its owner, or as root';

/** What is to be opened, where, and the option that says so. */
interface SocketRequest {
  readonly path: string;
  /** From the working directory of now, wherever the process goes; `undefined`: the name has no file (`@name`). */
  readonly file: string | undefined;
  readonly type: number;
  readonly option: string;
}

interface UnixRequest {
  readonly path: string;
  /** Who may connect. */
  readonly mode: number;
  readonly option: string;
}

/** Opens a listening socket. Errors: `HEDDLE_LISTEN`. */
export function listenUnix(sys: Sys, { path, mode, option }: UnixRequest, backlog: number): ListeningSocket {
  return open(sys, { path, file: fileOf(path), type: SOCK_STREAM, option }, mode, backlog);
}

/** Opens the socket at `path` to which the process connects that is to take over from this one; `option` says so. Errors: `HEDDLE_LISTEN`. */
export function listenForSuccessor(sys: Sys, path: string, option: string): ListeningSocket {
  const request = { path, file: fileOf(path), type: SOCK_SEQPACKET, option };
  return open(sys, request, CONTROL_MODE, CONTROL_BACKLOG);
}

function fileOf(path: string): string | undefined {
  return path.startsWith('@') ? undefined : resolve(path);
}

/** The file of a socket that is open at `path`; `remove` takes it away, if it is still the one that is there now. */
export function socketFile(path: string): { remove(): void } {
  const file = resolve(path);
  const id = fileId(file);
  return { remove: () => removeIfSame(file, id) };
}

function open(sys: Sys, request: SocketRequest, mode: number, backlog: number): ListeningSocket {
  const { file, path, type } = request;
  const fd = sys.socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) throw unixError(request, 'socket', fd);
  const address: SocketAddress = { family: 'unix', address: path, port: 0 };
  let id: FileId | undefined;
  try {
    bind(sys, fd, address, request);
    if (file !== undefined) {
      id = fileId(file);
      setMode(request, file, mode);
    }
    const listening = sys.listen(fd, backlog);
    if (listening < 0) throw unixError(request, 'listen', listening);
  } catch (error) {
    if (file !== undefined && id !== undefined) removeIfSame(file, id);
    sys.close(fd);
    throw error;
  }
  const close = (): void => {
    // Before the fd: while the socket is open, the kernel gives its inode number to no other file.
    if (file !== undefined) removeIfSame(file, id);
    sys.close(fd);
  };
  return { fd, address: serverAddress(address), isShared: false, close };
}

/**
 * Binds `fd`; if a server that is gone has left its socket there, in its place. (One that is between its bind and its
 * listen at this very moment looks the same: two servers are not to be started on one path at once.)
 */
function bind(sys: Sys, fd: number, address: SocketAddress, request: SocketRequest): void {
  const bound = sys.bind(fd, address);
  if (bound >= 0) return;
  const { file } = request;
  if (bound === EADDRINUSE && file === undefined) throw unixError(request, 'bind', bound, IN_USE);
  const found = bound === EADDRINUSE && file !== undefined ? fileId(file) : undefined;
  if (found === undefined || file === undefined) throw unixError(request, 'bind', bound);
  const obstacle = obstacleAt(sys, address, file, request.type);
  if (obstacle !== undefined) throw unixError(request, 'bind', bound, obstacle);
  removeIfSame(file, found);
  if (isSame(fileId(file), found)) throw unixError(request, 'bind', bound, CANNOT_REMOVE);
  const again = sys.bind(fd, address);
  if (again < 0) throw unixError(request, 'bind', again);
}

/** Why the file must stay, and what to do; `undefined`: it is a socket, and nobody listens on it. */
function obstacleAt(sys: Sys, address: SocketAddress, file: string, type: number): string | undefined {
  if (lstatSync(file, { throwIfNoEntry: false })?.isSocket() === false) {
    return 'there is a file that is no socket. Take the file away';
  }
  const fd = sys.socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const answer = sys.connect(fd, address);
  sys.close(fd);
  if (answer === ECONNREFUSED || answer === ENOENT) return undefined;
  if (answer === EACCES) return 'there is a socket that this user may not connect to. Find out whose it is';
  return IN_USE;
}

function setMode({ option, path }: SocketRequest, file: string, mode: number): void {
  try {
    chmodSync(file, mode);
  } catch (cause) {
    const { code = String(cause) } = cause as NodeJS.ErrnoException;
    const text = `who may connect cannot be set (chmod: ${code}). Choose a path on another file system with ${option}`;
    throw new HeddleError('HEDDLE_LISTEN', `Cannot listen on unix:${path}: ${text}`, { cause, syscall: 'chmod' });
  }
}

interface FileId {
  readonly device: bigint;
  readonly inode: bigint;
}

function fileId(file: string): FileId | undefined {
  const stat = lstatSync(file, { bigint: true, throwIfNoEntry: false });
  return stat && { device: stat.dev, inode: stat.ino };
}

function isSame(one: FileId | undefined, other: FileId | undefined): boolean {
  return one !== undefined && one.inode === other?.inode && one.device === other.device;
}

/** Removes the file if it is still the one that was seen: another server may have put its own there since. */
function removeIfSame(file: string, seen: FileId | undefined): void {
  try {
    if (isSame(fileId(file), seen)) unlinkSync(file);
  } catch {
    // The folder has been taken away or closed to us: then it is as good as removed, and the next server sees that.
  }
}

/** What to do; or else, to choose another path. */
const ADVICE = new Map([
  [EADDRINUSE, 'another server has just taken it. Stop that server'],
  [EACCES, 'no permission to make a file there. Have the folder made yours'],
  [ENOENT, 'there is no such folder. Make it'],
]);

function unixError({ option, path }: SocketRequest, syscall: string, result: number, obstacle?: string): HeddleError {
  const errno = errnoName(result);
  const advice = obstacle ?? ADVICE.get(result);
  const text = advice === undefined ? `the system said ${errno}` : `${advice}, or choose another path with ${option}`;
  return new HeddleError('HEDDLE_LISTEN', `Cannot listen on unix:${path}: ${text}`, { errno, syscall });
}
