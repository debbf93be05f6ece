/** Used to hand locks and counters to threads: structured cloning keeps their memory, not what they are. */
import { HeddleError } from '../errors.ts';
import { Counter } from './counter.ts';
import { Lock } from './lock.ts';

type Packed =
  | { readonly kind: 'lock'; readonly buffer: SharedArrayBuffer; readonly byteOffset: number }
  | { readonly kind: 'counter'; readonly buffer: SharedArrayBuffer }
  | { readonly kind: 'value'; readonly value: unknown };

export type PackedValues = Readonly<Record<string, Packed>>;

/** Makes `values`, which errors name by `nameOf`, ready for `workerData`. Throws HEDDLE_INVALID_OPTION for what cannot be cloned. */
export function packShared(values: Readonly<Record<string, unknown>>, nameOf: (name: string) => string): PackedValues {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, pack(value, () => nameOf(name))]));
}

/** Gives what `packShared` was given: on this thread, and on the same memory. */
export function unpackShared(packed: PackedValues): Readonly<Record<string, unknown>> {
  return Object.freeze(Object.fromEntries(Object.entries(packed).map(([name, value]) => [name, unpack(value)])));
}

function pack(value: unknown, name: () => string): Packed {
  if (value instanceof Lock) return { kind: 'lock', buffer: value.buffer, byteOffset: value.byteOffset };
  if (value instanceof Counter) return { kind: 'counter', buffer: value.buffer };
  try {
    return { kind: 'value', value: structuredClone(value) };
  } catch (cause) {
    const why = (cause instanceof Error ? cause.message : String(cause)).replace(/\.$/, '');
    throw new HeddleError(
      'HEDDLE_INVALID_OPTION',
      `${name()} cannot be handed to threads: ${why}. Functions, sockets and the like belong to one thread: make them in start of the service`,
      { cause },
    );
  }
}

function unpack(packed: Packed): unknown {
  if (packed.kind === 'value') return packed.value;
  return packed.kind === 'lock' ? new Lock(packed.buffer, packed.byteOffset) : new Counter(packed.buffer);
}
