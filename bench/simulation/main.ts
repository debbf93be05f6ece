/** The simulation: prints tables for all mixes, or draws the picture of the documentation. */
import { writeFileSync } from 'node:fs';
import { renderTable } from '../harness/table.ts';
import { parseSimulationArguments, type SimulationArguments, USAGE } from './arguments.ts';
import { loadAtZero } from './clock.ts';
import type { Outcome, Scenario, Way } from './scenario.ts';

const { run, WAYS } = await loadAtZero(() => import('./scenario.ts'));
const { scenarioOf, tablesOf } = await import('./tables.ts');
const { drawWorstWaits } = await import('./picture.ts');

/** What the picture shows. */
const PICTURE = { cpus: 2, lights: 32, heavy: [1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96] };

function runAll(scenario: Omit<Scenario, 'way'>): Record<Way, Outcome> {
  const outcomes = WAYS.map((way) => [way, run({ ...scenario, way })]);
  return Object.fromEntries(outcomes) as Record<Way, Outcome>;
}

function printTables({ clients: counts, cpus: machines, mixes, seed }: SimulationArguments): void {
  for (const mix of mixes) {
    const cells = machines.flatMap((cpus) => counts.map((clients) => ({ cpus, clients })));
    const rows = cells.map(({ cpus, clients }) => {
      const scenario = scenarioOf(mix, cpus, clients, seed);
      return { cpus, clients, neighbours: scenario.neighbours, outcomes: runAll(scenario) };
    });
    for (const table of tablesOf(mix, rows)) console.log(renderTable(table));
  }
}

function draw(file: string, seed: number): void {
  const { cpus, heavy, lights } = PICTURE;
  const points = heavy.map((count) => {
    return { heavy: count, outcomes: runAll({ mix: 'heavy', cpus, lights, neighbours: count, ms: 6000, seed }) };
  });
  writeFileSync(file, drawWorstWaits(points, cpus, lights));
}

try {
  const asked = parseSimulationArguments(process.argv.slice(2));
  if (asked.help) console.log(USAGE);
  else if (asked.picture !== undefined) draw(asked.picture, asked.seed);
  else printTables(asked);
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}
