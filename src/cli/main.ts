#!/usr/bin/env node
/** Used to start the command that the arguments name. Each command is loaded only when it runs. */

import { readFileSync } from 'node:fs';
import { runProgram } from './program.ts';

const { version }: { version: string } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
);

process.exitCode = await runProgram(process.argv.slice(2), version);

/** A thread or a socket that is left over must not keep the process alive; what is printed still has this long. */
setTimeout(() => process.exit(), 500).unref();
