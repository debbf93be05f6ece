/** Runs `heddle profile`: takes CPU profiles of threads, writes them into files, and says which functions are heaviest. */
import { resolve } from 'node:path';
import { LONGEST_PROFILE_MS, SHORTEST_PROFILE_MS } from '../../admin/control/profile-request.ts';
import { heaviestOf } from '../../admin/stacks/heaviest.ts';
import type { CpuProfile } from '../../admin/stacks/place.ts';
import type { ThreadProfile } from '../../admin/stacks/profiler.ts';
import { inSources } from '../../admin/stacks/source-place.ts';
import { HeddleError } from '../../errors.ts';
import { escapeText } from '../../log/escape.ts';
import { parseDuration, formatDuration } from '../../options/values/duration.ts';
import { print, type Terminal } from '../terminal.ts';
import { all, askLines, known } from './ask.ts';
import { busiestThread } from './busiest-thread.ts';
import { findServer } from './find-server.ts';
import { heaviestLines } from './heaviest-lines.ts';
import { requireWritable, writeWhole } from './whole-file.ts';

export interface ProfileFlags {
  readonly thread?: string;
  readonly for?: string;
  readonly output?: string;
}

/** The process, for its signals; a test has its own. */
export interface Signals {
  on(name: string, listener: () => void): unknown;
  off(name: string, listener: () => void): unknown;
}

const DEFAULT_MS = 5_000;
const MOST_FUNCTIONS = 10;
/** A thread in native code answers late, in ms; main waits that long for it. */
const LATE_MS = 40_000;
/** What a shell shows for a process that the signal ended. */
const STATUSES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

interface Profiled {
  readonly thread: number;
  readonly profile: CpuProfile;
}

/** Gives the exit status: 1 if there is a thread without a profile. */
export async function runProfile(
  target: string | undefined,
  flags: ProfileFlags,
  environment: NodeJS.ProcessEnv,
  terminal: Terminal,
  signals: Signals = process,
): Promise<number> {
  const [asked, ms] = [threadOf(flags.thread), durationOf(flags.for)];
  const pathFor = pathsOf(flags.output, asked === 'all');
  requireWritable(pathFor(0));
  const socket = await findServer(target, environment);
  const ending = new AbortController();
  let status = 0;
  const listeners = Object.entries(STATUSES).map(([name, itsStatus]) => {
    const listener = (): void => {
      status = itsStatus;
      ending.abort();
    };
    signals.on(name, listener);
    return [name, listener] as const;
  });
  try {
    const thread = asked ?? (await chosen(socket, terminal));
    const results = await profilesOf(socket, thread, ms, ending.signal);
    return await report(results, pathFor, terminal);
  } catch (error) {
    if (!ending.signal.aborted) throw error;
    terminal.stderr.write('Ended before the profile was there: no file was written\n');
    return status;
  } finally {
    for (const [name, listener] of listeners) signals.off(name, listener);
  }
}

async function chosen(socket: string, terminal: Terminal): Promise<number> {
  const { thread, why } = await busiestThread(socket);
  terminal.stderr.write(`Thread ${thread} is profiled: ${escapeText(why)}. For another one: --thread\n`);
  return thread;
}

/** What a thread spends its time on, as lines of text. Errors: those of `askJson`. */
export async function profileLines(
  socket: string,
  thread: number,
  ms: number,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const results = await profilesOf(socket, thread, ms, signal);
  const profiles = results.flatMap((result) => ('profile' in result ? [result.profile] : []));
  return heaviestLines(heaviestOf(profiles, MOST_FUNCTIONS), `Thread ${thread}`);
}

/** The profiles with the sources of the service. Errors: those of `askJson`. */
async function profilesOf(
  socket: string,
  thread: number | 'all',
  ms: number,
  signal: AbortSignal,
): Promise<readonly ThreadProfile[]> {
  const question = { body: { ms }, waitMs: ms + LATE_MS, pauseMs: LATE_MS, signal };
  const answer = await all(askLines(socket, `/v1/threads/${thread}/profile`, question));
  const results = thread === 'all' ? answer : [{ thread, profile: known(answer[0]) }];
  return (results as readonly ThreadProfile[]).map(withSources);
}

function withSources(result: ThreadProfile): ThreadProfile {
  return 'profile' in result ? { thread: result.thread, profile: inSources(result.profile) } : result;
}

async function report(
  results: readonly ThreadProfile[],
  pathFor: (thread: number) => string,
  terminal: Terminal,
): Promise<number> {
  const profiled = results.filter((result): result is Profiled => 'profile' in result);
  const [only, ...others] = profiled;
  const who = only === undefined || others.length > 0 ? `${profiled.length} threads together` : `Thread ${only.thread}`;
  const heaviest = heaviestOf(
    profiled.map(({ profile }) => profile),
    MOST_FUNCTIONS,
  );
  if (profiled.length > 0) await print(terminal, `${heaviestLines(heaviest, who).map(escapeText).join('\n')}\n`);
  for (const { profile, thread } of profiled) {
    const path = pathFor(thread);
    writeWhole(path, JSON.stringify(profile));
    terminal.stderr.write(`The profile of thread ${thread} is in ${escapeText(path)}\n`);
  }
  for (const result of results)
    if ('problem' in result) terminal.stderr.write(`Thread ${result.thread} has no profile. ${result.problem}\n`);
  return profiled.length === results.length ? 0 : 1;
}

/** Where the profile of a thread goes. */
function pathsOf(given: string | undefined, areMany: boolean): (thread: number) => string {
  const time = new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, '');
  const path = resolve(given ?? `heddle-${time}.cpuprofile`);
  if (given !== undefined && !areMany) return () => path;
  const stem = path.replace(/\.cpuprofile$/, '');
  return (thread) => `${stem}-thread-${thread}.cpuprofile`;
}

function threadOf(text: string | undefined): number | 'all' | undefined {
  if (text === undefined || text === 'all') return text;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw invalid(`--thread is the number of a thread, such as 3, or all, got ${JSON.stringify(text)}`);
}

function durationOf(text: string | undefined): number {
  const ms = text === undefined ? DEFAULT_MS : parseDuration(text);
  if (ms !== undefined && ms >= SHORTEST_PROFILE_MS && ms <= LONGEST_PROFILE_MS) return ms;
  const [shortest, longest] = [formatDuration(SHORTEST_PROFILE_MS), formatDuration(LONGEST_PROFILE_MS)];
  throw invalid(`--for is a duration from ${shortest} to ${longest}, such as 5s, got ${JSON.stringify(text)}`);
}

function invalid(text: string): HeddleError {
  return new HeddleError('HEDDLE_INVALID_OPTION', text);
}
