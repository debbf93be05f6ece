/** Hands messages to those who wait for them, first come, first served. */

/** What an entry of the queue costs beside its bytes; so many empty messages are bounded too. */
const PER_MESSAGE = 64;

interface Waiter<Received> {
  readonly resolve: (message: Received | undefined) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout | undefined;
}

/** Queues messages when nobody waits, and those who wait when there is no message. */
export class Inbox<Received = Buffer> {
  #messages: { readonly message: Received; readonly size: number }[] = [];
  #waiters: Waiter<Received>[] = [];
  #ended = false;
  #error: Error | undefined;
  /** About how many bytes the messages that wait to be taken are. */
  size = 0;

  /** `length`: how many bytes the message came as. */
  put(message: Received, length: number): void {
    const waiter = this.#waiters.shift();
    if (waiter !== undefined) {
      clearTimeout(waiter.timer);
      waiter.resolve(message);
      return;
    }
    const size = PER_MESSAGE + length;
    this.#messages.push({ message, size });
    this.size += size;
  }

  /** Resolves with the next message that nobody else waits for; with undefined when no more will come. */
  take(timeout: number, onTimeout: () => Error): Promise<Received | undefined> {
    const first = this.#messages.shift();
    if (first !== undefined) {
      this.size -= first.size;
      return Promise.resolve(first.message);
    }
    if (this.#error !== undefined) return Promise.reject(this.#error);
    if (this.#ended) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      const waiter: Waiter<Received> = {
        resolve,
        reject,
        timer: this.#startTimer(timeout, () => this.#expire(waiter, onTimeout)),
      };
      this.#waiters.push(waiter);
    });
  }

  /** No more messages will come, since the server finished or because of `error`. Those that are here can be taken. */
  end(error?: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    for (const waiter of this.#waiters.splice(0)) {
      clearTimeout(waiter.timer);
      if (error === undefined) waiter.resolve(undefined);
      else waiter.reject(error);
    }
  }

  #startTimer(timeout: number, expire: () => void): NodeJS.Timeout | undefined {
    return timeout === Infinity ? undefined : setTimeout(expire, timeout);
  }

  #expire(waiter: Waiter<Received>, onTimeout: () => Error): void {
    this.#waiters = this.#waiters.filter((each) => each !== waiter);
    waiter.reject(onTimeout());
  }
}
