/** Keeps what a call of the service enters with `AsyncLocalStorage.enterWith` from the calls for other clients. */
import { AsyncLocalStorage } from 'node:async_hooks';

/*
 * `enterWith` changes the context of all that follows in the same callback of Node's. Here that is a turn of the thread, in which
 * many clients are served, and all turns after it. Nothing else does: `run`, `bind` and `snapshot` put back what they change, and a
 * promise or a timer of the service has a context of its own. So `enterWith` is watched. After a call in which a storage was entered,
 * the storage has again what it had when the thread began to serve. A service that enters none pays for a look at a flag.
 *
 * What a session does makes Heddle's callbacks run in the session's context. Calls for other clients that come of them (`close`, and
 * all calls where Node has the sockets) are made in the context in which the thread began.
 */

type Storage = AsyncLocalStorage<unknown>;
type RunIn = <Result>(run: () => Result) => Result;

/** A method of all storages, to be called on one. */
type Method<Arguments extends unknown[], Result> = (this: Storage, ...args: Arguments) => Result;

function methodOf<Arguments extends unknown[], Result>(name: 'enterWith' | 'getStore'): Method<Arguments, Result> {
  return Reflect.get(AsyncLocalStorage.prototype, name) as Method<Arguments, Result>;
}

const enterWith = methodOf<[unknown], void>('enterWith');
const getStore = methodOf<[], unknown>('getStore');

class CallContext {
  /** A storage was entered since `leave` was called last. */
  isEntered = false;
  readonly #entered = new Set<Storage>();
  #isWatching = false;
  #runs: RunIn = (run) => run();
  /** The same context, in which nothing but this class runs: in Node 20 `enterWith` changes the one above for good. */
  #reads: RunIn = (run) => run();

  /** Takes note of what is entered from now on. To be called before the service is loaded, which may make storages. */
  watch(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    watchEnterWith((storage) => {
      this.#entered.add(storage);
      this.isEntered = true;
    });
    if (Reflect.has(AsyncLocalStorage.prototype, '_enable')) enableFromTheStart();
  }

  /** Takes the context of now as the one in which clients are served. To be called when the thread begins to serve. */
  begin(): void {
    this.watch();
    this.#runs = AsyncLocalStorage.snapshot();
    this.#reads = AsyncLocalStorage.snapshot();
  }

  /** Calls `run` in that context; what `run` enters ends with it. */
  run<Result>(run: () => Result): Result {
    return this.#runs(() => {
      try {
        return run();
      } finally {
        if (this.isEntered) this.leave();
      }
    });
  }

  /** Ends what the call that has just returned has entered. */
  leave(): void {
    this.isEntered = false;
    for (const storage of this.#entered) {
      const own = this.#reads(() => getStore.call(storage));
      if (getStore.call(storage) !== own) enterWith.call(storage, own);
    }
    this.#entered.clear();
  }
}

function watchEnterWith(note: (storage: Storage) => void): void {
  const watched: typeof enterWith = function (this: Storage, store) {
    note(this);
    enterWith.call(this, store);
  };
  const property = { value: watched, writable: true, configurable: true };
  Object.defineProperty(AsyncLocalStorage.prototype, 'enterWith', property);
}

/**
 * Node 20 gives promises contexts from when the first storage is entered. Sessions that wait by then have none: they would be in the
 * context of whatever runs. So it is to begin when a storage is made, which sets this property. From then on a promise costs about 1 us.
 */
function enableFromTheStart(): void {
  Object.defineProperty(AsyncLocalStorage.prototype, 'enabled', {
    configurable: true,
    set(this: Storage, value: boolean) {
      Object.defineProperty(this, 'enabled', { value, writable: true, enumerable: true, configurable: true });
      enterWith.call(this, undefined);
    },
  });
}

/** The one of this thread. */
export const callContext = new CallContext();
