/** Adds the commands that ask a running server by its control socket. Each is loaded when it runs. */
import type { Command } from 'commander';
import type { ClientsFlags } from './clients.ts';
import type { PageFlags } from '../page/page.ts';
import type { TopFlags } from '../top/top.ts';
import type { EventsFlags } from './events.ts';
import type { KickFlags } from './kick.ts';
import type { ProfileFlags } from './profile.ts';

export const CONTROL_COMMANDS = ['top', 'page', 'clients', 'kick', 'doctor', 'profile', 'events'] as const;

/** As monitoring plug-ins say that they do not know. */
const DOCTOR_FAILED = 3;

type Done = (status: number) => void;

const SERVER = 'the process number of a server, or the path of its control socket (default: your only server)';

const CLIENTS_NOTES = `
--where takes conditions joined by "and", such as: idle>1m and thread=3
  id, thread, port                         a number
  address                                  an address or a network: 10.0.0.0/8
Of connected clients also:
  age, idle, message, stalled              a duration: 500ms, 30s, 5m
  moves, kept                              a number; a size: 64KiB
  state, pinned, cost                      a word: state=pinned, pinned=session
Of clients that have left (--closed) also:
  reason, by                               a word: by=fault`;

const KICK_NOTES = `
A client that is kicked is closed with reason "kicked"; its service is told. The
client that blocks a thread cannot be kicked: handlerTimeout ends that.`;

const DOCTOR_NOTES = `
Ends with 0 if all is well, 1 for warnings, 2 if clients suffer now or soon will,
3 if it cannot tell: no server answers, or an option is wrong.`;

/**
 * The exit status of a command that could not do what it was told. `heddle doctor` says with 1 and 2 what it has found: for it, all that
 * goes wrong is 3, a wrong option and a fault of the command too.
 */
export function failureStatus(command: string | undefined, usual: number): number {
  return command === 'doctor' ? DOCTOR_FAILED : usual;
}

const TOP_NOTES = `
Keys: ? shows all, space pauses, q or Ctrl-C ends. Where its output is no
terminal, it prints a line each time. NO_COLOR has it do without colours.`;

const PAGE_NOTES = `
It prints the address of the page, with a token: whoever has it sees the clients,
and may kick them and send messages to the server unless --read-only is given.
The page ends with this command.`;

const PROFILE_NOTES = `
Without --thread, it is the thread that is blocked, or else the busiest.
It prints the ten heaviest functions, and writes what Chrome (DevTools,
Performance) and VS Code open. The threads are not paused. Ctrl-C ends it, and
leaves no file.`;

export function addControlCommands(program: Command, done: Done): void {
  addTop(program, done);
  addPage(program, done);
  addClients(program, done);
  addKick(program, done);
  addDoctor(program, done);
  addProfile(program, done);
  addEvents(program, done);
}

function addTop(program: Command, done: Done): void {
  const command = program.command('top').description('Show a running server in the terminal, as it goes.');
  command.argument('[server]', SERVER);
  command.option('--interval <duration>', 'how often it is asked (default: 1s)');
  command.option('--once', 'print it once; this takes one interval');
  command.option('--json', 'a line of JSON each time');
  command.option('--filter <text>', 'begin with the clients that match, such as "10.0.0.0/8" or "idle>1m"');
  command.option('--sort <key>', 'what clients are sorted by: idle, age, moves, kept, stalled, thread or id');
  command.option('--ascii', 'symbols of ASCII only');
  command.option('--read-only', 'kick no client and take no profile');
  command.addHelpText('after', TOP_NOTES);
  command.action(async (server: string | undefined, flags: TopFlags) => {
    const { runTop } = await import('../top/top.ts');
    done(await runTop(server, flags, process.env, process));
  });
}

function addPage(program: Command, done: Done): void {
  const command = program.command('page').description('Show a running server in a browser on this machine.');
  command.argument('[server]', SERVER);
  command.option('--port <number>', 'the port of the page on 127.0.0.1 (default: one that is free)');
  command.option('--read-only', 'the page sends no message and kicks no client');
  command.addHelpText('after', PAGE_NOTES);
  command.action(async (server: string | undefined, flags: PageFlags) => {
    const { runPage } = await import('../page/page.ts');
    done(await runPage(server, flags, process.env, process));
  });
}

function addClients(program: Command, done: Done): void {
  const command = program.command('clients').description('List the clients of a running server.');
  command.argument('[server]', SERVER);
  command.option('--closed', 'those that left last, and why');
  command.option('--where <conditions>', 'only those, such as "idle>1m and thread=3"');
  command.option('--sort <key>', 'age, id, idle, kept, moves, stalled or thread; the largest first');
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
  command.option('--per <pace>', 'at what pace, such as 50/s, 600/m or 10/h (default: all at once)');
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

function addProfile(program: Command, done: Done): void {
  const command = program.command('profile').description('Say what a thread of a running server spends its time on.');
  command.argument('[server]', SERVER);
  command.option('--thread <number>', 'the number of a thread, or all');
  command.option('--for <duration>', 'how long, from 100ms to 1m (default: 5s)');
  command.option('-o, --output <file>', 'where the CPU profile goes (default: heddle-TIME-thread-N.cpuprofile)');
  command.addHelpText('after', PROFILE_NOTES);
  command.action(async (server: string | undefined, flags: ProfileFlags) => {
    const { runProfile } = await import('./profile.ts');
    done(await runProfile(server, flags, process.env, process));
  });
}

function addEvents(program: Command, done: Done): void {
  const command = program.command('events').description('Say what has happened in a running server, as its log does.');
  command.argument('[server]', SERVER);
  command.option('--follow', 'go on with what happens from now on');
  command.option('--json', 'a line of JSON for each');
  command.action(async (server: string | undefined, flags: EventsFlags) => {
    const { runEvents } = await import('./events.ts');
    done(await runEvents(server, flags, process.env, process));
  });
}
