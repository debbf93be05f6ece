/** Makes the metrics of a server: their names are promised in `docs/metrics.md`. Here they are without `heddle_` and their unit. */
import { readFileSync } from 'node:fs';
import { type Labels, type Metric, metricsText, type Sample, type TextFormat } from './exposition.ts';
import { CLOSED_BY } from './closed-by.ts';
import { DEPLOY_KINDS } from './deploy-counts.ts';
import { BLOCK_BOUNDS, DURATION_BOUNDS, histogram, RELIEF_BOUNDS, WAIT_BOUNDS } from './histogram.ts';
import { type Observed, STATES } from './observed.ts';
import { processMetrics } from './process-metrics.ts';
import type { ThreadStats } from './server-stats.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** The text of all metrics. */
export function serverMetrics(observed: Observed, format: TextFormat): string {
  const metrics = [
    ...about(observed),
    ...waits(observed),
    ...blocks(observed),
    ...threads(observed),
    ...clients(observed),
    ...limits(observed),
    ...deploys(observed),
    ...work(observed),
    ...processMetrics(),
  ];
  return metricsText(metrics, format);
}

function gauge(name: string, help: string, value: number | readonly Sample[], unit?: Metric['unit']): Metric {
  return { name: `heddle_${name}`, type: 'gauge', help, samples: samplesOf(value), ...(unit && { unit }) };
}

function counter(name: string, help: string, value: number | readonly Sample[], unit?: Metric['unit']): Metric {
  return { name: `heddle_${name}`, type: 'counter', help, samples: samplesOf(value), ...(unit && { unit }) };
}

function seconds(name: string, help: string, samples: readonly Sample[]): Metric {
  return { name: `heddle_${name}_seconds`, type: 'histogram', help, unit: 'seconds', samples };
}

function samplesOf(value: number | readonly Sample[]): readonly Sample[] {
  return typeof value === 'number' ? [{ value }] : value;
}

/** A sample for each entry of `record`. */
function by(label: string, record: Readonly<Record<string, number>>, more: (key: string) => Labels = () => ({})) {
  return Object.entries(record).map(([key, value]) => ({ labels: { [label]: key, ...more(key) }, value }));
}

function about({ engine, inherited, state }: Observed): Metric[] {
  const labels = { version, node: process.versions.node, engine };
  const states = Object.fromEntries(STATES.map((each) => [each, each === state ? 1 : 0]));
  return [
    { name: 'heddle', type: 'info', help: 'What runs.', samples: [{ labels, value: 1 }] },
    gauge('state', 'What the server is doing: 1 for its state, 0 for the others.', by('state', states)),
    gauge('generation', '1 + the number of take-overs: counters go on over each of them.', inherited.generation),
  ];
}

function waits({ stats, totals }: Observed): Metric[] {
  const { behindBlocked, longestResponse } = stats;
  const { latency, response, wait } = totals.stats;
  return [
    seconds(
      'response',
      'From the arrival of a message until its reply is ready: what a client waits, without the network.',
      histogram(response, WAIT_BOUNDS),
    ),
    seconds('wait', 'The part of it before its service begins, of each read.', histogram(wait, WAIT_BOUNDS)),
    gauge('response_max_seconds', 'The longest response of the last 60 s.', longestResponse, 'seconds'),
    seconds(
      'message_duration',
      'What handlers take. It is not what clients wait: that is heddle_response_seconds.',
      histogram(latency, DURATION_BOUNDS),
    ),
    gauge('clients_behind_blocked', 'Clients on blocked threads that cannot leave, by why.', by('why', behindBlocked)),
  ];
}

function blocks({ stats, totals }: Observed): Metric[] {
  const causes = Object.entries(totals.stats.blocks).flatMap(([cause, counts]) =>
    histogram(counts, BLOCK_BOUNDS, { cause }),
  );
  const oldest = Math.max(0, ...stats.threads.map(({ blockedMs }) => blockedMs)) / 1000;
  return [
    seconds('block', 'How long threads were blocked, by what; counted when a block ends.', causes),
    gauge('block_current_seconds', 'The age of the oldest block now; 0: no thread is blocked.', oldest, 'seconds'),
    seconds(
      'relief',
      'From the beginning of a block until all clients that could leave the thread had left.',
      histogram(totals.stats.relief, RELIEF_BOUNDS),
    ),
    counter('starved', 'How often a thread stood still because the machine had no CPU for it.', totals.stats.starved),
  ];
}

function threads(observed: Observed): Metric[] {
  const {
    stats,
    threads: { min, max },
    totals: { counts },
  } = observed;
  const running = stats.threads.filter(({ isRunning }) => isRunning);
  const blocked = running.filter(({ blockedMs }) => blockedMs > 0).length;
  return [
    gauge('threads', 'Service threads, by state.', by('state', { serving: running.length - blocked, blocked })),
    gauge('threads_limit', 'How many threads there may be.', by('bound', { min, max })),
    ...eachThread(observed, running),
    counter('thread_starts', 'Service threads that were started.', counts.threadStarts),
    counter('thread_exits', 'Service threads that ended although they were not to.', counts.threadExits),
  ];
}

function eachThread({ blocked, cpuTimeOf, runDelayOf }: Observed, running: readonly ThreadStats[]): Metric[] {
  const each = (valueOf: (thread: ThreadStats) => number | undefined): Sample[] =>
    running.flatMap((thread) => {
      const value = valueOf(thread);
      return value === undefined ? [] : [{ labels: { thread: `${thread.id}` }, value }];
    });
  const inSeconds = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : ms / 1000);
  const cpu = each(({ id }) => inSeconds(cpuTimeOf(id)));
  const runDelay = each(({ id }) => inSeconds(runDelayOf(id)));
  return [
    gauge(
      'thread_clients',
      'Clients of each thread.',
      each((thread) => thread.clients),
    ),
    counter(
      'thread_messages',
      'Messages that each thread has answered.',
      each((thread) => thread.messages),
    ),
    gauge(
      'thread_heap_bytes',
      'How much of its heap each thread uses.',
      each((thread) => thread.heapBytes),
      'bytes',
    ),
    counter('thread_cpu_seconds', 'CPU time of each thread.', cpu, 'seconds'),
    gauge(
      'thread_blocked_seconds',
      'How long a thread has been blocked now, and by what code, where that is known. Only of threads that are blocked.',
      blocked.map(({ code = '', ms, thread }) => ({ labels: { thread: `${thread}`, code }, value: ms / 1000 })),
      'seconds',
    ),
    counter('thread_run_delay_seconds', 'How long each thread was ready and had no CPU.', runDelay, 'seconds'),
  ];
}

function clients({ inherited, stats, totals }: Observed): Metric[] {
  const { accepted, closes, handedOver, moves, rejected, takenOver } = totals.stats;
  const byWhom = (reason: string): Labels => ({ by: CLOSED_BY[reason as keyof typeof CLOSED_BY] });
  return [
    gauge(
      'clients',
      'Clients that are connected now; after a take-over also those that the old process still serves.',
      stats.clients + (inherited.predecessor?.clients ?? 0),
    ),
    counter('clients_accepted', 'Clients that were accepted.', accepted),
    counter('clients_rejected', 'Clients that were closed as soon as they came.', by('reason', rejected)),
    counter(
      'clients_closed',
      'Clients whose connection has ended, by reason and by whom.',
      by('reason', closes, byWhom),
    ),
    counter('clients_taken_over', 'Clients from the process before this one.', takenOver),
    counter('clients_handed_over', 'Clients that went to the process after this one.', handedOver),
    counter('clients_moved', 'Clients that changed threads. Many moves are no fault.', by('cause', moves)),
  ];
}

function limits({ acceptQueue, arena, certificates, maxClients, notReading, totals }: Observed): Metric[] {
  return [
    gauge('clients_limit', 'How many clients there may be (maxClients).', maxClients),
    counter('accept_pauses', 'How often accepting has paused, by cause.', by('cause', totals.stats.acceptPauses)),
    gauge(
      'accept_queue',
      'Clients that wait at a listening socket to be accepted.',
      acceptQueue.map(({ length, listener }) => ({ labels: { listener }, value: length })),
    ),
    gauge(
      'accept_queue_limit',
      'How many clients may wait there (backlog, and net.core.somaxconn).',
      acceptQueue.map(({ limit, listener }) => ({ labels: { listener }, value: limit })),
    ),
    gauge(
      'tls_certificate_expiry_timestamp_seconds',
      'When a certificate of the server expires, since the epoch.',
      certificates.map(({ certificate, expires }) => ({ labels: { certificate }, value: expires / 1000 })),
      'seconds',
    ),
    gauge(
      'clients_not_reading',
      'Clients that have taken nothing of what waits for them for a second or longer.',
      notReading.clientsNotReading,
    ),
    gauge(
      'unsent_bytes',
      'Bytes that wait in the process for clients that do not read; those that the kernel has taken are not counted.',
      notReading.unsentBytes,
      'bytes',
    ),
    gauge('arena_used_bytes', 'Shared memory that is in use for parts of messages and replies.', arena.used, 'bytes'),
    gauge('arena_limit_bytes', 'The size of that memory.', arena.size, 'bytes'),
  ];
}

function deploys({ inherited: { last }, totals }: Observed): Metric[] {
  const results = DEPLOY_KINDS.flatMap((kind) =>
    (['success', 'failure'] as const).map((result) => ({
      labels: { kind, result },
      value: totals.deploys[kind][result],
    })),
  );
  const dropped = DEPLOY_KINDS.map((kind) => ({ labels: { kind }, value: totals.deploys[kind].dropped }));
  return [
    counter('deploys', 'Reloads and take-overs, by result.', results),
    counter('deploy_dropped_clients', 'Clients that a deploy has cut off, or lost sight of.', dropped),
    gauge(
      'deploy_last_timestamp_seconds',
      'When the last deploy served, or failed.',
      last === undefined ? [] : last.time / 1000,
      'seconds',
    ),
    gauge(
      'deploy_last_success',
      'Whether the last deploy has worked.',
      last === undefined ? [] : Number(last.isSuccess),
    ),
  ];
}

function work({ stats: { handlersRunning }, totals: { counts, stats } }: Observed): Metric[] {
  return [
    counter('messages', 'Messages that were answered.', stats.messages),
    gauge(
      'handlers_running',
      'Calls of the service that wait: async handlers that have not ended, and sessions that await something else than a message.',
      handlersRunning,
    ),
    counter('rate_waits', 'How often a client had to wait because it had sent more than its rate.', stats.rateWaits),
    counter('received_bytes', 'Bytes that were read from clients.', stats.receivedBytes, 'bytes'),
    counter('sent_bytes', 'Bytes that were sent to clients.', stats.sentBytes, 'bytes'),
    counter('events_lost', 'Events that came faster than they could be taken.', counts.eventsLost),
  ];
}
