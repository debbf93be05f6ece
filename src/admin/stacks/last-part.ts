/** Takes the last part of a profile. */
import type { CpuProfile } from './place.ts';

/** The last `ms` of it. Which lines were hit is known of the whole profile only. */
export function lastPart(profile: CpuProfile, ms: number): CpuProfile {
  const { endTime, samples, startTime, timeDeltas } = profile;
  const from = Math.max(startTime, endTime - ms * 1000);
  let [first, time] = [0, startTime + (timeDeltas[0] ?? 0)];
  while (first < samples.length && time < from) time += timeDeltas[++first] ?? 0;
  const kept = samples.slice(first);
  const hits = new Map<number, number>();
  for (const id of kept) hits.set(id, (hits.get(id) ?? 0) + 1);
  return {
    ...profile,
    nodes: profile.nodes.map((node) => ({ ...node, hitCount: hits.get(node.id) ?? 0 })),
    samples: kept,
    timeDeltas: kept.length === 0 ? [] : [time - from, ...timeDeltas.slice(first + 1)],
    startTime: from,
  };
}
