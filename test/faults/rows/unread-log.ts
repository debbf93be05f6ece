import { fileURLToPath } from 'node:url';
import { Child } from '../../../bench/harness/child.ts';
import type { Row } from '../row.ts';

const HELPER = fileURLToPath(new URL('../unread-log.py', import.meta.url));
const HEDDLE = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
const SERVICE = fileURLToPath(new URL('../printing-service.mjs', import.meta.url));
const SHUTDOWN_S = 2;

/** What the helper has measured; a time in s is `null` where it never came. */
interface Outcome {
  readonly answered: number;
  readonly asked: number;
  readonly kept: number;
  readonly missing: readonly number[];
  readonly again: number | null;
  readonly ended: number | null;
  readonly status: number | null;
}

const KINDS: Readonly<Record<string, readonly string[]>> = {
  terminal: [],
  pipe: [],
  disk: ['unshare', '--user', '--map-root-user', '--mount'],
};

async function measure(kind: string, before: readonly string[]): Promise<Outcome> {
  const server = [process.execPath, HEDDLE, 'serve', SERVICE, '--host', '127.0.0.1', '--port', '0', '--threads', '2'];
  const limits = ['--shutdown-timeout', `${SHUTDOWN_S}s`];
  const child = new Child([...before, 'python3', HELPER, kind, ...server, ...limits]);
  return JSON.parse(await child.output()) as Outcome;
}

function isRight({ again, answered, asked, ended, kept, missing, status }: Outcome): boolean {
  const isInTime = again !== null && again <= 2 && ended !== null && ended <= SHUTDOWN_S + 2;
  // Beside what the service prints there are a few lines of the server's own.
  const lines = kept + (missing[0] ?? 0) - asked / 2;
  return isInTime && answered === asked && missing.length === 1 && lines >= 0 && lines < 100 && status === 0;
}

function textOf(kind: string, { again, answered, asked, ended, missing }: Outcome): string {
  const times = [again, ended].map((seconds) => (seconds === null ? 'never' : `after ${seconds.toFixed(1)} s`));
  return `${kind}: ${answered} of ${asked} answered, lines again ${times[0]}, ${missing.join(' + ')} said to be missing, ended ${times[1]}`;
}

export const unreadLog: Row = {
  fault:
    'nobody takes the log of a service that prints 3 MB: a terminal that nobody reads, a full pipe, a disk that was full',
  asked: `all clients answered; lines again within 2 s after there is room, and one that says how many are missing; ended within shutdownTimeout (${SHUTDOWN_S} s) + 2 s`,
  async run() {
    const outcomes: [string, Outcome][] = [];
    for (const [kind, before] of Object.entries(KINDS)) outcomes.push([kind, await measure(kind, before)]);
    return {
      measured: outcomes.map(([kind, outcome]) => textOf(kind, outcome)).join('; '),
      passed: outcomes.every(([, outcome]) => isRight(outcome)),
    };
  },
};
