/** Says how much an event matters, and which events a log has. */

import type { ServerEvent } from './event.ts';

/** From what matters most to what matters least. */
export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const LEVELS: Readonly<Record<ServerEvent['type'], LogLevel>> = {
  'service-error': 'error',
  'thread-exit': 'error',
  'reload-failed': 'error',
  'hand-over-failed': 'error',
  'not-opened': 'error',
  'lock-stuck': 'error',
  'thread-overdue': 'warn',
  'thread-blocked': 'warn',
  turn: 'warn',
  'thread-lost': 'error',
  'threads-limited': 'warn',
  'only-thread-blocked': 'warn',
  'accept-paused': 'warn',
  reject: 'warn',
  'rejects-hidden': 'warn',
  'events-lost': 'warn',
  'certificate-expired': 'warn',
  open: 'info',
  close: 'info',
  reload: 'info',
  deploy: 'info',
  'handing-over': 'info',
  'handed-over': 'info',
  'taken-over': 'info',
  'thread-start': 'debug',
  drain: 'debug',
};

/** The level of `event`. */
export function levelOf({ type }: ServerEvent): LogLevel {
  return LEVELS[type];
}

/** Whether a log at `least` has what is at `level`. */
export function isShown(level: LogLevel, least: LogLevel): boolean {
  return LOG_LEVELS.indexOf(level) <= LOG_LEVELS.indexOf(least);
}
