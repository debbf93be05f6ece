import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { ensureStack } from '../../src/sys/stack-room.ts';
import { atEveryDepth } from '../support/deep.ts';

/** A function that V8 has yet to compile. */
// oxlint-disable-next-line typescript/no-implied-eval, no-new-func
const fresh = (): (() => void) => new Function('return () => [1, 2, 3].map((each) => each * 2)')() as () => void;

/** How often a call that `ensureStack` let through ran out of stack. */
function overflows(): number {
  let count = 0;
  const makers = Array.from({ length: 4000 }, fresh);
  const { refused } = atEveryDepth(() => {
    ensureStack();
    const deepest = makers.pop() as () => void;
    try {
      deepest();
    } catch {
      count++;
    }
  });
  expect(refused).toBeGreaterThan(100);
  return count;
}

describe('ensureStack', () => {
  it('leaves room for a function that has yet to be compiled', () => {
    expect(overflows()).toBe(0);
  });

  it('does so when V8 has compiled it', () => {
    for (let call = 0; call < 200_000; call++) ensureStack();
    expect(overflows()).toBe(0);
  });

  it('does so where no code may be made from text', () => {
    const { resolve } = createRequire(import.meta.url);
    const [jiti, file] = [resolve('jiti'), resolve('../../src/sys/stack-room.ts')].map((path) => JSON.stringify(path));
    const code = `
      const { createJiti } = (await import(${jiti})).default;
      const { ensureStack } = await createJiti(${file}).import(${file});
      let refused = 0, let_in = 0, overflows = 0;
      const room = (left) => left > 0 ? room(left - 1) : undefined;
      (function descend() {
        try { descend(); } catch { refused++; }
        if (let_in > 500) return;
        try { ensureStack(); } catch { refused++; return; }
        let_in++;
        try { room(300); } catch { overflows++; }
      })();
      console.log(refused > 100, overflows);`;
    const flags = ['--disallow-code-generation-from-strings', '--input-type=module', '-e', code];
    expect(execFileSync(process.execPath, flags, { encoding: 'utf8' })).toBe('true 0\n');
  });
});
