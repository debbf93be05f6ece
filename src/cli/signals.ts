/** Leaves on SIGTERM and SIGINT, and when the terminal is closed: the first signal drains, the second ends at once. */

import { endProcess } from './end-process.ts';

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
export type LeavingSignal = (typeof SIGNALS)[number];

/** What a shell shows for a process that the signal ended: 128 and the signal's number. */
export const SECOND_SIGNAL_STATUS: Readonly<Record<LeavingSignal, number>> = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };

/** Ctrl-C under `npm start` comes twice: from the terminal, and passed on by npm. Nobody presses it twice this fast. */
const SAME_SIGNAL_MS = 50;

/** How long ending at once may take before the process is ended with whatever still runs in it. */
const END_TIMEOUT_MS = 1_000;

export interface LeavingListener {
  first(signal: LeavingSignal): void;
  second(signal: LeavingSignal): void;
}

/**
 * Calls `listener` for the first and the second signal; gives a function that stops listening. `hasTerminal`: SIGHUP says
 * that the terminal is closed. It never is the second: the kernel sends one, and the shell may pass on another.
 */
export function onLeavingSignals(listener: LeavingListener, hasTerminal: boolean): () => void {
  let count = 0;
  let last: { readonly signal: LeavingSignal; readonly at: number } | undefined;
  const onSignal = (signal: LeavingSignal): void => {
    if (signal === 'SIGHUP' && count > 0) return;
    const at = performance.now();
    const isEcho = last?.signal === signal && at - last.at < SAME_SIGNAL_MS;
    last = { signal, at };
    if (isEcho) return;
    count++;
    if (count === 1) return listener.first(signal);
    const end = (): void => endProcess(SECOND_SIGNAL_STATUS[signal]);
    if (count > 2) return end();
    setTimeout(end, END_TIMEOUT_MS).unref();
    listener.second(signal);
  };
  const signals = SIGNALS.filter((signal) => signal !== 'SIGHUP' || hasTerminal);
  for (const signal of signals) process.on(signal, onSignal);
  return () => {
    for (const signal of signals) process.off(signal, onSignal);
  };
}
