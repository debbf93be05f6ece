/** Used to hand locks and counters to threads: structured cloning keeps their memory, not what they are. */
import { Counter } from './counter.ts';
import { Lock } from './lock.ts';

type Packed =
  | { readonly kind: 'lock'; readonly buffer: SharedArrayBuffer; readonly byteOffset: number }
  | { readonly kind: 'counter'; readonly buffer: SharedArrayBuffer }
  | { readonly kind: 'value'; readonly value: unknown };

export type PackedValues = Readonly<Record<string, Packed>>;

/** Makes `values` ready for `workerData`. */
export function packShared(values: Readonly<Record<string, unknown>>): PackedValues {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, pack(value)]));
}

/** Gives what `packShared` was given: on this thread, and on the same memory. */
export function unpackShared(packed: PackedValues): Readonly<Record<string, unknown>> {
  return Object.freeze(Object.fromEntries(Object.entries(packed).map(([name, value]) => [name, unpack(value)])));
}

function pack(value: unknown): Packed {
  if (value instanceof Lock) return { kind: 'lock', buffer: value.buffer, byteOffset: value.byteOffset };
  if (value instanceof Counter) return { kind: 'counter', buffer: value.buffer };
  return { kind: 'value', value };
}

function unpack(packed: Packed): unknown {
  if (packed.kind === 'value') return packed.value;
  return packed.kind === 'lock' ? new Lock(packed.buffer, packed.byteOffset) : new Counter(packed.buffer);
}
