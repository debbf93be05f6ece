import { afterEach, describe, expect, it, vi } from 'vitest';
import { findByte } from '../../src/framing/search.ts';
import { makeThreadMemory } from '../../src/thread/thread-memory.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

/** Node's errors where it has no addresses to spare, and where the CPU has no vectors. */
function refuse(part: 'Memory' | 'Module', error: Error): void {
  const { Memory, Module, Instance } = WebAssembly;
  const refusing = vi.fn<() => void>(function refuses() {
    throw error;
  });
  vi.stubGlobal('WebAssembly', { Memory, Module, Instance, [part]: refusing });
}

describe('the memory of a thread', () => {
  it('begins with what is read, and is all one that a service can import', () => {
    const { input, aside, whole } = makeThreadMemory();
    expect(whole?.buffer).toBe(input.buffer);
    expect(whole?.buffer).toBe(aside.buffer);
    expect([input.byteOffset, input.length, aside.byteOffset, aside.length]).toEqual([0, 65_536, 65_536, 65_536]);
    expect(whole?.buffer.byteLength).toBe(2 ** 20);
  });

  it.each([
    ['WebAssembly', () => vi.stubGlobal('WebAssembly', undefined)],
    ['addresses', () => refuse('Memory', new RangeError('could not allocate memory'))],
    ['vectors', () => refuse('Module', new Error('Wasm SIMD unsupported'))],
  ])('is ordinary memory where there is no %s', (_what, without) => {
    without();
    const memory = makeThreadMemory();
    expect(memory.whole).toBeUndefined();
    expect(memory.findByte).toBe(findByte);
    expect([memory.input.length, memory.aside.length]).toEqual([65_536, 65_536]);
    memory.input.fill(1);
    expect(memory.aside.every((byte) => byte === 0)).toBe(true);
  });
});
