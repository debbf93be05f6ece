import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseFuzzArguments, usage } from './arguments.ts';
import { fuzz } from './fuzz.ts';
import { target } from './target.ts';
import { arena } from './targets/arena.ts';
import { framings } from './targets/framings.ts';
import { proxyHeaders } from './targets/proxy-headers.ts';

const small = target(
  'small',
  'numbers that are small',
  fc.property(fc.nat(), (number) => number < 1000),
);
const fine = target(
  'fine',
  'what never fails',
  fc.property(fc.nat(), () => true),
);
const ALL = [small, fine];

async function run(...argv: string[]): Promise<{ passed: boolean; lines: string[] }> {
  const lines: string[] = [];
  const passed = await fuzz(parseFuzzArguments(argv, ALL), (line) => void lines.push(line));
  return { passed, lines };
}

describe('the fuzzer', () => {
  it('prints what fails, shrunk, and the command that repeats it', async () => {
    const { passed, lines } = await run('--seed', '1', '--seconds', '60');
    expect(passed).toBe(false);
    const [first, input] = lines;
    expect(first).toMatch(/^small FAILS with seed \d+, path [\d:]+$/);
    expect(input).toBe('input: [1000]');
    const [, words = ''] = /^To repeat it: npm run fuzz -- (.*)$/.exec(lines.at(-1) ?? '') ?? [];
    const again = await run(...words.split(' '));
    expect(again.passed).toBe(false);
    expect(again.lines).toContain('input: [1000]');
  });

  it('says how to go on when nothing fails: with the seed behind the last one', async () => {
    const { passed, lines } = await run('--seed', '7', '--seconds', '0.2', '--target', 'fine');
    expect(passed).toBe(true);
    expect(lines[0]).toMatch(/^fine +\d+ inputs in [\d.]+ s, none fails$/);
    const [, seed] = /^To go on from here: npm run fuzz -- --seed (\d+)$/.exec(lines[1] ?? '') ?? [];
    expect(Number(seed)).toBeGreaterThan(7);
  });

  it('begins with another seed each time', () => {
    const seeds = Array.from({ length: 5 }, () => parseFuzzArguments([], ALL).seed);
    expect(new Set(seeds).size).toBeGreaterThan(1);
    expect(parseFuzzArguments([], ALL)).toMatchObject({ targets: ALL, seconds: 600, path: undefined });
  });

  it.each([
    [['--seed', '1.5'], '--seed must be a whole number from 0 to 4294967295, got 1.5'],
    [['--seconds', '0'], '--seconds must be a positive number, got 0'],
    [['--target', 'x'], '--target must be one of small, fine, got x'],
    [['--path', '1'], '--path needs one --target and the --seed that it was printed with'],
    [
      ['--target', 'fine', '--seed', '1', '--path', 'x'],
      '--path must be numbers with colons between them, such as 12:0:3, got x',
    ],
  ])('refuses %j', (argv, message) => {
    expect(() => parseFuzzArguments(argv, ALL)).toThrow(message);
  });

  it('refuses what it does not know by its name', () => {
    expect(() => parseFuzzArguments(['--sede', '1'], ALL)).toThrow(/--sede/);
    expect(() => parseFuzzArguments(['words'], ALL)).toThrow(/words/);
    expect(usage(ALL)).toContain('fine            what never fails');
  });
});

it.each([framings, proxyHeaders, arena].map((each) => [each.name, each] as const))(
  'finds nothing in %s with a seed that is always the same',
  async (_name, each) => {
    expect(
      (await each.attempt({ seed: 16, path: undefined, runs: 300, within: 100_000, asIs: false })).failure,
    ).toBeUndefined();
  },
);
