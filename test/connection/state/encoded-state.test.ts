import { deserialize, serialize } from 'node:v8';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeState, encodeState, freeze } from '../../../src/connection/state/encoded-state.ts';
import { AS_BUFFER, AS_BYTES, AS_CLONE, AS_JSON, type StateForm } from '../../../src/connection/state/state-block.ts';

/** What becomes of `value`, through memory that threads share. */
function kept(value: unknown): { readonly form: StateForm; readonly value: unknown } {
  const { data, form, length } = encodeState(value, 'client.state');
  const bytes = Buffer.from(new SharedArrayBuffer(length + 5));
  expect(typeof data === 'string' ? bytes.write(data, 3, length, 'utf8') : data.length).toBe(length);
  if (typeof data !== 'string') bytes.set(data, 3);
  return { form, value: freeze(decodeState(form, bytes, 3, 3 + length)) };
}

/** JSON has no -0: what holds one is no JSON value. */
const plain = fc.jsonValue({ maxDepth: 3 }).map((value): unknown => JSON.parse(JSON.stringify(value)));

/** The same inputs in each run: random ones are for the fuzz command. */
const SEEDED = { seed: 1 };
const anything = fc.anything({
  withBigInt: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withTypedArray: true,
  withSparseArray: true,
  withUnicodeString: true,
});

describe('a state', () => {
  it('of JSON values is JSON, and comes back as it was', () => {
    fc.assert(
      fc.property(plain, (value) => {
        const state = kept(value);
        expect(state.form).toBe(AS_JSON);
        expect(state.value).toEqual(value);
      }),
      SEEDED,
    );
  });

  it('of any other value comes back as a clone of it', () => {
    fc.assert(
      fc.property(anything, (value) => {
        expect(kept(value).value).toEqual(deserialize(serialize(value)));
      }),
      SEEDED,
    );
  });

  it('of bytes is these bytes, each time a copy', () => {
    for (const [bytes, form] of [
      [Uint8Array.from([1, 2, 3]), AS_BYTES],
      [Buffer.from('abc'), AS_BUFFER],
    ] as const) {
      const state = kept(bytes);
      expect(state).toEqual({ form, value: bytes });
      expect((state.value as Uint8Array).buffer).toBeInstanceOf(ArrayBuffer);
    }
  });

  it('that JSON would change is cloned', () => {
    const circle: { self?: unknown } = {};
    circle.self = circle;
    const matched = /(?<year>\d+)/.exec('in 1969') as unknown;
    class Point {
      x = 1;
    }
    for (const value of [
      undefined,
      Number.NaN,
      -0,
      [undefined],
      { a: undefined },
      new Date(0),
      1n,
      circle,
      matched,
      new Point(),
    ])
      expect(kept([value])).toEqual({ form: AS_CLONE, value: deserialize(serialize([value])) });
  });

  it('that cannot be cloned is refused, with the reason', () => {
    for (const value of [() => {}, Symbol('x'), { deep: [new WeakMap()] }, new Proxy({}, { get: () => () => {} })])
      expect(() => encodeState(value, 'client.state')).toThrow(/^client\.state must be a value that can be cloned: /);
  });

  it('is frozen, with all objects in it, but for bytes', () => {
    const { value } = kept({ list: [{ deep: 1 }], when: new Date(0), bytes: Uint8Array.of(1) });
    const { list, bytes } = value as { list: { deep: number }[]; bytes: Uint8Array };
    expect(() => (list[0] as { deep: number }).deep++).toThrow(TypeError);
    expect(() => list.push({ deep: 2 })).toThrow(TypeError);
    bytes[0] = 2;
    expect((value as { bytes: Uint8Array }).bytes[0]).toBe(2);
  });
});
