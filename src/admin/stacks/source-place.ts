/** Finds the source of a place in code that was built: by the map beside the file, or in it. */
import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { basename, dirname, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Place, StackFrame } from './place.ts';

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

function frameText(frame: StackFrame): string {
  if (frame.url === '') return frame.functionName; // Native: it has no file.
  const { functionName, line, url } = sourceOf(frame);
  const file = url.startsWith('node:') ? url : basename(pathOf(url));
  return `${functionName} ${file}:${line}`;
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
    url: pathToFileURL(resolve(dirname(file), entry.originalSource)).href,
    line: entry.originalLine + 1,
  };
}

interface Origin {
  readonly originalSource: string;
  readonly originalLine: number;
}

/** The columns that are tried: an entry holds until the next one, so the line's end has the last of the line. */
function firstOf(map: SourceMap, line: number): Origin | undefined {
  const entry = map.findEntry(line, Number.MAX_SAFE_INTEGER);
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
