/** Hands locks, counters and shared memory to threads, and refuses what each thread would silently get a copy of. */
import { types } from 'node:util';
import { HeddleError, kindOf } from '../errors.ts';
import { Counter } from './counter.ts';
import { Lock } from './lock.ts';

/*
 * Structured cloning keeps the memory of a lock or a counter, not what they are. Of most other objects it makes a copy: a
 * thread that changes its copy changes nothing for the other threads. So an object must be shared memory, or frozen.
 */

type Packed =
  | { readonly kind: 'lock'; readonly buffer: SharedArrayBuffer; readonly byteOffset: number }
  | { readonly kind: 'counter'; readonly buffer: SharedArrayBuffer }
  | { readonly kind: 'value'; readonly value: unknown };

export type PackedValues = Readonly<Record<string, Packed>>;

const SHAREABLE =
  'a Counter, a Lock, a SharedArrayBuffer or a typed array over one, and what cannot change: text, numbers, and frozen objects (Object.freeze) of these';

/** Makes `values`, which errors name by `nameOf`, ready for `workerData`. Throws HEDDLE_INVALID_OPTION for what threads cannot share. */
export function packShared(values: Readonly<Record<string, unknown>>, nameOf: (name: string) => string): PackedValues {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, pack(value, nameOf(name))]));
}

/** Gives what `packShared` was given: on this thread, and on the same memory. */
export function unpackShared(packed: PackedValues): Readonly<Record<string, unknown>> {
  return Object.freeze(Object.fromEntries(Object.entries(packed).map(([name, value]) => [name, unpack(value)])));
}

function pack(value: unknown, name: string): Packed {
  if (value instanceof Lock) return { kind: 'lock', buffer: value.buffer, byteOffset: value.byteOffset };
  if (value instanceof Counter) return { kind: 'counter', buffer: value.buffer };
  const clone = cloned(value, name);
  checkShareable(value, name, new Set());
  return { kind: 'value', value: clone };
}

function unpack(packed: Packed): unknown {
  if (packed.kind === 'value') return frozen(packed.value);
  return packed.kind === 'lock' ? new Lock(packed.buffer, packed.byteOffset) : new Counter(packed.buffer);
}

function cloned(value: unknown, name: string): unknown {
  try {
    return structuredClone(value);
  } catch (cause) {
    const why = (cause instanceof Error ? cause.message : String(cause)).replace(/\.$/, '');
    throw new HeddleError(
      'HEDDLE_INVALID_OPTION',
      `${name} cannot be handed to threads: ${why}. Functions, sockets and the like belong to one thread: make them in start of the service`,
      { cause },
    );
  }
}

/** Throws for an object of which each thread would change a copy of its own. `seen`: the objects that were looked at. */
function checkShareable(value: unknown, name: string, seen: Set<object>): void {
  if (typeof value !== 'object' || value === null || seen.has(value) || neverChanges(value)) return;
  seen.add(value);
  if (!isPlain(value) || !Object.isFrozen(value)) {
    throw new HeddleError(
      'HEDDLE_INVALID_OPTION',
      `${name} cannot be shared: each thread would get a copy of this ${kindOf(value)}, and change its own. Threads share ${SHAREABLE}`,
    );
  }
  for (const [key, inner] of Object.entries(value)) checkShareable(inner, `${name}.${key}`, seen);
}

/** Whether cloning keeps the memory of `value`, or nobody can change it. */
function neverChanges(value: object): boolean {
  if (types.isKeyObject(value) || types.isCryptoKey(value) || isOf(value, 'Module')) return true;
  const hasMemory = ArrayBuffer.isView(value) || isOf(value, 'Memory');
  return types.isSharedArrayBuffer(hasMemory ? (value as { readonly buffer: unknown }).buffer : value);
}

/** Without a compiler (`--jitless`) there is no WebAssembly. */
function isOf(value: object, kind: 'Module' | 'Memory'): boolean {
  return 'WebAssembly' in globalThis && value instanceof WebAssembly[kind];
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return Array.isArray(value) || prototype === Object.prototype || prototype === null;
}

/** Freezes the objects in `value`, as they were before they were cloned. */
function frozen(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value) || neverChanges(value)) return value;
  Object.freeze(value);
  for (const inner of Object.values(value)) frozen(inner);
  return value;
}
