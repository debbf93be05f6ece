/** Puts a server through faults and prints what was measured. Usage: npm run test:faults [-- words of a fault …] */
import { type Measured, type Row } from './row.ts';
import { badLengths } from './rows/bad-lengths.ts';
import { connectAndReset } from './rows/connect-and-reset.ts';
import { halfClose } from './rows/half-close.ts';
import { idleAfter } from './rows/idle-after.ts';
import { neverReads } from './rows/never-reads.ts';
import { neverReturns } from './rows/never-returns.ts';
import { outOfFds } from './rows/out-of-fds.ts';
import { restarts } from './rows/restarts.ts';
import { sigterm } from './rows/sigterm.ts';
import { slowSenders } from './rows/slow-senders.ts';
import { threadDies } from './rows/thread-dies.ts';
import { throws } from './rows/throws.ts';
import { tooManyClients } from './rows/too-many-clients.ts';

const ROWS: readonly Row[] = [
  throws,
  neverReturns,
  threadDies,
  slowSenders,
  neverReads,
  outOfFds,
  tooManyClients,
  connectAndReset,
  halfClose,
  badLengths,
  sigterm,
  restarts,
  idleAfter,
];

async function measure(row: Row): Promise<Measured> {
  try {
    return await row.run();
  } catch (error) {
    return { measured: error instanceof Error ? error.message : String(error), passed: false };
  }
}

const words = process.argv.slice(2);
const chosen = ROWS.filter(({ fault }) => words.length === 0 || words.some((word) => fault.includes(word)));
let failed = chosen.length === 0 ? 1 : 0;
for (const row of chosen) {
  const { measured, passed } = await measure(row);
  if (!passed) failed++;
  console.log(`${passed ? 'pass' : 'FAIL'}  ${row.fault}\n      asked: ${row.asked}\n      here:  ${measured}`);
}
console.log(`${chosen.length - failed} of ${chosen.length} passed`);
process.exitCode = failed === 0 ? 0 : 1;
