/** Adds `heddle bench`. It is loaded when it runs. */
import { setFlagsFromString } from 'node:v8';
import type { Command } from 'commander';

const NOTES = `
With --rate, times count from when a message was due, not from when it could be
sent: a server that stalls cannot hide it (no coordinated omission). Without, a
client sends its next message when it has its reply (closed loop).

Targets: address:port, :port, [IPv6]:port, unix:/path, each also behind tls://.
Several are measured in turn, round by round, and compared with the first.

Ends with 0 if all is well, 1 if the load could not go on or messages got no
reply, 2 for a wrong option, 3 if a reply was wrong, 4 if a --require was missed,
--compare found it worse or --find found no rate, 5 if the generator itself was
too late to tell. Ctrl-C (130) and SIGTERM (143) end it early, with the figures
so far.

heddle bench :4000                                  how much it can do
heddle bench :4000 --rate 5000 --require 'p99<5ms'  how long clients wait
heddle bench :4000 :4001                            which of two is better`;

/**
 * Has a generator collect its garbage seldom, and alone. By default it collects some ten times in five seconds at 2,000 messages a
 * second, waits for threads of V8 that help, and all messages that are due in these 1 to 3 ms are late; with 32 MiB, not once.
 */
const COLLECTOR = ['--no-parallel-scavenge', '--min-semi-space-size=32', '--max-semi-space-size=32'] as const;

const STATUS_OF_SIGNAL = { SIGINT: 130, SIGTERM: 143 } as const;

interface BenchFlags {
  readonly beside?: readonly string[];
  readonly require?: readonly string[];
}

export function addBench(program: Command, done: (status: number) => void): void {
  const command = program.command('bench').description('Put load on a TCP server, and say how long clients wait.');
  command.argument('[targets...]', 'where the servers are (default: 127.0.0.1:12345)');
  command.option(
    '--beside <n:text>',
    "n more clients that send a text again and again, such as 4:'burn 200'; may be given again",
    appended,
  );
  command.option('--require <condition>', 'what the run must reach, such as p99<5ms; may be given again', appended);
  command.addHelpText('after', NOTES);
  command.action(async (targets: readonly string[], { beside = [], require = [], ...flags }: BenchFlags) => {
    const { runBench } = await import('./bench.ts');
    for (const flag of COLLECTOR) setFlagsFromString(flag);
    const abort = new AbortController();
    let ended = 0;
    for (const [signal, status] of Object.entries(STATUS_OF_SIGNAL)) {
      process.on(signal, () => {
        if (ended > 0) process.exit(status);
        ended = status;
        abort.abort();
      });
    }
    const status = await runBench({ targets, beside, require, flags, signal: abort.signal }, process);
    done(ended === 0 ? status : ended);
  });
}

function appended(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}
