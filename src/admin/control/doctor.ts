/** Looks for what is wrong with a server, or soon will be: each finding has its evidence, and what to do. */
import type { Observed } from '../observed.ts';
import { blockedText } from '../verdict.ts';
import { countText, durationText } from '../words.ts';
import { bytesText, shareText } from '../view/amounts.ts';

export type Level = 'act' | 'warn' | 'note';

export interface Finding {
  /** `act`: clients suffer now, or soon will. `warn`: somebody should look at it. `note`: it is good to know. */
  readonly level: Level;
  /** A stable name of the rule. */
  readonly rule: string;
  /** What was seen. */
  readonly evidence: string;
  /** What to do about it. */
  readonly advice: string;
}

/** What takes reading all slots to know. */
export interface Crowd {
  /** The address from which most clients come, and how many. */
  readonly largest: { readonly address: string; readonly clients: number } | undefined;
}

type Rule = (observed: Observed, crowd: Crowd) => Finding | undefined;

const DAY_MS = 86_400_000;
/** A block this long is worth a word while it lasts: a shorter one is gone before anybody reads of it. */
const BLOCKED_MS = 500;
/** A limit is nearly reached at this share of it. */
const NEARLY = 0.8;
/** From so many clients on, one address may be said to have many of them. */
const CROWD = 50;
const SHARE = 0.3;
/** Code that has blocked threads more often than this in the last hour will do so again. */
const FEW_BLOCKS = 3;
/** A thread that stood still for want of a CPU more often than this, a minute, is no accident. */
const STARVED_A_MINUTE = 6;
/** So many calls of the service that wait are worth a word, where they are so many times the usual part of the clients. */
const MANY_HANDLERS = 50;
const UNUSUAL = 2;
/** Threads that start wait for CPUs: a server is this old, in minutes, before a rate says something. */
const STARTING_MIN = 5;
/** A certificate that expires within this time. */
const EXPIRES_MS = 14 * DAY_MS;

const RULES: readonly Rule[] = [
  ({ blocked }) => {
    const worst = blocked.toSorted((one, other) => other.ms - one.ms)[0];
    if (worst === undefined || worst.ms < BLOCKED_MS) return undefined;
    const place = worst.code === undefined ? 'the service' : worst.code;
    return warn('blocked', blockedText(worst), `Have ${place} return sooner, await something, or do less at a time`);
  },
  ({ stats, threads }) => {
    const running = stats.threads.filter(({ isRunning }) => isRunning);
    const isFull = running.length >= threads.max && running.every(({ blockedMs }) => blockedMs >= BLOCKED_MS);
    if (!isFull) return undefined;
    const all = running.length === 1 ? 'The only thread is' : `All ${running.length} threads are`;
    return act('no-thread', `${all} blocked, and there may be no more`, 'Allow more: --threads');
  },
  ({ behindBlockedFor }) => {
    const { handler, session, tls } = behindBlockedFor(BLOCKED_MS);
    const behind = session + tls + handler;
    if (behind === 0) return undefined;
    const evidence = `${countText(behind, 'client')} cannot leave a blocked thread: ${tls > 0 ? 'TLS' : 'a session or a running handler'} keeps them there`;
    return act(
      'pinned',
      evidence,
      'Use message instead of session, or give each client a thread: --clients-per-thread 1',
    );
  },
  ({ codes }) => {
    const often = codes
      .filter(({ code, lastHour }) => code !== undefined && lastHour > FEW_BLOCKS)
      .toSorted((one, other) => other.lastHour - one.lastHour)[0];
    if (often?.code === undefined) return undefined;
    const evidence = `${often.code} has blocked a thread ${often.lastHour} times in the last hour, for ${durationText(often.longestMs)} at worst so far`;
    return warn('code', evidence, 'Change that line: it should return sooner, or await');
  },
  ({ lastHour: { starved }, uptimeMs }) => {
    const minutes = Math.min(60, Math.max(STARTING_MIN, uptimeMs / 60_000));
    if (starved / minutes < STARVED_A_MINUTE) return undefined;
    const evidence = `Threads stood still ${starved} times in the last hour because the machine had no CPU for them`;
    return warn('starved', evidence, 'Give the machine, or the control group, more CPUs; other code would not help');
  },
  ({ handlers: { answered, usualShare }, stats: { clients, handlersRunning } }) => {
    const share = handlersRunning / clients;
    const isUsual = usualShare === undefined || share < usualShare * UNUSUAL;
    if (handlersRunning < MANY_HANDLERS || handlersRunning <= answered || isUsual) return undefined;
    const evidence = `Handlers pile up: ${countText(handlersRunning, 'handler')} of the service wait, for ${shareText(share)} of the clients, and ${countText(answered, 'message was', 'messages were')} answered in the last two minutes`;
    return warn('handlers', evidence, 'See what they await: a database, another server. Give that a time limit');
  },
  ({ maxClients, stats }) =>
    nearly('clients', 'clients', stats.clients, maxClients, 'Raise --max-clients, or ulimit -n'),
  ({ arena: { size, used } }) =>
    nearly(
      'arena',
      'bytes of memory for parts of messages',
      used,
      size,
      'Lower --max-message-length, or find who sends half a message',
    ),
  ({ acceptQueue }) => {
    const full = acceptQueue.find(({ length, limit }) => limit > 0 && length > limit / 2);
    if (full === undefined) return undefined;
    const evidence = `${full.length} of ${full.limit} places of the accept queue of ${full.listener} are taken`;
    return act('accept-queue', evidence, 'Raise --backlog and net.core.somaxconn; see whether the acceptor gets a CPU');
  },
  ({ notReading: { clientsNotReading, unsentBytes }, stats }) => {
    if (clientsNotReading === 0 || clientsNotReading < stats.clients / 100) return undefined;
    const evidence = `${countText(clientsNotReading, 'client does', 'clients do')} not read what waits for them: ${bytesText(unsentBytes)}`;
    return warn('not-reading', evidence, 'They are closed after --send-timeout: heddle clients --where "stalled>1s"');
  },
  ({ stats }, { largest }) => {
    if (largest === undefined || stats.clients < CROWD || largest.clients < stats.clients * SHARE) return undefined;
    const evidence = `${largest.clients} of ${stats.clients} clients come from ${largest.address}`;
    const advice = 'Limit them with --max-clients-per-address; for a load balancer, use --proxy-protocol';
    return warn('one-address', evidence, advice);
  },
  ({ lastHour: { eventsLost } }) =>
    eventsLost === 0
      ? undefined
      : warn(
          'events-lost',
          `In the last hour, ${countText(eventsLost, 'event')} came faster than the log took them`,
          'Have the log read faster, or raise --log-level',
        ),
  ({ certificates, now }) => {
    const next = certificates.toSorted((one, other) => one.expires - other.expires)[0];
    if (next === undefined || next.expires - now > EXPIRES_MS) return undefined;
    const left = next.expires - now;
    const evidence =
      left < 0
        ? `The certificate ${next.certificate} has expired`
        : `The certificate ${next.certificate} expires in ${durationText(left)}`;
    return (left < DAY_MS ? act : warn)('certificate', evidence, 'Replace the file, then send SIGHUP');
  },
  ({ counts }) =>
    counts.lastReloadFailed
      ? act('reload', 'The last reload has failed: the old code goes on', 'See the event reload-failed in the log')
      : undefined,
  ({ lastHour: { threadExits } }) =>
    threadExits === 0
      ? undefined
      : warn(
          'thread-exits',
          `In the last hour, ${countText(threadExits, 'service thread')} died and ${threadExits === 1 ? 'was' : 'were'} replaced`,
          'See the events thread-exit in the log',
        ),
  ({ lastHour: { demoted } }) =>
    demoted <= FEW_BLOCKS
      ? undefined
      : {
          level: 'note',
          rule: 'no-privilege',
          evidence: `In the last hour, ${demoted} threads were replaced: their priority was lowered while they were blocked, and this process may not raise it again`,
          advice:
            'Give the process CAP_SYS_NICE, for systemd AmbientCapabilities=CAP_SYS_NICE: docs/no-client-waits.md',
        },
  ({ engine }) =>
    engine === 'net'
      ? {
          level: 'note',
          rule: 'engine',
          evidence: 'With the net engine no client changes threads: each waits behind whoever blocks its thread',
          advice: 'Use Linux with the epoll engine: docs/engines.md',
        }
      : undefined,
];

const LEVELS: readonly Level[] = ['act', 'warn', 'note'];

/** All that speaks, what hurts most first; nothing for a healthy server. */
export function findings(observed: Observed, crowd: Crowd): Finding[] {
  const found = RULES.map((rule) => rule(observed, crowd)).filter((finding) => finding !== undefined);
  return found.toSorted((one, other) => LEVELS.indexOf(one.level) - LEVELS.indexOf(other.level));
}

function nearly(rule: string, what: string, used: number, limit: number, advice: string): Finding | undefined {
  if (used < limit * NEARLY) return undefined;
  return act(rule, `${used.toLocaleString('en-US')} of ${limit.toLocaleString('en-US')} ${what} are taken`, advice);
}

function act(rule: string, evidence: string, advice: string): Finding {
  return { level: 'act', rule, evidence, advice };
}

function warn(rule: string, evidence: string, advice: string): Finding {
  return { level: 'warn', rule, evidence, advice };
}
