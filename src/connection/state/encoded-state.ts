/** Writes down what is kept with a client, and makes a value of it again. */
import { Buffer } from 'node:buffer'; // The global is an accessor, which costs at each message.
import { deserialize, serialize } from 'node:v8';
import { AS_BUFFER, AS_BYTES, AS_CLONE, AS_JSON, AS_NOTHING, type StateForm } from './state-block.ts';

/** A value that is written down. */
export interface EncodedState {
  readonly form: StateForm;
  /** Text means its UTF-8 bytes. */
  readonly data: string | Uint8Array;
  /** How many bytes it has. */
  readonly length: number;
}

/** There is no state. */
export const NOTHING: EncodedState = { form: AS_NOTHING, data: '', length: 0 };

/** Objects in objects up to this deep may become JSON: what contains itself does not. */
const MAX_DEPTH = 16;

/**
 * Writes `value` down. What JSON gives back as it was becomes JSON: for an object of 100 bytes that takes a fifth of the time that V8's
 * own form takes. Throws TypeError, which says `whose` state it is, for what cannot be cloned.
 */
export function encodeState(value: unknown, whose: string): EncodedState {
  if (value === undefined) return NOTHING;
  const prototype: unknown = value instanceof Uint8Array ? Object.getPrototypeOf(value) : undefined;
  if (prototype === Uint8Array.prototype) return asBytes(AS_BYTES, value as Uint8Array);
  if (prototype === Buffer.prototype) return asBytes(AS_BUFFER, value as Uint8Array);
  const text: unknown = isPlain(value, MAX_DEPTH) ? JSON.stringify(value) : undefined;
  if (typeof text === 'string') return { form: AS_JSON, data: text, length: Buffer.byteLength(text) };
  return cloned(value, whose);
}

function asBytes(form: StateForm, data: Uint8Array): EncodedState {
  return { form, data, length: data.length };
}

function cloned(value: unknown, whose: string): EncodedState {
  try {
    const data = serialize(value);
    return { form: AS_CLONE, data, length: data.length };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new TypeError(`${whose} must be a value that can be cloned: ${why}`, { cause });
  }
}

/** Makes the value of `bytes[from, to)`: a new one each time. */
export function decodeState(form: StateForm, bytes: Buffer, from: number, to: number): unknown {
  if (form === AS_NOTHING) return undefined;
  if (form === AS_BYTES) return new Uint8Array(copyOf(bytes, from, to).buffer);
  if (form === AS_BUFFER) return copyOf(bytes, from, to);
  if (form === AS_JSON) return JSON.parse(bytes.toString('utf8', from, to));
  return deserialize(copyOf(bytes, from, to));
}

/** In memory of its own: `deserialize` makes arrays of bytes that lie in what it is given. */
function copyOf(bytes: Buffer, from: number, to: number): Buffer {
  const copy = Buffer.allocUnsafeSlow(to - from);
  copy.set(bytes.subarray(from, to));
  return copy;
}

/** Whether JSON gives `value` back as it was. */
function isPlain(value: unknown, depth: number): boolean {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return true;
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0);
  if (typeof value !== 'object' || depth === 0) return false;
  const keys = Object.keys(value);
  if (Array.isArray(value)) return keys.length === value.length && value.every((item) => isPlain(item, depth - 1));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  const entries = value as Readonly<Record<string, unknown>>;
  return keys.every((key) => isPlain(entries[key], depth - 1));
}

/** Freezes `value` and all objects in it, but for bytes, which cannot be, and what is in a Map or Set. */
export function freeze(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const item of Object.values(value)) freeze(item);
  return value;
}
