/** Starts the command that the arguments name. Each command is loaded only when it runs. */

import { readFileSync } from 'node:fs';
import { refuseDebugger } from './debugger.ts';
import { runProgram } from './program.ts';

refuseDebugger();

/** `heddle serve --help | head`: who reads has had enough. */
process.stdout.on('error', () => {});

const { version }: { version: string } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
);

async function main(): Promise<void> {
  process.exitCode = await runProgram(process.argv.slice(2), version);
  /** A thread or a socket that is left over must not keep the process alive; what is printed still has this long. */
  setTimeout(() => process.exit(), 500).unref();
}

main().catch((error: unknown) => {
  throw error; // A fault of the command: Node prints it, and ends with status 1.
});
