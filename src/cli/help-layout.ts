/** Lays out the help of a command: options in groups, wrapped to the width of the terminal. */
import type { Command, Help, Option } from 'commander';

type Groups = Readonly<Record<string, readonly string[]>>;

/** Options by what they are about; those of no group come last. */
const SERVE: Groups = {
  'Service:': ['framing', 'bytes', 'watch', 'config'],
  'Where it listens:': ['host', 'port', 'unix', 'unixMode', 'listen', 'takeOver', 'backlog', 'engine'],
  'Who is let in:': ['maxClients', 'overflow', 'maxClientsPerAddress', 'allow', 'deny', 'proxyProtocol'],
  'Threads:': ['threads', 'clientsPerThread', 'placement', 'moveAfter', 'handlerTimeout', 'threadMemory'],
  'Load:': ['rate'],
  'Memory:': ['maxMessageLength', 'maxUnsent', 'maxMemory', 'maxClientState'],
  'Time:': ['idleTimeout', 'messageTimeout', 'sendTimeout', 'keepAlive', 'drainDelay', 'shutdownTimeout'],
  'TLS:': ['tlsCert', 'tlsKey', 'tlsCa', 'tlsCrl', 'tlsRequestClientCert', 'tlsStart', 'tlsHandshakeTimeout'],
  'Log:': ['logLevel', 'quiet', 'logFormat'],
  'Watching:': ['metrics', 'metricsHosts', 'control'],
};

/** In the order in which a user needs them. */
const BENCH: Groups = {
  'Load:': [
    'clients',
    'duration',
    'warm',
    'rate',
    'ramp',
    'arrivals',
    'think',
    'pipeline',
    'generators',
    'seed',
    'far',
  ],
  'Messages:': ['message', 'messageFile', 'size', 'framing', 'maxMessageLength', 'expect', 'timeout'],
  'What else happens:': ['beside', 'churn', 'reset', 'connectRate', 'idle'],
  'Verdict:': ['require', 'late', 'compare', 'tolerance', 'rounds', 'find'],
  'Report:': ['quiet', 'json', 'html', 'hgrm', 'trace'],
  'TLS:': ['tls', 'tlsCa', 'tlsCert', 'tlsKey'],
};

const LAYOUTS: Readonly<Record<string, Groups>> = { serve: SERVE, bench: BENCH };

/** Columns of the flags; the text of a flag that is longer begins below it. */
const TERM_WIDTH = 26;
const DEFAULT_WIDTH = 80;

/** Puts the options of a command under headings; those of `heddle bench`, which come from two places, into the order of its list too. */
export function groupOptions(command: Command): void {
  const groups = LAYOUTS[command.name()];
  if (groups === undefined) return;
  for (const option of command.options) {
    const group = Object.keys(groups).find((each) => groups[each]?.includes(option.attributeName()));
    if (group !== undefined) option.helpGroup(group);
  }
  if (groups !== BENCH) return;
  const order = Object.values(groups).flat();
  const place = (option: Option): number => order.indexOf(option.attributeName());
  (command.options as Option[]).sort((one, other) => place(one) - place(other));
}

/** What commander asks for when it writes help. */
export const HELP_LAYOUT = {
  padWidth: (): number => TERM_WIDTH,

  /** `term` is a flag, or the like. */
  formatItem(term: string, width: number, description: string, helper: Help): string {
    if (description === '') return `  ${term}`;
    const indent = ' '.repeat(width + 4);
    const text = helper.boxWrap(description, (helper.helpWidth ?? DEFAULT_WIDTH) - indent.length);
    const lines = text.replaceAll('\n', `\n${indent}`);
    return term.length > width ? `  ${term}\n${indent}${lines}` : `  ${term.padEnd(width)}  ${lines}`;
  },
};
