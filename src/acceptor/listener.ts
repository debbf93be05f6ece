/** Used to take clients from a listening socket. */
import { EAGAIN, ECONNRESET, EINTR, EMFILE, ENFILE, ENOBUFS, ENOMEM, errnoName } from '../sys/errno.ts';
import type { PeerAddress, Sys } from '../sys/sys.ts';

/** Clients accepted in a row, before the acceptor looks at its other duties. */
const BATCH = 128;

/** accept4 passes on errors of the connection that was waiting (accept(2), "Error handling"): those concern one client. */
const OUT_OF = new Set([EMFILE, ENFILE, ENOBUFS, ENOMEM]);

export class Listener {
  readonly fd: number;
  readonly #sys: Sys;
  readonly #peer: PeerAddress = { bytes: new Uint8Array(16), port: 0 };

  constructor(sys: Sys, fd: number) {
    this.#sys = sys;
    this.fd = fd;
  }

  /**
   * Accepts the clients that wait and hands each to `admit`. Returns `undefined`, or the name of what the system has no
   * more of (such as `EMFILE`): then accepting must pause, since the socket stays ready.
   */
  accept(admit: (fd: number, peer: PeerAddress) => void, most = BATCH): string | undefined {
    for (let count = 0; count < most; count++) {
      const fd = this.#sys.accept(this.fd, this.#peer);
      if (fd >= 0) admit(fd, this.#peer);
      else if (fd === EAGAIN) return undefined;
      else if (OUT_OF.has(fd)) return errnoName(fd);
      else if (fd !== EINTR && fd !== ECONNRESET && count === most - 1) return undefined;
    }
    return undefined;
  }
}
