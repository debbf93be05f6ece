/** Delays the end of a thread that loads native code: the library would otherwise abort the whole process. */
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';

/*
 * `process.exit()` ends threads wherever they are. One that is inside koffi's loading gets an error from each call to
 * Node, which koffi can only answer with an abort: status 134 in place of the one that was asked for. So the process's
 * end waits until nobody loads, and who comes later does not begin.
 */

const KEY = 'heddle: threads that load native code';
const LOADING = 0;
const ENDING = 1;

/** The longest that the end of the process waits, in ms: a thread that its service has ended meanwhile is never done. */
const LOAD_TIMEOUT_MS = 1000;

/** This thread is the first: what it loads itself, its own end does not wait for. */
let isFirst = false;

/** Runs `load`. The first thread to call this is the one that starts the others, and ends the process. */
export function loadNative<T>(load: () => T): T {
  if (isFirst) return load();
  const known = getEnvironmentData(KEY);
  if (known instanceof SharedArrayBuffer) return counted(new Int32Array(known), load);
  const buffer = new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT);
  setEnvironmentData(KEY, buffer);
  isFirst = true;
  process.on('exit', () => waitUntilLoaded(new Int32Array(buffer)));
  return load();
}

function counted<T>(words: Int32Array, load: () => T): T {
  Atomics.add(words, LOADING, 1);
  try {
    if (Atomics.load(words, ENDING) === 1) waitForTheEnd(words);
    return load();
  } finally {
    Atomics.sub(words, LOADING, 1);
    Atomics.notify(words, LOADING);
  }
}

function waitForTheEnd(words: Int32Array): void {
  Atomics.sub(words, LOADING, 1);
  Atomics.notify(words, LOADING);
  Atomics.wait(words, ENDING, 1);
}

function waitUntilLoaded(words: Int32Array): void {
  Atomics.store(words, ENDING, 1);
  const end = performance.now() + LOAD_TIMEOUT_MS;
  for (let left = LOAD_TIMEOUT_MS; left > 0; left = end - performance.now()) {
    const loading = Atomics.load(words, LOADING);
    if (loading === 0) return;
    Atomics.wait(words, LOADING, loading, left);
  }
}
