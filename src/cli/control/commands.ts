/** Adds the commands that ask a running server by its control socket. Each is loaded when it runs. */
import type { Command } from 'commander';
import type { ClientsFlags } from './clients.ts';
import type { TopFlags } from '../top/top.ts';
import type { KickFlags } from './kick.ts';

export const CONTROL_COMMANDS = ['top', 'clients', 'kick', 'doctor'] as const;

type Done = (status: number) => void;

const SERVER = 'the process number of a server, or the path of its control socket (default: your only server)';

const CLIENTS_NOTES = `
--where takes conditions joined by "and", such as: idle>1m and thread=3
  id, thread, port, moves                  a number
  age, idle, message, stalled              a duration: 500ms, 30s, 5m
  kept                                     a size: 64KiB
  address                                  an address or a network: 10.0.0.0/8
  state, pinned, cost                      text: state=pinned, pinned=session
  reason, by                               of clients that left: by=fault`;

const KICK_NOTES = `
A client that is kicked is closed with reason "kicked"; its service is told. The
client that blocks a thread cannot be kicked: handlerTimeout ends that.`;

const DOCTOR_NOTES = `
Ends with 0 if there is nothing to say, 1 for warnings, 2 if clients suffer now,
3 if no server answers.`;

const TOP_NOTES = `
Keys: space pauses, q or Ctrl-C ends. Where its output is no terminal, it prints
a line each time. NO_COLOR has it do without colours.`;

export function addControlCommands(program: Command, done: Done): void {
  addTop(program, done);
  addClients(program, done);
  addKick(program, done);
  addDoctor(program, done);
}

function addTop(program: Command, done: Done): void {
  const command = program.command('top').description('Show a running server in the terminal, as it goes.');
  command.argument('[server]', SERVER);
  command.option('--interval <duration>', 'how often it is asked (default: 1s)');
  command.option('--once', 'print it once; this takes one interval');
  command.option('--json', 'a line of JSON each time');
  command.addHelpText('after', TOP_NOTES);
  command.action(async (server: string | undefined, flags: TopFlags) => {
    const { runTop } = await import('../top/top.ts');
    done(await runTop(server, flags, process.env, process));
  });
}

function addClients(program: Command, done: Done): void {
  const command = program.command('clients').description('List the clients of a running server.');
  command.argument('[server]', SERVER);
  command.option('--closed', 'those that left last, and why');
  command.option('--where <conditions>', 'only those, such as "idle>1m and thread=3"');
  command.option('--sort <key>', 'age, idle, kept, moves or stalled; the largest first');
  command.option('--limit <number>', 'how many at most (default: 100)');
  command.option('--json', 'a line of JSON for each');
  command.addHelpText('after', CLIENTS_NOTES);
  command.action(async (server: string | undefined, flags: ClientsFlags) => {
    const { runClients } = await import('./clients.ts');
    done(await runClients(server, flags, process.env, process));
  });
}

function addKick(program: Command, done: Done): void {
  const command = program.command('kick').description('Have a running server close clients.');
  command.argument('[ids...]', 'the numbers of clients, as heddle clients shows them');
  command.option('--where <conditions>', 'all those, as in heddle clients');
  command.option('--per <pace>', 'how many at a time, such as 50/s');
  command.option('--dry-run', 'say who would be kicked, and kick nobody');
  command.option('--server <server>', SERVER);
  command.option('--json', 'a line of JSON for each');
  command.addHelpText('after', KICK_NOTES);
  command.action(async (ids: readonly string[], flags: KickFlags) => {
    const { runKick } = await import('./kick.ts');
    done(await runKick(ids, flags, process.env, process));
  });
}

function addDoctor(program: Command, done: Done): void {
  const command = program
    .command('doctor')
    .description('Say who waits in a running server, and what is wrong with it.');
  command.argument('[server]', SERVER);
  command.option('--json', 'as JSON');
  command.addHelpText('after', DOCTOR_NOTES);
  command.action(async (server: string | undefined, flags: { readonly json?: boolean }) => {
    const { runDoctor } = await import('./doctor.ts');
    done(await runDoctor(server, flags, process.env, process));
  });
}
