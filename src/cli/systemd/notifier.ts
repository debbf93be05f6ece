/** Sends notices to systemd, or whoever started this process: a datagram each (sd_notify(3)). Node has no such sockets. */
import { setTimeout as delay } from 'node:timers/promises';
import { AF_UNIX, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_NONBLOCK } from '../../sys/constants.ts';
import { EAGAIN } from '../../sys/errno.ts';
import type { Sys } from '../../sys/sys.ts';

/** When the receiver's queue is full, a notice is tried again after so many ms, so many times. */
const RETRY_MS = 50;
const TRIES = 40;

export class Notifier {
  readonly #sys: Sys;
  readonly #address: string;
  #last: Promise<void> = Promise.resolve();

  /** `address` is that of a Unix socket, as `Sys` names it. */
  constructor(sys: Sys, address: string) {
    this.#sys = sys;
    this.#address = address;
  }

  /**
   * Sends `notice`, behind those before it. Whether anybody takes it is not ours to know: the variable that names the
   * socket is inherited, so its owner may be gone or may not mean us, and a server is not to end for that.
   */
  async notify(notice: string): Promise<void> {
    this.#last = this.#last.then(async () => this.#deliver(notice));
    return this.#last;
  }

  async #deliver(notice: string): Promise<void> {
    for (let tries = 0; tries < TRIES && this.#send(notice) === EAGAIN; tries++) await delay(RETRY_MS);
  }

  #send(notice: string): number {
    const sys = this.#sys;
    const fd = sys.socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return fd;
    const memory = sys.wrap(Buffer.from(notice));
    const connected = sys.connect(fd, { family: 'unix', address: this.#address, port: 0 });
    const result = connected < 0 ? connected : sys.send(fd, memory, 0, memory.size);
    sys.close(fd);
    return result;
  }
}
