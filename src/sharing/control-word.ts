/** Packs who may touch a connection, and which connection it is, into the one word that a compare-and-swap moves. */

/** No connection. */
export const FREE = 0;
/** Idle in its thread's epoll set. */
export const IDLE = 1;
/** Its thread is reading, handling or writing it. */
export const BUSY = 2;
/** Idle, but its thread keeps something for it: half a message, an unsent reply, a running handler or session. */
export const PINNED = 3;
/** The acceptor is putting it into an epoll set, or taking it from one to another. */
export const MOVING = 4;
/** Being shut down and closed by whoever set it. */
export const CLOSING = 5;

export type State = typeof FREE | typeof IDLE | typeof BUSY | typeof PINNED | typeof MOVING | typeof CLOSING;

const STATE_BITS = 3;
const THREAD_BITS = 9;
const EPOCH_SHIFT = STATE_BITS + THREAD_BITS;
const STATE_MASK = (1 << STATE_BITS) - 1;
const THREAD_MASK = (1 << THREAD_BITS) - 1;

/** How many threads a control word can name. */
export const MAX_THREADS = 1 << THREAD_BITS;
/** Epochs count from 0 to here and start again: an old event would have to wait for a million connections to be mistaken. */
export const EPOCHS = 1 << (32 - EPOCH_SHIFT);

/** Packs a word, a 32-bit signed integer as `Atomics` reads it. */
export function controlWord(state: State, thread: number, epoch: number): number {
  return (epoch << EPOCH_SHIFT) | (thread << STATE_BITS) | state;
}

export function stateOf(word: number): State {
  return (word & STATE_MASK) as State;
}

export function threadOf(word: number): number {
  return (word >>> STATE_BITS) & THREAD_MASK;
}

export function epochOf(word: number): number {
  return word >>> EPOCH_SHIFT;
}

/** State and thread alone: what `controlWord` gives for epoch 0. */
export function withoutEpoch(word: number): number {
  return word & ~(-1 << EPOCH_SHIFT);
}

/** The same connection on the same thread, in another state. */
export function withState(word: number, state: State): number {
  return (word & ~STATE_MASK) | state;
}
