/** Says in which function and line of the service a thread spends its time, by a profile of it. */

/** A frame, as the inspector describes it: lines and columns count from 0, -1 is none. */
export interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
  readonly columnNumber?: number;
}

export interface ProfileNode {
  readonly id: number;
  readonly callFrame: CallFrame;
  readonly children?: readonly number[];
  /** How often the node itself was on top, by its lines, which count from 1. */
  readonly positionTicks?: readonly { readonly line: number; readonly ticks: number }[];
}

/** What `Profiler.stop` gives, as far as it is used. */
export interface Profile {
  readonly nodes: readonly ProfileNode[];
  /** The nodes that were on top, in time. */
  readonly samples?: readonly number[];
}

/** All of it. */
export interface CpuProfile extends Profile {
  readonly nodes: readonly (ProfileNode & { readonly hitCount?: number })[];
  readonly samples: readonly number[];
  /** How long each sample was taken after the one before, and the first after `startTime`, in µs. */
  readonly timeDeltas: readonly number[];
  readonly startTime: number;
  readonly endTime: number;
}

export interface Place {
  readonly functionName: string;
  readonly url: string;
  /** From 1. */
  readonly line: number;
  /** What the function had called, where the time went into that: such as `JSON.parse`. */
  readonly callee?: string;
  /** The part of the samples that were there: one alone misleads. */
  readonly share: number;
  /** What had called what, the innermost first, out to the function of the service that Heddle has called. */
  readonly stack: readonly StackFrame[];
}

/** A function: at the line where it was, if that is known, or else where it begins. A native one has no file and line 0. */
export type StackFrame = Pick<Place, 'functionName' | 'url' | 'line'>;

/** What the time goes into that belongs to no service. */
export const NOT_RUNNING = new Set(['(root)', '(idle)']);

interface Found {
  readonly node: ProfileNode;
  /** What was on top of all. */
  readonly top: ProfileNode;
}

/**
 * The function of the service that was running most often in the second half of a profile; `undefined`: none was. `isOwn`: whether a
 * file is the service's.
 */
export function placeOf({ nodes, samples = [] }: Profile, isOwn: (url: string) => boolean): Place | undefined {
  const late = placeIn(nodes, samples.slice(samples.length >> 1), isOwn);
  return late ?? placeIn(nodes, samples, isOwn); // The garbage collector has no caller.
}

function placeIn(
  nodes: readonly ProfileNode[],
  samples: readonly number[],
  isOwn: (url: string) => boolean,
): Place | undefined {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map<number, ProfileNode>();
  for (const node of nodes) for (const child of node.children ?? []) parents.set(child, node);
  const found: Found[] = [];
  let running = 0;
  for (const id of samples) {
    const top = byId.get(id);
    if (top === undefined || NOT_RUNNING.has(top.callFrame.functionName)) continue;
    running++;
    let node: ProfileNode | undefined = top;
    while (node !== undefined && !isOwn(node.callFrame.url)) node = parents.get(node.id);
    if (node !== undefined) found.push({ node, top });
  }
  const outer = mostFrequent(found, ({ node }) => keyOf(node));
  const most = outer && (calledBy(outer, found, parents) ?? outer);
  if (most === undefined) return undefined;
  const share = most.length / running;
  const [{ node }] = most as [Found];
  const { lineNumber, url } = node.callFrame;
  const stack = stackOf((most.at(-1) as Found).top, parents, isOwn);
  const about = { functionName: nameOf(node), url, share, stack };
  const inside = most.filter((each) => each.top === each.node);
  const calls = mostFrequent(
    most.filter((each) => each.top !== each.node),
    ({ top }) => top.callFrame.functionName,
  );
  const called = calls?.[0]?.top.callFrame.functionName;
  if (inside.length < most.length / 2 && called !== undefined && called !== '')
    return { ...about, line: lineNumber + 1, callee: called };
  return { ...about, line: hottestLine(inside.map((each) => each.node)) ?? lineNumber + 1 };
}

export function nameOf({ callFrame: { functionName } }: ProfileNode): string {
  return functionName === '' ? '(anonymous)' : functionName;
}

function stackOf(
  top: ProfileNode,
  parents: ReadonlyMap<number, ProfileNode>,
  isOwn: (url: string) => boolean,
): StackFrame[] {
  const nodes: ProfileNode[] = [];
  for (let node: ProfileNode | undefined = top; node !== undefined; node = parents.get(node.id)) nodes.push(node);
  const own = nodes.slice(0, nodes.findLastIndex(({ callFrame }) => isOwn(callFrame.url)) + 1);
  return own.map((node) => {
    const { lineNumber, url } = node.callFrame;
    return { functionName: nameOf(node), url, line: hottestLine([node]) ?? lineNumber + 1 };
  });
}

/** The part of a function's samples from which on one that it calls is taken for what blocks: see `sampler.ts` on loops. */
const CALLED_SHARE = 0.15;

/** Samples in a function of the service that was called by that of `outer`. */
function calledBy(
  outer: readonly Found[],
  found: readonly Found[],
  parents: ReadonlyMap<number, ProfileNode>,
): readonly Found[] | undefined {
  const keys = new Set(outer.map(({ node }) => keyOf(node)));
  const inner = found.filter(({ node }) => !keys.has(keyOf(node)) && hasAbove(node, keys, parents));
  const most = mostFrequent(inner, ({ node }) => keyOf(node));
  return most !== undefined && most.length >= outer.length * CALLED_SHARE ? most : undefined;
}

function hasAbove(node: ProfileNode, keys: ReadonlySet<string>, parents: ReadonlyMap<number, ProfileNode>): boolean {
  for (let above = parents.get(node.id); above !== undefined; above = parents.get(above.id))
    if (keys.has(keyOf(above))) return true;
  return false;
}

export function keyOf({ callFrame: { functionName, lineNumber, url } }: ProfileNode): string {
  return `${functionName} ${url} ${lineNumber}`;
}

function mostFrequent<T>(items: readonly T[], keyFor: (item: T) => string): readonly T[] | undefined {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyFor(item);
    groups.set(key, [...(groups.get(key) ?? []), item]);
  }
  return [...groups.values()].sort((one, other) => other.length - one.length)[0];
}

export function hottestLine(nodes: readonly ProfileNode[]): number | undefined {
  const lines = new Map<number, number>();
  for (const { positionTicks = [] } of new Set(nodes))
    for (const { line, ticks } of positionTicks) lines.set(line, (lines.get(line) ?? 0) + ticks);
  return [...lines].sort(([, one], [, other]) => other - one)[0]?.[0];
}
