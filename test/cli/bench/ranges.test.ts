import { describe, expect, it } from 'vitest';
import { parseRamp, parseSizes } from '../../../src/cli/bench/ranges.ts';
import { textsFor } from '../../../src/cli/bench/texts.ts';
import type { BenchSettings } from '../../../src/cli/bench/bench-command-options.ts';

describe('ranges of heddle bench', () => {
  it('are two values', () => {
    expect(parseRamp('1000..20000')).toEqual({ from: 1_000, to: 20_000 });
    expect(parseRamp('20..1')).toEqual({ from: 20, to: 1 });
    expect(parseSizes('64..1.5KiB')).toEqual({ from: 64, to: 1_536 });
    expect(parseSizes('4KiB')).toEqual({ from: 4_096, to: 4_096 });
  });

  it.each(['1000', '0..5', '1..', '..5', '1..10000001', '1.5..2', '1..2..3'])('refuse %j as a ramp', (text) => {
    expect(() => parseRamp(text)).toThrow(/^--ramp must be two rates .*, such as 1000\.\.20000, got /);
  });

  it.each(['15', '64..63', '64..65MiB', 'x', '64..'])('refuse %j as sizes', (text) => {
    expect(() => parseSizes(text)).toThrow(/^--size must be a size .*, such as 64\.\.4KiB, got /);
  });

  it('give messages of all sizes between, the same for each seed', () => {
    const texts = (size: string, seed: number) =>
      textsFor({ size, seed, message: undefined, messageFile: undefined } as BenchSettings);
    const lengths = texts('64..1KiB', 1).map((text) => text.replace('{nonce}', '0'.repeat(16)).length);
    expect(Math.min(...lengths)).toBeGreaterThanOrEqual(64);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(1_024);
    expect(lengths.reduce((sum, length) => sum + length, 0) / lengths.length).toBeCloseTo((64 + 1_024) / 2, -1);
    expect(new Set(lengths).size).toBeGreaterThan(50);
    expect(texts('64..1KiB', 1)).toEqual(texts('64..1KiB', 1));
    expect(texts('64', 1)).toHaveLength(1);
  });
});
