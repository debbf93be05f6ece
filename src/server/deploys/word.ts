/** Writes what the old process tells the new one while it serves its last clients, and reads it. */
import { DEPLOY_KINDS } from '../../admin/deploy-counts.ts';
import { isCount, totalsText } from '../../admin/totals.ts';
import type { Deploy } from '../../log/event.ts';

/** What became of the clients of a process that another one succeeds. */
export interface Leaving {
  /** How many there were. */
  readonly clients: number;
  /** Those that have left by themselves, and those that were cut off. */
  readonly stayed: number;
  readonly dropped: number;
}

export interface Word {
  readonly generation: number;
  readonly leaving: Leaving;
  /** See `Totals`; those of a process of another version may have other fields. */
  readonly totals: unknown;
  /** The last deploys. */
  readonly deploys: readonly Deploy[];
  /** The process ends, and has counted everything. */
  readonly isLast: boolean;
}

/** As JSON, in one line. */
export function writeWord(word: Word): string {
  return `${totalsText(word)}\n`;
}

/** `undefined`: it is none. Fields that another version does not have are as if nothing had happened. */
export function readWord(line: string): Word | undefined {
  const { deploys, generation, isLast, leaving, totals } = parsed(line);
  if (!isCount(generation)) return undefined;
  const { clients, dropped, stayed } = (leaving ?? {}) as Partial<Leaving>;
  return {
    generation,
    leaving: { clients: countOf(clients), dropped: countOf(dropped), stayed: countOf(stayed) },
    totals,
    deploys: Array.isArray(deploys) ? deploys.filter(isDeploy) : [],
    isLast: isLast === true,
  };
}

function parsed(line: string): Partial<Record<keyof Word, unknown>> {
  try {
    return (JSON.parse(line) as object | null) ?? {};
  } catch {
    return {};
  }
}

function countOf(value: unknown): number {
  return isCount(value) ? value : 0;
}

function isDeploy(value: unknown): value is Deploy {
  const { kind, ms, result, threads, time } = (value ?? {}) as Partial<Deploy>;
  const isKnown = DEPLOY_KINDS.some((each) => each === kind) && (result === 'success' || result === 'failure');
  return isKnown && [ms, threads, time].every(isCount);
}
