/** Reads the command line, runs the command that it names, and turns the result into an exit status. */

import { inspect } from 'node:util';
import { Command, CommanderError } from 'commander';
import { HeddleError } from '../errors.ts';
import { escapeText } from '../log/escape.ts';
import type { Schema } from '../options/schema.ts';
import { tooFewFiles } from '../sys/file-limit.ts';
import { addControlCommands, CONTROL_COMMANDS, failureStatus } from './control/commands.ts';
import { addBench } from './bench/command.ts';
import { HELP_LAYOUT } from './help-layout.ts';
import { watchTerminals } from './closed-terminals.ts';

const USAGE_STATUS = 2;
const FAILURE_STATUS = 1;

const SERVE_NOTES = `
Every option is also an environment variable (HEDDLE_MAX_MESSAGE_LENGTH for
--max-message-length) and a key of the config file (maxMessageLength).
Flags beat environment beats file beats defaults.
Durations: 250ms, 30s, 5m, 1h. Sizes: 512B, 64KiB, 1MiB.

SIGTERM or Ctrl-C once: clients are still answered, then it ends with 0.
Twice: it ends at once, with 143 or 130.
SIGHUP: loads the service and certificates anew. Started on a terminal, it is
SIGTERM: the terminal was closed.`;

const CLIENT_NOTES = `
On a terminal, it sends the message and asks whether to send it again. With its
input from a pipe and no message, each line of the input is a message, and the
replies are its output: cat words | heddle client --framing line`;

/** The options of each command. */
const SCHEMAS: Readonly<Record<string, () => Promise<Schema>>> = {
  serve: async () => (await import('./serve-command-options.ts')).serveCommandSchema,
  client: async () => (await import('./client/client-command-options.ts')).clientCommandSchema,
  bench: async () => (await import('./bench/bench-command-options.ts')).benchCommandSchema,
};

const COMMANDS = [...Object.keys(SCHEMAS), ...CONTROL_COMMANDS];

/** Runs the command of `args`; gives the exit status: 0, 1 for a failure, 2 for a wrong option; `doctor` has its own. */
export async function runProgram(args: readonly string[], version: string): Promise<number> {
  let status = 0;
  const program = new Command('heddle')
    .description('A multi-threaded TCP server in which no client waits for another.')
    .version(version)
    .exitOverride()
    .configureHelp({ ...HELP_LAYOUT, subcommandTerm: (command) => `${command.name()} ${command.usage()}` })
    .hook('preSubcommand', async (_program, command) => addOptionFlags(command))
    .configureOutput({ outputError: (text, write) => write(hinted(text.replace(/^error: /, ''))) });
  addServe(program, (result) => (status = result));
  addClient(program, (result) => (status = result));
  addBench(program, (result) => (status = result));
  addControlCommands(program, (result) => (status = result));
  try {
    await program.parseAsync(helpFlagged(args), { from: 'user' });
    return status;
  } catch (error) {
    return report(error, args[0]);
  }
}

/** Says which commands there are where commander knows none that is like the one that was given. */
function hinted(text: string): string {
  const isStrange = /^unknown command '[^\n]*'\n$/.test(text);
  return isStrange ? `${text}(The commands are ${COMMANDS.join(', ')}; see heddle --help)\n` : text;
}

/** `help serve` is `serve --help`: commander's own would not wait for the flags. */
function helpFlagged(args: readonly string[]): readonly string[] {
  const [first, command = ''] = args;
  return first === 'help' && COMMANDS.includes(command) ? [command, '--help'] : args;
}

/** Only for the command that runs: the schemas take their time to load. */
async function addOptionFlags(command: Command): Promise<void> {
  const [{ addFlags }, schema] = await Promise.all([import('./flags.ts'), SCHEMAS[command.name()]?.()]);
  if (schema !== undefined) addFlags(command, schema);
}

function addServe(program: Command, done: (status: number) => void): void {
  const command = program.command('serve').description('Run a server.');
  command.argument('[service]', 'a .js, .mjs or .ts file (default: the built-in reverse service)');
  command.addHelpText('after', SERVE_NOTES);
  command.action(async (service: string | undefined, flags: object) => {
    const { runServe } = await import('./serve.ts');
    const hasTerminal = watchTerminals().some((fd) => fd < 2);
    const directory = process.cwd();
    done(await runServe({ service, flags, environment: process.env, directory, hasTerminal }, process));
  });
}

interface ClientFlags {
  readonly message?: string;
  readonly repl?: boolean;
}

function addClient(program: Command, done: (status: number) => void): void {
  const command = program.command('client').description('Talk to a server.');
  command.option('-m, --message <text>', 'the message to send (default: hello from client)');
  command.option('--repl', 'edit and send line after line, with history and round-trip times');
  command.addHelpText('after', CLIENT_NOTES);
  command.action(async ({ message, repl = false, ...flags }: ClientFlags) => {
    const { runClient } = await import('./client/client.ts');
    process.stdout.on('error', () => process.exit(0));
    done(await runClient({ message, repl, flags, environment: process.env }, process));
  });
}

function report(error: unknown, command: string | undefined): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : failureStatus(command, USAGE_STATUS);
  const known = error instanceof HeddleError ? error : tooFewFiles(error);
  if (known === undefined) return fault(error, command);
  process.stderr.write(`${known.message.split('\n').map(escapeText).join('\n')}\n`);
  return failureStatus(command, known.code === 'HEDDLE_INVALID_OPTION' ? USAGE_STATUS : FAILURE_STATUS);
}

/** A fault of the command itself. Node would print it and end with 1, which may mean something else for `command`. */
function fault(error: unknown, command: string | undefined): number {
  const status = failureStatus(command, FAILURE_STATUS);
  if (status === FAILURE_STATUS) throw error;
  process.stderr.write(`${inspect(error)}\n`);
  return status;
}
