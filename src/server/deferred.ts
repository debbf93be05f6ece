/** Settles a promise from elsewhere: `Promise.withResolvers`, which Node 20 does not have. */
export class Deferred<T> {
  readonly promise: Promise<T>;
  #settle: { resolve: (value: T) => void; reject: (error: unknown) => void } | undefined;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
  }

  resolve(value: T): void {
    this.#settle?.resolve(value);
  }

  reject(error: unknown): void {
    this.#settle?.reject(error);
  }
}
