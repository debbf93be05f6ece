/**
 * Counts visits across all threads with a Counter, and keeps the longest name so far under a Lock.
 *
 * What is shared is given in code, so this file starts its own server:
 *
 *     npx jiti examples/shared-counter.ts
 *     echo 'Ann' | nc -N 127.0.0.1 12345
 */
import { isMainThread } from 'node:worker_threads';
import { Counter, defineService, Lock, serve } from 'heddle';

interface Shared {
  readonly visits: Counter;
  readonly lock: Lock;
  /** The longest name: its length in the first byte, its UTF-8 bytes behind. */
  readonly longest: SharedArrayBuffer;
}

let shared: Shared;

export default defineService({
  framing: 'line',
  start(thread) {
    shared = thread.shared as unknown as Shared;
  },
  message(name: Buffer) {
    const visit = shared.visits.add();
    return `You are visitor ${visit}. The longest name so far: ${longestWith(name)}`;
  },
});

/** Two threads may come here at once: reading and writing under the lock makes it one step. */
function longestWith(name: Buffer): string {
  const bytes = Buffer.from(shared.longest);
  const held = shared.lock.acquireSync();
  try {
    if (name.length > (bytes[0] ?? 0) && name.length < bytes.length) {
      bytes[0] = name.length;
      bytes.set(name, 1);
    }
    return bytes.toString('utf8', 1, 1 + (bytes[0] ?? 0));
  } finally {
    held[Symbol.dispose]();
  }
}

/** What every thread is handed. */
export function createShared(): Shared {
  return { visits: new Counter(), lock: new Lock(), longest: new SharedArrayBuffer(256) };
}

if (isMainThread && process.argv[1] === import.meta.filename) {
  const server = await serve({ service: import.meta.filename, port: 12345, shared: { ...createShared() } });
  console.log(`Server running on port ${server.address.port}`);
}
