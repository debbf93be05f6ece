/** Calls at every depth of the stack, from its end on. */

/** How many calls `atEveryDepth` makes that end well: enough to come from a full stack to one with room for anything. */
const CALLS = 1200;

export interface DeepCalls {
  /** How many calls threw, since too little stack was left. */
  readonly refused: number;
  /** How many did not. */
  readonly made: number;
}

/** Fills the stack, then calls `act` at each level on the way back, until it has not thrown `CALLS` times. */
export function atEveryDepth(act: () => void): DeepCalls {
  const calls = { refused: 0, made: 0 };
  const descend = (): void => {
    try {
      descend();
    } catch {
      calls.refused++;
    }
    if (calls.made === CALLS) return;
    try {
      act();
    } catch {
      calls.refused++;
      return;
    }
    calls.made++;
  };
  descend();
  return calls;
}
