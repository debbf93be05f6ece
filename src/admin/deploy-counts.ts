/** Counts deploys by what became of them. */
import type { Deploy } from '../log/event.ts';

export const DEPLOY_KINDS = ['reload', 'take-over'] as const;

interface KindCounts {
  readonly success: number;
  readonly failure: number;
  /** Clients that were cut off. */
  readonly dropped: number;
}

export type DeployCounts = Readonly<Record<Deploy['kind'], KindCounts>>;

export function noDeploys(): Record<Deploy['kind'], { -readonly [name in keyof KindCounts]: number }> {
  const none = { success: 0, failure: 0, dropped: 0 };
  return { reload: { ...none }, 'take-over': { ...none } };
}
