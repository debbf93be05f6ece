/** Picks, from the listening sockets of the process before this one, those that this one listens on. */
import { resolve } from 'node:path';
import { unixName } from '../sys/structs/socket-address.ts';
import type { SocketAddress, Sys } from '../sys/sys.ts';
import { socketFile } from './unix.ts';
import { type ListeningSocket, serverAddress } from './listening-socket.ts';

interface InheritedListener {
  readonly fd: number;
  readonly isShared: boolean;
}

export class InheritedListeners {
  readonly #sys: Sys;
  #left: readonly InheritedListener[];
  #areOurs = false;

  /** Takes over the fds of `sockets`. */
  constructor(sys: Sys, sockets: readonly InheritedListener[]) {
    this.#sys = sys;
    this.#left = sockets;
  }

  /** The process before this one has given them up: from now on their files go away with them. */
  own(): void {
    this.#areOurs = true;
  }

  /** Takes the socket that listens on `host`, or on all interfaces, and `port`; 0: on any. */
  takeTcp(host: string | undefined, port: number): ListeningSocket | undefined {
    const isHost = (address: string) =>
      host === undefined ? address === '::' || address === '0.0.0.0' : address === host;
    return this.#take((name) => name.family !== 'unix' && isHost(name.address) && (port === 0 || port === name.port));
  }

  takeUnix(path: string): ListeningSocket | undefined {
    const isSame = (address: string): boolean =>
      path.startsWith('@') ? address === unixName(path) : resolve(address) === resolve(path);
    return this.#take((name) => name.family === 'unix' && isSame(name.address));
  }

  /** Takes `fd`, on which that process waited for this one. */
  takeControl(fd: number, path: string): ListeningSocket {
    return this.#adopt({ fd, isShared: false }, { family: 'unix', address: unixName(path), port: 0 });
  }

  /** Takes all that are left. */
  takeAll(): readonly ListeningSocket[] {
    const all: ListeningSocket[] = [];
    for (let next = this.#take(() => true); next !== undefined; next = this.#take(() => true)) all.push(next);
    return all;
  }

  /** Gives up those that nobody took. */
  close(): void {
    for (const { fd } of this.#left) this.#sys.close(fd);
    this.#left = [];
  }

  #take(isWanted: (name: SocketAddress) => boolean): ListeningSocket | undefined {
    for (const listener of this.#left) {
      const name = this.#sys.getsockname(listener.fd);
      if (typeof name === 'number' || !isWanted(name)) continue;
      this.#left = this.#left.filter((other) => other !== listener);
      return this.#adopt(listener, name);
    }
    return undefined;
  }

  #adopt({ fd, isShared }: InheritedListener, name: SocketAddress): ListeningSocket {
    // What others have as well keeps its file; a name that begins with a zero character has none.
    const hasFile = name.family === 'unix' && !isShared && !name.address.startsWith('\0');
    const file = hasFile ? socketFile(name.address) : undefined;
    const close = (): void => {
      if (this.#areOurs) file?.remove();
      this.#sys.close(fd);
    };
    return { fd, address: serverAddress(name), isShared, close };
  }
}
