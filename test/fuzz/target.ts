/** Describes what the fuzzer can try: a property over inputs that fast-check makes and shrinks. */
import fc from 'fast-check';

/** Which inputs to try, and for how long. */
export interface Trial {
  readonly seed: number;
  /** Where among the inputs of `seed` to begin; with a colon in it, which shrunk input to try. */
  readonly path: string | undefined;
  readonly runs: number;
  /** In ms; Infinity: as long as it takes. */
  readonly within: number;
  /** The first input that fails is good enough. */
  readonly asIs: boolean;
}

/** What a trial has found. */
export interface Found {
  /** Inputs that were tried. */
  readonly runs: number;
  /** `undefined`: no input fails. */
  readonly failure: Failure | undefined;
}

export interface Failure {
  readonly path: string;
  /** The input that fails, shrunk, as text. */
  readonly input: string;
  /** What was wrong. */
  readonly problem: string;
}

export interface Target {
  readonly name: string;
  /** What it tries, in a few words. */
  readonly about: string;
  /** How much of the time it gets, beside the others. */
  readonly weight: number;
  /** How long it is tried at a time, in ms; `undefined`: one input at a time, however long that takes. */
  readonly slice: number | undefined;
  attempt(trial: Trial): Promise<Found>;
}

interface Manners {
  readonly weight: number;
  readonly slice: number | undefined;
}

const PLAIN: Manners = { weight: 1, slice: 2000 };

/** Makes a target of a property. */
export function target<Input>(
  name: string,
  about: string,
  property: fc.IRawProperty<Input>,
  { weight, slice }: Manners = PLAIN,
): Target {
  return { name, about, weight, slice, attempt: (trial) => attempt(property, trial) };
}

async function attempt<Input>(property: fc.IRawProperty<Input>, trial: Trial): Promise<Found> {
  const { seed, path, runs, within, asIs } = trial;
  const details = await fc.check(property, {
    seed,
    numRuns: runs,
    endOnFailure: asIs,
    markInterruptAsFailure: false,
    ...(within !== Infinity && { interruptAfterTimeLimit: within }),
    ...(path !== undefined && { path }),
  });
  const { numRuns, failed, counterexample, counterexamplePath, errorInstance } = details;
  if (!failed || counterexamplePath === null) return { runs: numRuns, failure: undefined };
  const input = fc.stringify(counterexample);
  return { runs: numRuns, failure: { path: counterexamplePath, input, problem: textOf(errorInstance) } };
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
