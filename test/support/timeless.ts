/** Used where time plays no part: limits that no client reaches. */
import type { Timeouts } from '../../src/sharing/deadlines.ts';

const timeouts: Timeouts = { idleTimeout: Infinity, messageTimeout: Infinity, sendTimeout: Infinity };

export const TIMELESS = { timeouts, maxUnsent: Infinity };
