/** Shares the time between the targets, a slice at a time, until something fails or the time is up. */
import { setImmediate as turn } from 'node:timers/promises';
import type { FuzzArguments } from './arguments.ts';
import type { Failure, Target, Trial } from './target.ts';

/** More than any slice comes to. */
const ENDLESS = 2 ** 31 - 1;
const SEEDS = 2 ** 32;
/** How long a failing input may be shrunk, in ms. */
const SHRINK_WITHIN = 60_000;
/** A short run gives each target a turn: its slices are at most this part of the time. */
const SLICES = 2;

/** What a target has had so far. */
interface Share {
  readonly target: Target;
  ms: number;
  runs: number;
}

type Print = (line: string) => void;

/** Fuzzes as it was asked to; resolves with whether nothing fails. */
export async function fuzz(asked: FuzzArguments, print: Print): Promise<boolean> {
  if (asked.path !== undefined) return replay(asked, asked.path, print);
  const shares = asked.targets.map((target): Share => ({ target, ms: 0, runs: 0 }));
  const weights = asked.targets.reduce((sum, { weight }) => sum + weight, 0);
  const total = asked.seconds * 1000;
  const end = performance.now() + total;
  // Each slice has a seed of its own, one more than the last: so a run can be gone on with.
  let { seed } = asked;
  for (let left = total; left > 0; left = end - performance.now()) {
    const share = shares.reduce((least, each) => (used(each) < used(least) ? each : least));
    const { target } = share;
    const ofTime = (total * target.weight) / weights / SLICES;
    const trial =
      target.slice === undefined
        ? { runs: 1, within: Infinity, asIs: true }
        : { runs: ENDLESS, within: Math.min(left, target.slice, ofTime), asIs: false };
    const failure = await spend(share, { ...trial, seed, path: undefined });
    if (failure !== undefined) {
      report(target, seed, await shrunk(target, seed, failure), print);
      return false;
    }
    seed = (seed + 1) % SEEDS;
    await turn(); // Signals are heard.
  }
  for (const { target, ms, runs } of shares)
    print(`${target.name.padEnd(15)} ${String(runs).padStart(9)} inputs in ${(ms / 1000).toFixed(1)} s, none fails`);
  print(`To go on from here: npm run fuzz -- --seed ${seed}`);
  return true;
}

const used = ({ ms, target }: Share): number => ms / target.weight;

async function spend(share: Share, trial: Trial): Promise<Failure | undefined> {
  const from = performance.now();
  const { runs, failure } = await share.target.attempt(trial);
  share.ms += performance.now() - from;
  share.runs += runs;
  return failure;
}

/** The end of a slice may have come before the failing input was as small as it gets. */
async function shrunk(target: Target, seed: number, failure: Failure): Promise<Failure> {
  const again = await target.attempt({ seed, path: failure.path, runs: 1, within: SHRINK_WITHIN, asIs: false });
  return again.failure ?? failure;
}

async function replay({ targets, seed, seconds }: FuzzArguments, path: string, print: Print): Promise<boolean> {
  const target = targets[0] as Target;
  const { runs, failure } = await target.attempt({ seed, path, runs: 1, within: seconds * 1000, asIs: false });
  if (failure === undefined)
    print(`${target.name}: ${runs === 0 ? 'there is no such input' : 'this input does not fail'}`);
  else report(target, seed, failure, print);
  return failure === undefined;
}

function report(target: Target, seed: number, { path, input, problem }: Failure, print: Print): void {
  print(`${target.name} FAILS with seed ${seed}, path ${path}`);
  print(`input: ${input}`);
  print(problem);
  print(`To repeat it: npm run fuzz -- --target ${target.name} --seed ${seed} --path ${path}`);
}
