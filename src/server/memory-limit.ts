/** Says how much memory is kept for clients where nobody says so: a quarter of what the process may have. */
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import type { ServeSettings } from '../options/serve-options.ts';
import type { KnownLimits } from '../options/thread-settings.ts';

/** What `maxMemory` may be at least. */
const MIN_MEMORY_BYTES = 2 ** 20;

/** Lines of /proc/self/limits (proc(5)) that bound the memory of a process. */
const LIMITS = /^Max (?:data size|address space) +(\d+)/gm;

/** What may wait to be sent to a client by default, in bytes; more if messages may be longer. */
const MIN_UNSENT_BYTES = 2 ** 20;

type MemoryLimits = Pick<KnownLimits, 'maxMemory' | 'maxUnsent'>;

/** Fills in `maxMemory` and `maxUnsent`. */
export function withMemoryLimits<S extends ServeSettings>(settings: S): S & MemoryLimits {
  return {
    ...settings,
    maxMemory: settings.maxMemory ?? defaultMaxMemory(),
    maxUnsent: settings.maxUnsent ?? Math.max(MIN_UNSENT_BYTES, settings.maxMessageLength),
  };
}

/** A default for `maxMemory`, in bytes. */
function defaultMaxMemory(): number {
  return quarterOf([totalmem(), process.constrainedMemory(), ...limitsIn(readLimits())]);
}

/** A quarter of the least of `bytes`; those that are 0, or unknown, are no limit. */
export function quarterOf(bytes: readonly (number | undefined)[]): number {
  const least = Math.min(...bytes.filter((each) => each !== undefined && each > 0).map(Number));
  return Math.max(MIN_MEMORY_BYTES, Math.floor(least / 4));
}

/** The limits of a process, in bytes, that `text` says: what /proc/self/limits has. */
export function limitsIn(text: string): number[] {
  return [...text.matchAll(LIMITS)].map(([, bytes]) => Number(bytes));
}

function readLimits(): string {
  try {
    return readFileSync('/proc/self/limits', 'latin1');
  } catch {
    return ''; // Not Linux, or without /proc.
  }
}
