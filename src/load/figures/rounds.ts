/** Adds up the rounds of one target: what was measured in all of them. */

import type { LoadFigures } from '../load.ts';
import { GroupFigures } from './figures.ts';
import { Histogram } from './histogram.ts';

export function joinRounds(rounds: readonly LoadFigures[]): LoadFigures {
  const late = new Histogram();
  const groups: GroupFigures[] = [];
  let [ms, idleLost, runDelayMs] = [0, 0, 0 as number | undefined];
  for (const round of rounds) {
    late.add(round.late.toRecord());
    for (const [index, { clients, name, ...group }] of round.groups.map((each) => each.toRecord()).entries()) {
      const whole = (groups[index] ??= new GroupFigures(name, clients));
      whole.add({ name, clients, ...group });
    }
    ms += round.ms;
    idleLost += round.idleLost;
    runDelayMs = runDelayMs === undefined || round.runDelayMs === undefined ? undefined : runDelayMs + round.runDelayMs;
  }
  return { groups, late, runDelayMs, idle: rounds.at(-1)?.idle ?? 0, idleLost, ms };
}
