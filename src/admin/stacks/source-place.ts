/** Finds the sources of places in code that was built: by the map beside the file, or in it. */
import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { basename, dirname, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Place, Profile, ProfileNode, StackFrame } from './place.ts';

/** The last such comment of a file counts. */
const MAPPED_BY = /^\/\/[#@] sourceMappingURL=(\S+)\s*$/gm;
const INLINE = /^data:application\/json(?:;charset=[\w-]+)?(;base64)?,(.*)$/s;

const maps = new Map<string, SourceMap | undefined>();

/** The code that blocks a thread, in words. */
export interface Code {
  /** Such as `slowReport report.ts:41`, `JSON.parse ← load chat.ts:88`. */
  readonly code: string;
  /** Such as `slowReport report.ts:41`, the innermost function first. */
  readonly stack: readonly string[];
}

export function codeOf(place: Place): Code {
  const where = frameText(place);
  return {
    code: place.callee === undefined ? where : `${place.callee} ← ${where}`,
    stack: place.stack.map(frameText),
  };
}

/** Such as `slowReport report.ts:41`. */
export function frameText(frame: StackFrame): string {
  if (frame.url === '') return frame.functionName; // Native: it has no file.
  const { functionName, line, url } = sourceOf(frame);
  const file = url.startsWith('node:') ? url : basename(pathOf(url));
  return `${functionName} ${file}:${line}`;
}

/** A profile whose places are in the sources, where there are maps that know them. */
export function inSources<P extends Profile>(profile: P): P {
  return { ...profile, nodes: profile.nodes.map(nodeInSource) };
}

function nodeInSource(node: ProfileNode): ProfileNode {
  const { callFrame, positionTicks } = node;
  const { columnNumber = 0, lineNumber, url } = callFrame;
  const file = pathOf(url);
  const map = url === '' ? undefined : mapOf(file);
  const begin = map && originAt(map, lineNumber, columnNumber);
  if (map === undefined || begin === undefined) return node;
  const source = { lineNumber: begin.originalLine, columnNumber: begin.originalColumn };
  const ticks = positionTicks?.map(({ line, ticks: count }) => {
    // Where all is in one line, that says nothing: then the function is known, and no line of it.
    const inside = line - 1 === lineNumber ? begin : firstOf(map, line - 1);
    const isThere = inside?.originalSource === begin.originalSource;
    return { line: (isThere ? inside : begin).originalLine + 1, ticks: count };
  });
  return {
    ...node,
    callFrame: { ...callFrame, url: sourceUrl(file, begin), ...source },
    ...(ticks !== undefined && { positionTicks: ticks }),
  };
}

function sourceUrl(file: string, { originalSource }: Origin): string {
  return pathToFileURL(resolve(dirname(file), originalSource)).href;
}

/** The place in the source, if there is a map that knows it. */
function sourceOf(place: StackFrame): StackFrame {
  const file = pathOf(place.url);
  const map = mapOf(file);
  // A line has no column here: the first place of the line that the map knows.
  const entry = map === undefined ? undefined : firstOf(map, place.line - 1);
  if (entry === undefined) return place;
  return {
    ...place,
    url: sourceUrl(file, entry),
    line: entry.originalLine + 1,
  };
}

interface Origin {
  readonly originalSource: string;
  readonly originalLine: number;
  readonly originalColumn: number;
}

/** The columns that are tried: an entry holds until the next one, so the line's end has the last of the line. */
function firstOf(map: SourceMap, line: number): Origin | undefined {
  return originAt(map, line, Number.MAX_SAFE_INTEGER);
}

function originAt(map: SourceMap, line: number, column: number): Origin | undefined {
  const entry = map.findEntry(line, column);
  return 'originalSource' in entry && entry.generatedLine === line ? entry : undefined;
}

function pathOf(url: string): string {
  return url.startsWith('file:') ? fileURLToPath(url) : url;
}

function mapOf(file: string): SourceMap | undefined {
  if (!maps.has(file)) maps.set(file, readMap(file));
  return maps.get(file);
}

function readMap(file: string): SourceMap | undefined {
  try {
    const link = [...readFileSync(file, 'utf8').matchAll(MAPPED_BY)].at(-1)?.[1];
    if (link === undefined) return undefined;
    const [, isBase64, data] = INLINE.exec(link) ?? [];
    if (data === undefined) return new SourceMap(JSON.parse(readFileSync(resolve(dirname(file), link), 'utf8')));
    return new SourceMap(
      JSON.parse(isBase64 === undefined ? decodeURIComponent(data) : Buffer.from(data, 'base64').toString()),
    );
  } catch {
    return undefined;
  }
}
