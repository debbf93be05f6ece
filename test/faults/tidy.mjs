// Loaded on every thread of a server that is to be told to free what is garbage, before anything else (with --import,
// --expose-gc and --compact-on-every-full-gc).
import { Session } from 'node:inspector';
import { getEnvironmentData, isMainThread, setEnvironmentData } from 'node:worker_threads';
import koffi from 'koffi';

const NAME = 'tidy';
/** How often a thread looks whether it was told to, in ms. */
const POLL_INTERVAL_MS = 50;

if (isMainThread) setEnvironmentData(NAME, new SharedArrayBuffer(4));
/** How often it was said. */
const times = new Int32Array(getEnvironmentData(NAME));

const session = new Session();
session.connect();

let seen = 0;
/** Whether it was said since this was asked last. */
function isSaid() {
  const now = Atomics.load(times, 0);
  const isNew = now !== seen;
  seen = now;
  return isNew;
}

/** First as a debugger asks for it, which gives back young generations too; then pages that are half empty are put together. */
function collect() {
  session.post('HeapProfiler.collectGarbage');
  globalThis.gc();
}

setInterval(() => isSaid() && collect(), POLL_INTERVAL_MS).unref();

/** The acceptor comes to its event loop only in the end: it looks between two waits. What a debugger asks for would wait for that loop. */
const { load } = koffi;
koffi.load = (name) => {
  const library = load(name);
  return {
    func(signature) {
      const call = library.func(signature);
      if (isMainThread || !signature.includes('epoll_wait')) return call;
      return (...words) => {
        if (isSaid()) globalThis.gc();
        return call(...words);
      };
    },
  };
};

/** Has every thread free what is garbage; the acceptor does so within a second. */
export function tidy() {
  Atomics.add(times, 0, 1);
  if (isSaid()) collect();
}
