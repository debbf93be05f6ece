/** Finds out whether a service can be used, when something else keeps the server from starting: a port that is in use, say. */
import { setTimeout as delay } from 'node:timers/promises';
import { HeddleError } from '../../errors.ts';
import { type LimitedSettings, threadSettings } from '../../options/thread-settings.ts';
import { ThreadHandle } from './thread-handle.ts';
import type { ServiceModule } from './thread-starts.ts';
import type { ThreadProgram } from './worker.ts';

/** How long the module may take to load, in ms: what keeps the server from starting is told then. */
const TRIAL_TIMEOUT_MS = 5_000;

/**
 * Resolves with `shown`, or with what is wrong with the service: who mends the first would meet the second with the next start. The
 * module is loaded on a thread of its own; the service's `start` does not run.
 */
export async function errorOfService(
  shown: unknown,
  program: ThreadProgram,
  { service, needs }: ServiceModule,
  settings: LimitedSettings,
): Promise<unknown> {
  if (!(shown instanceof HeddleError) || shown.code !== 'HEDDLE_LISTEN') return shown;
  const start = { isTrial: true, thread: 0, settings: threadSettings(settings), service: service.href, needs } as const;
  try {
    const thread = new ThreadHandle(program, start, settings.threadMemory);
    await Promise.race([thread.ready, delay(TRIAL_TIMEOUT_MS, undefined, { ref: false })]);
    await thread.terminate('stopped', 'its trial is over');
    return shown;
  } catch (problem) {
    return problem instanceof HeddleError && problem.code === 'HEDDLE_SERVICE_LOAD' ? problem : shown;
  }
}
