#!/usr/bin/env node
/** Used to start the command that the arguments name. Each command is loaded only when it runs. */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { runProgram } from './program.ts';

/** Node's own answer to this signal is to open its debugger, which any user of the machine may then connect to. */
process.on('SIGUSR1', () => {});

/** `heddle serve --help | head`: who reads has had enough. */
process.stdout.on('error', () => {});

const { version }: { version: string } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
);

const args = process.argv.slice(2);
/** Reads what a server needs in one go; `import()`, which finds it then, would have the first client answered 4 % later. */
if (args[0] === 'serve') createRequire(import.meta.url)('./serve.js');

process.exitCode = await runProgram(args, version);

/** A thread or a socket that is left over must not keep the process alive; what is printed still has this long. */
setTimeout(() => process.exit(), 500).unref();
