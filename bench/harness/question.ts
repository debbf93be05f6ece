/** What a question of the benchmark is: it is asked, and answers with tables and verdicts. */
import type { Cores } from './cores.ts';
import type { Programs, ServerKind, ServerName, ServerProgram } from './programs.ts';
import type { Table } from './table.ts';
import type { Verdict } from './verdict.ts';

export const NEIGHBOUR_LOADS = ['unknown', 'silent', 'blockers', 'bimodal', 'mix', 'attack', 'heavy'] as const;
export type NeighbourLoad = (typeof NEIGHBOUR_LOADS)[number];

/** What `no-wait` and `neighbours` were told. */
export interface NoWaitChoice {
  /** Whether lights talk as fast as they can, or with pauses. */
  readonly lights: readonly ('fast' | 'pauses')[];
  /** Whether all burners come from one address, or each from its own. */
  readonly addresses: readonly ('one' | 'many')[];
  /** What burners use up: CPU time, or time. */
  readonly burn: 'cpu' | 'wall';
  /** Heddle's `--threads`; `undefined`: its default. */
  readonly threads: string | undefined;
  /** Whether Heddle is watched meanwhile, by a page, `top` and scrapes. */
  readonly watched: boolean;
  /** What `neighbours` is asked. */
  readonly loads: readonly NeighbourLoad[];
}

/** What a run was told: the same for every question in it. */
export interface Bench {
  readonly programs: Programs;
  readonly cores: Cores;
  readonly rounds: number;
  /** Measured time of one round of load. */
  readonly ms: number;
  readonly warmMs: number;
  /** Client counts for questions that are asked at several; empty: the question's own. */
  readonly clients: readonly number[];
  /** The same for clients that block their thread. */
  readonly burners: readonly number[];
  /** How `no-wait` is asked: see its options. */
  readonly noWait: NoWaitChoice;
  /** Where a question that draws puts its picture; `undefined`: it draws none. */
  readonly picture: string | undefined;
  progress(text: string): void;
}

export interface Answer {
  readonly tables: readonly Table[];
  readonly verdicts: readonly Verdict[];
  /** Every sample, for `--json`. */
  readonly samples: unknown;
}

export interface Question {
  readonly name: string;
  /** The servers that it is asked of, the yardstick first. */
  readonly servers: readonly ServerKind[];
  /** How long its rounds are, if it is not as long as others'. */
  readonly defaults?: { readonly ms?: number; readonly warmMs?: number; readonly rounds?: number };
  ask(bench: Bench): Promise<Answer>;
}

/** The servers of `question` that can run here, in its order; the older build follows the one of this checkout. */
export function contestants(question: Question, programs: Programs): ServerProgram[] {
  const names = question.servers.flatMap((kind): ServerName[] => [kind, `${kind}:old` as ServerName]);
  return names.flatMap((name) => programs.servers.get(name) ?? []);
}

/** Whether this run was asked to measure all of `names`, installed or not: a `--servers` may have left some out. */
export function wanted(programs: Programs, ...names: readonly ServerName[]): boolean {
  return names.every((name) => programs.servers.has(name) || programs.missing.has(name));
}
