/** Says what became of a client that was to be kicked, behind its name. */
import type { KickResult } from '../control/kick.ts';

export const KICK_TEXTS: Readonly<Record<KickResult | 'gone', string>> = {
  kicked: 'was kicked',
  chosen: 'was not kicked',
  blocking: 'blocks its thread, which cannot close it: handlerTimeout ends that',
  waiting: 'is closed as soon as its thread is free',
  gone: 'had left already',
};
