/**
 * Puts a server through faults and prints what was measured. Usage: npm run test:faults [-- [--markdown] words of a fault …]
 * Rows that failed are run once more at the end, each by itself: beside loud neighbours a wait may be too long.
 */
import { availableParallelism, loadavg } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { BareProcess, type Idleness, idleText, isIdle } from './idleness.ts';
import { type Measured, type Row } from './row.ts';
import { ROWS } from './rows.ts';
import { Stage } from './stage.ts';

interface Result extends Measured {
  /** What the servers took afterwards; `undefined`: the row did not get there. */
  readonly idle: Idleness | undefined;
  readonly seconds: number;
}

const bare = new BareProcess();

/** How long a row may take, in ms: one that hangs must not keep the others from being run. */
const ROW_LIMIT_MS = 120_000;

/** What `run` resolves with; rejects when that takes too long. */
async function inTime(run: Promise<Measured>): Promise<Measured> {
  const over = new AbortController();
  const late = delay(ROW_LIMIT_MS, undefined, { signal: over.signal }).then(() => {
    throw new Error(`not done after ${ROW_LIMIT_MS / 1000} s`);
  });
  late.catch(() => {});
  return Promise.race([run, late]).finally(() => over.abort());
}

async function measure(row: Row): Promise<Result> {
  const from = performance.now();
  const seconds = (): number => (performance.now() - from) / 1000;
  await using stage = new Stage(bare);
  try {
    const { measured, passed } = await inTime(row.run(stage));
    const idle = await stage.idle();
    return { measured, passed: passed && isIdle(idle), idle, seconds: seconds() };
  } catch (error) {
    const measured = error instanceof Error ? error.message : String(error);
    return { measured, passed: false, idle: undefined, seconds: seconds() };
  }
}

const afterwards = (idle: Idleness | undefined): string => (idle === undefined ? 'not seen' : idleText(idle));

function textOf(row: Row, { measured, passed, idle, seconds }: Result): string {
  const first = `${passed ? 'pass' : 'FAIL'}  ${row.fault}\n      asked: ${row.asked}\n      here:  ${measured}`;
  return `${first}\n      then:  idle at ${afterwards(idle)} CPU; ${seconds.toFixed(1)} s in all`;
}

function markdownOf(row: Row, { measured, passed, idle }: Result): string {
  return `| ${row.fault} | ${row.asked} | ${passed ? '' : '**failed**: '}${measured} | ${afterwards(idle)} |`;
}

/** Measures each of `rows`, says what came of it, and gives those that failed. */
async function measureAll(rows: readonly Row[], asText: typeof textOf): Promise<Row[]> {
  const failed: Row[] = [];
  for (const row of rows) {
    const result = await measure(row);
    if (!result.passed) failed.push(row);
    console.log(asText(row, result));
  }
  return failed;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

const isMarkdown = process.argv.includes('--markdown');
const asText = isMarkdown ? markdownOf : textOf;
const words = process.argv.slice(2).filter((word) => word !== '--markdown');
const chosen = ROWS.filter(({ fault }) => words.length === 0 || words.some((word) => fault.includes(word)));
if (isMarkdown) console.log('| fault | asked | measured | idle CPU after it |\n|---|---|---|---|');
const [load = 0] = loadavg();
if (load > availableParallelism())
  console.error(
    `The machine has other work (load ${load.toFixed(1)}): what is measured in ms says more of that than of the server`,
  );
const failedOnce = await measureAll(chosen, asText);
if (failedOnce.length > 0) console.error(`${failedOnce.length} failed: each is repeated once, by itself`);
const failed = await measureAll(failedOnce, asText);
for (const row of failedOnce)
  console.error(`${failed.includes(row) ? 'failed twice' : 'failed once, passed when repeated'}: ${row.fault}`);
const minutes = (performance.now() / 60_000).toFixed(1);
console.error(
  chosen.length === 0
    ? 'no row has that word'
    : `${chosen.length - failed.length} of ${chosen.length} passed, ${failedOnce.length - failed.length} of them when repeated; ${minutes} min`,
);
await bare.stop();
process.exitCode = failed.length === 0 && chosen.length > 0 ? 0 : 1;
