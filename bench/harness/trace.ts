/** What clients saw, reply by reply, as the generator wrote it down. */
import { readFileSync } from 'node:fs';

export interface Reply {
  readonly kind: 'light' | 'burn';
  /** Lights come first. */
  readonly client: number;
  /** When it was asked for, in ms from the start of what is of interest; below 0 before that. */
  readonly askedMs: number;
  readonly waitMs: number;
}

/** Reads lines such as `light 3 1042.117 0.084`; times are then from `fromMs` on, and burners are numbered after the lights. */
export function readTrace(file: string, fromMs: number, lights: number): Reply[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.flatMap((line): Reply[] => {
    const [kind, client, asked, wait] = line.split(' ');
    if (kind !== 'light' && kind !== 'burn') return [];
    const number = Number(client) + (kind === 'burn' ? lights : 0);
    return [{ kind, client: number, askedMs: Number(asked) - fromMs, waitMs: Number(wait) }];
  });
}
