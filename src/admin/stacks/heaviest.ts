/** Adds up by function where the time of profiles went. */
import {
  type CpuProfile,
  hottestLine,
  keyOf,
  nameOf,
  NOT_RUNNING,
  type ProfileNode,
  type StackFrame,
} from './place.ts';

export interface HeavyFunction extends StackFrame {
  /** How long the function itself ran, without what it had called. */
  readonly selfMs: number;
  /** The same with what it had called. */
  readonly totalMs: number;
}

export interface Heaviest {
  /** How long the threads were watched, and how much of that they ran. */
  readonly lastedMs: number;
  readonly ranMs: number;
  /** Those that ran longest themselves, the first longest. */
  readonly functions: readonly HeavyFunction[];
}

/** What is known of one function so far. */
interface Sum {
  readonly nodes: ProfileNode[];
  selfMs: number;
  totalMs: number;
}

/** Of `most` functions at most. */
export function heaviestOf(profiles: readonly CpuProfile[], most: number): Heaviest {
  const sums = new Map<string, Sum>();
  let [lastedMs, ranMs] = [0, 0];
  for (const profile of profiles) {
    const times = timesOf(profile);
    const parents = parentsOf(profile);
    for (const node of profile.nodes) {
      const ms = times.get(node.id) ?? 0;
      lastedMs += ms;
      if (NOT_RUNNING.has(node.callFrame.functionName)) continue;
      ranMs += ms;
      sumOf(sums, node).selfMs += ms;
      for (const each of callersOf(node, parents).values()) sumOf(sums, each).totalMs += ms;
    }
  }
  const all = [...sums.values()].filter(({ selfMs }) => selfMs > 0).sort((one, other) => other.selfMs - one.selfMs);
  return { lastedMs, ranMs, functions: all.slice(0, most).map(shown) };
}

/** How long each node was on top, in ms: each time until the next sample. */
function timesOf({ endTime, samples, startTime, timeDeltas }: CpuProfile): Map<number, number> {
  const times = new Map<number, number>();
  let time = startTime;
  for (const [at, id] of samples.entries()) {
    time += timeDeltas[at] ?? 0;
    const length = timeDeltas[at + 1] ?? Math.max(0, endTime - time);
    times.set(id, (times.get(id) ?? 0) + length / 1000);
  }
  return times;
}

function parentsOf({ nodes }: CpuProfile): ReadonlyMap<number, ProfileNode> {
  const parents = new Map<number, ProfileNode>();
  for (const node of nodes) for (const child of node.children ?? []) parents.set(child, node);
  return parents;
}

/** The functions that `node` runs in, itself first: each once, though it calls itself. */
function callersOf(node: ProfileNode, parents: ReadonlyMap<number, ProfileNode>): ReadonlyMap<string, ProfileNode> {
  const callers = new Map<string, ProfileNode>();
  for (let each: ProfileNode | undefined = node; each !== undefined; each = parents.get(each.id))
    if (!callers.has(keyOf(each))) callers.set(keyOf(each), each);
  return callers;
}

function sumOf(sums: Map<string, Sum>, node: ProfileNode): Sum {
  const key = keyOf(node);
  const known = sums.get(key);
  if (known?.nodes.includes(node) === false) known.nodes.push(node);
  const sum = known ?? { nodes: [node], selfMs: 0, totalMs: 0 };
  sums.set(key, sum);
  return sum;
}

function shown({ nodes, selfMs, totalMs }: Sum): HeavyFunction {
  const [node] = nodes as [ProfileNode];
  const { lineNumber, url } = node.callFrame;
  return { functionName: nameOf(node), url, line: hottestLine(nodes) ?? lineNumber + 1, selfMs, totalMs };
}
