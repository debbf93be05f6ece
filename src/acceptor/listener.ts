/** Accepts clients from a listening socket, and tells when the system is out of what each client takes. */
import { EAGAIN, EMFILE, ENFILE, ENOBUFS, ENOMEM, errnoName } from '../sys/errno.ts';
import type { PeerAddress, Sys } from '../sys/sys.ts';
import type { PauseCause } from '../sharing/acceptor-counters.ts';

/** Clients accepted in a row, before the acceptor looks at its other duties. */
const BATCH = 128;

/** Connections that may be lost in a row. */
const MOST_ERRORS = 1000;

export class Listener {
  readonly fd: number;
  /** Another process has this socket as well: it is not ours to shut down. */
  readonly isShared: boolean;
  readonly #sys: Sys;
  readonly #peer: PeerAddress = { bytes: new Uint8Array(16), port: 0 };

  constructor(sys: Sys, fd: number, isShared = false) {
    this.#sys = sys;
    this.fd = fd;
    this.isShared = isShared;
  }

  /**
   * Accepts clients that wait, while `hasRoom`, and hands each to `admit`. Returns `undefined`, or what the system has no
   * more of: then accepting must pause, since the socket stays ready.
   *
   * Any other error is that of one connection, which was lost while it waited (accept(2), "Error handling"): the next
   * one is tried. Too many in a row are an error of the socket.
   */
  accept(
    hasRoom: () => boolean,
    admit: (fd: number, peer: PeerAddress) => void,
    most = BATCH,
  ): ResourceExhausted | undefined {
    for (let tries = 0, errors = 0; tries < most && errors < MOST_ERRORS && hasRoom(); tries++) {
      const fd = this.#sys.accept(this.fd, this.#peer);
      if (fd === EAGAIN) return undefined;
      const shortage = resourceExhausted(fd);
      if (shortage !== undefined) return shortage;
      errors = fd < 0 ? errors + 1 : 0;
      if (fd >= 0) admit(fd, this.#peer);
    }
    return undefined;
  }
}

const OUT_OF = new Map<number, PauseCause>([
  [EMFILE, 'no-files'],
  [ENFILE, 'no-files'],
  [ENOBUFS, 'no-memory'],
  [ENOMEM, 'no-memory'],
]);

/** What the system has no more of; `errno` is the name of its error, such as `EMFILE`. */
export interface ResourceExhausted {
  readonly cause: PauseCause;
  readonly errno: string;
}

/** What the system is out of if accepting a client has ended with `result`; `undefined`: nothing that is known. */
export function resourceExhausted(result: number): ResourceExhausted | undefined {
  const cause = OUT_OF.get(result);
  return cause && { cause, errno: errnoName(result) };
}
