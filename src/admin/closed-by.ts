/** Says who ended a connection, by its close reason: what an alert asks first. */
import type { CloseReason } from '../sharing/close-reason.ts';

type ClosedBy = 'client' | 'service' | 'limit' | 'fault' | 'operator';

export const CLOSED_BY: Readonly<Record<CloseReason, ClosedBy>> = {
  'client-finished': 'client',
  'client-reset': 'client',
  'bad-frame': 'client',
  'tls-error': 'client',
  'proxy-error': 'client',
  'server-finished': 'service',
  'message-too-long': 'limit',
  'idle-timeout': 'limit',
  'message-timeout': 'limit',
  'send-timeout': 'limit',
  'over-limit': 'limit',
  'over-rate': 'limit',
  'service-error': 'fault',
  'handler-timeout': 'fault',
  'thread-exit': 'fault',
  denied: 'operator',
  shutdown: 'operator',
  kicked: 'operator',
};
