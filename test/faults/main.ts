/**
 * Puts a server through faults and prints what was measured. Usage: npm run test:faults [-- [--markdown] words of a fault …]
 */
import { availableParallelism, loadavg } from 'node:os';
import { IDLE_LIMIT } from './fault-server.ts';
import { type Measured, type Row } from './row.ts';
import { ROWS } from './rows.ts';
import { Stage } from './stage.ts';

interface Result extends Measured {
  /** The share of one CPU that the servers took afterwards. */
  readonly idle: number;
  readonly seconds: number;
}

async function measure(row: Row): Promise<Result> {
  const from = performance.now();
  const seconds = (): number => (performance.now() - from) / 1000;
  await using stage = new Stage();
  try {
    const { measured, passed } = await row.run(stage);
    const idle = await stage.idle();
    return { measured, passed: passed && idle < IDLE_LIMIT, idle, seconds: seconds() };
  } catch (error) {
    const measured = error instanceof Error ? error.message : String(error);
    return { measured, passed: false, idle: Number.NaN, seconds: seconds() };
  }
}

const percent = (share: number): string => `${(share * 100).toFixed(2)} %`;

function textOf(row: Row, { measured, passed, idle, seconds }: Result): string {
  const first = `${passed ? 'pass' : 'FAIL'}  ${row.fault}\n      asked: ${row.asked}\n      here:  ${measured}`;
  return `${first}\n      then:  idle at ${percent(idle)} CPU; ${seconds.toFixed(1)} s in all`;
}

function markdownOf(row: Row, { measured, passed, idle }: Result): string {
  return `| ${row.fault} | ${row.asked} | ${passed ? '' : '**failed**: '}${measured} | ${percent(idle)} |`;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

const isMarkdown = process.argv.includes('--markdown');
const words = process.argv.slice(2).filter((word) => word !== '--markdown');
const chosen = ROWS.filter(({ fault }) => words.length === 0 || words.some((word) => fault.includes(word)));
if (isMarkdown) console.log('| fault | asked | measured | idle CPU after it |\n|---|---|---|---|');
const [load = 0] = loadavg();
if (load > availableParallelism())
  console.error(
    `The machine has other work (load ${load.toFixed(1)}): what is measured in ms says more of that than of the server`,
  );
let failed = 0;
for (const row of chosen) {
  const result = await measure(row);
  if (!result.passed) failed++;
  console.log((isMarkdown ? markdownOf : textOf)(row, result));
}
console.error(chosen.length === 0 ? 'no row has that word' : `${chosen.length - failed} of ${chosen.length} passed`);
process.exitCode = failed === 0 && chosen.length > 0 ? 0 : 1;
