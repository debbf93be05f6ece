/** Says what a connection asks of its socket: system calls, or under TLS a stream that answers them. */
import type { Sys } from '../sys/sys.ts';

/** What a connection asks of its socket; under TLS, of what stands in for it. */
export type SocketCalls = Pick<
  Sys,
  | 'recv'
  | 'send'
  | 'shutdown'
  | 'discardOnClose'
  | 'storeAndClose'
  | 'unread'
  | 'unsent'
  | 'getsockname'
  | 'wrap'
  | 'addressText'
>;
