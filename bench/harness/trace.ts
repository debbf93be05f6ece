/** What clients saw, reply by reply, as the generator wrote it down. */
import { readFileSync } from 'node:fs';

export interface Reply {
  readonly kind: 'light' | 'burn';
  readonly client: number;
  /** When it was asked for, in ms from the start of the measured time; below 0 before that. */
  readonly askedMs: number;
  readonly waitMs: number;
}

/** Reads lines such as `light 3 1042.117 0.084`. */
export function readTrace(file: string): Reply[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.flatMap((line): Reply[] => {
    const [kind, client, asked, wait] = line.split(' ');
    if (kind !== 'light' && kind !== 'burn') return [];
    return [{ kind, client: Number(client), askedMs: Number(asked), waitMs: Number(wait) }];
  });
}
