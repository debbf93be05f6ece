/** Defines timeouts that no client reaches, for tests in which time plays no part. */
import type { Timeouts } from '../../src/sharing/deadlines.ts';

const timeouts: Timeouts = { idleTimeout: Infinity, messageTimeout: Infinity, sendTimeout: Infinity };

export const TIMELESS = {
  ...timeouts,
  moveAfter: Infinity,
  maxUnsent: Infinity,
  maxMessageLength: 2 ** 20,
  maxClientState: 16 * 1024,
};
