/** Lays out the help of a command: options in groups, wrapped to the width of the terminal. */
import type { Help } from 'commander';

/** Options by what they are about; those of no group come last. */
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  'Service:': ['framing', 'bytes', 'watch', 'config'],
  'Where it listens:': ['host', 'port', 'unix', 'unixMode', 'listen', 'takeOver', 'backlog', 'engine'],
  'Who is let in:': ['maxClients', 'overflow', 'maxClientsPerAddress', 'allow', 'deny', 'proxyProtocol'],
  'Threads:': ['threads', 'clientsPerThread', 'placement', 'moveAfter', 'handlerTimeout', 'threadMemory'],
  'Load:': ['clients', 'rate', 'arrivals', 'pipeline', 'duration', 'warm'],
  'Messages:': ['message', 'messageFile', 'size', 'expect', 'timeout'],
  'Memory:': ['maxMessageLength', 'maxUnsent', 'maxMemory', 'maxClientState'],
  'Time:': ['idleTimeout', 'messageTimeout', 'sendTimeout', 'keepAlive', 'drainDelay', 'shutdownTimeout'],
  'TLS:': ['tlsCert', 'tlsKey', 'tlsCa', 'tlsCrl', 'tlsRequestClientCert', 'tlsStart', 'tlsHandshakeTimeout'],
  'Log:': ['logLevel', 'quiet', 'logFormat'],
  'Watching:': ['metrics', 'metricsHosts', 'control'],
};

/** Columns of the flags; the text of a flag that is longer begins below it. */
const TERM_WIDTH = 26;
const DEFAULT_WIDTH = 80;

/** The heading under which the help of `heddle serve` has an option; `undefined`: it is about nothing in particular. */
export function groupOf(name: string): string | undefined {
  return Object.entries(GROUPS).find(([, names]) => names.includes(name))?.[0];
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
