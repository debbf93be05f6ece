/** Asks a server for its metrics at its control socket. */
import { textAt } from './control-at.ts';

export type Metrics = ReadonlyMap<string, number>;

/** By name and labels. Rejects if nobody listens at `socketPath`. */
export async function metricsAt(socketPath: string): Promise<Metrics> {
  const text = await textAt(socketPath, '/metrics');
  const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(samples.map((line) => [line.replace(/ \S+$/, ''), Number(line.replace(/^.* /, ''))]));
}

/** The sum of all series of `name`. */
export function sumOf(metrics: Metrics, name: string): number {
  return [...metrics].reduce((sum, [series, value]) => sum + (series.split('{')[0] === name ? value : 0), 0);
}
