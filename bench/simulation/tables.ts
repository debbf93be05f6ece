/** Prints what scenarios came to: a table of waits and one of turns for each mix. */
import { fixed, grouped } from '../harness/numbers.ts';
import type { Table } from '../harness/table.ts';
import type { Mix } from './mixes.ts';
import { type Outcome, type Scenario, type Way, WAYS } from './scenario.ts';

export interface Row {
  readonly cpus: number;
  readonly clients: number;
  readonly neighbours: number;
  readonly outcomes: Readonly<Record<Way, Outcome>>;
}

export const NAMES: Readonly<Record<Way, string>> = {
  heddle: 'Heddle',
  before: 'Heddle before',
  go: "Go's way",
  erlang: "Erlang's way",
};

const ms = (value: number): string => fixed(value, value < 9.95 ? 1 : 0);

const COLUMNS = ['CPUs', 'clients', 'beside', ...WAYS.map((way) => NAMES[way])];

function table(title: string, rows: readonly Row[], cell: (outcome: Outcome) => string): Table {
  const lines = rows.map(({ cpus, clients, neighbours, outcomes }) => [
    String(cpus),
    grouped(clients),
    grouped(neighbours),
    ...WAYS.map((way) => cell(outcomes[way])),
  ]);
  return { title, columns: COLUMNS, rows: lines };
}

const waits = ({ p99, worst, worstFirst }: Outcome): string => `${ms(worstFirst)} · ${ms(worst)} · ${ms(p99)}`;

function got({ cpusUsed, lightsPerSecond, neighboursPerSecond, turns: [least, most] }: Outcome): string {
  const turns = Number.isFinite(least) ? `${grouped(least)}..${grouped(most)}` : '–';
  return `${turns} · ${ms(neighboursPerSecond)} · ${grouped(lightsPerSecond)} · ${ms(cpusUsed)}`;
}

export function tablesOf(mix: Mix, rows: readonly Row[]): readonly Table[] {
  return [
    table(`${mix}: waits of light clients in ms: worst in the first 2 s · worst after that · p99`, rows, waits),
    table(
      `${mix}: turns of one neighbour, least..most · messages/s of all neighbours · of light ones · CPUs`,
      rows,
      got,
    ),
  ];
}

/** The scenario of a cell, without its way; `seed`: the same for all ways. */
export function scenarioOf(mix: Mix, cpus: number, clients: number, seed: number): Omit<Scenario, 'way'> {
  const most = mix === 'unknown' ? 4 * cpus + 8 : 4 * (4 * cpus + 4);
  const others = Math.min(clients >> 1, most);
  return { mix, cpus, lights: clients - others, neighbours: others, ms: 5000, seed };
}
