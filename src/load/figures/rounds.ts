/** Adds up the rounds of one target: what was measured in all of them. */

import type { LoadFigures } from '../load.ts';
import { GroupFigures } from './figures.ts';
import { Histogram } from './histogram.ts';

export function joinRounds(rounds: readonly LoadFigures[]): LoadFigures {
  const late = new Histogram();
  const groups: GroupFigures[] = [];
  let [ms, idleLost] = [0, 0];
  for (const round of rounds) {
    late.add(round.late.toRecord());
    for (const [index, { clients, name, ...group }] of round.groups.map((each) => each.toRecord()).entries()) {
      const whole = (groups[index] ??= new GroupFigures(name, clients));
      whole.add({ name, clients, ...group });
    }
    ms += round.ms;
    idleLost += round.idleLost;
  }
  const runDelayMs = sum(rounds.map((round) => round.runDelayMs));
  const serverCpuMs = sum(rounds.map((round) => round.serverCpuMs));
  return { groups, late, runDelayMs, serverCpuMs, idle: rounds.at(-1)?.idle ?? 0, idleLost, ms };
}

/** `undefined` if one of them is not known. */
function sum(values: readonly (number | undefined)[]): number | undefined {
  return values.reduce((total, value) => (total === undefined || value === undefined ? undefined : total + value), 0);
}
