/** Defines why a connection was closed: each closed connection has exactly one reason. */

/** Every reason that there is, in the order of the counters of the ThreadBoard. */
export const CLOSE_REASONS = [
  'client-finished',
  'client-reset',
  'server-finished',
  'service-error',
  'message-too-long',
  'bad-frame',
  'idle-timeout',
  'message-timeout',
  'send-timeout',
  'handler-timeout',
  'tls-error',
  'proxy-error',
  'denied',
  'over-limit',
  'thread-exit',
  'shutdown',
  'kicked',
  'over-rate',
] as const;

/** Says why a connection was closed. The same names are in the logs, the metrics and the service's `close` hook. */
export type CloseReason = (typeof CLOSE_REASONS)[number];

/** Whether a connection that was closed for `reason` was cut off because its thread, or the server, ended. */
export function isDrop(reason: CloseReason): boolean {
  return reason === 'shutdown' || reason === 'thread-exit';
}
