/** Makes stacks name the source: what runs is built from it into few files, whose maps know every place. */
import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where the built files are, this one among them. */
const FOLDER = dirname(fileURLToPath(import.meta.url));

/** What follows the folder where a frame of a stack has a place in a built file. */
const PLACE = /^\/([\w-]+\.cjs):(\d+):(\d+)/;

const maps = new Map<string, SourceMap | undefined>();

/** Gives `text`, a stack or an event with stacks in it, with places in the source instead of places in built files. */
export function sourceStack(text: string): string {
  if (!text.includes(FOLDER)) return text;
  const [before = '', ...rest] = text.split(FOLDER);
  return before + rest.map((part) => locationIn(part)).join('');
}

function locationIn(part: string): string {
  return PLACE.test(part) ? part.replace(PLACE, sourcePlace) : FOLDER + part;
}

/** Numbers in a stack begin with 1, those of a map with 0. */
function sourcePlace(place: string, file: string, line: string, column: string): string {
  const entry = mapOf(file)?.findEntry(Number(line) - 1, Number(column) - 1);
  if (entry === undefined || !('originalSource' in entry)) return FOLDER + place;
  return `${resolve(FOLDER, entry.originalSource)}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
}

function mapOf(file: string): SourceMap | undefined {
  if (!maps.has(file)) maps.set(file, readMap(file));
  return maps.get(file);
}

/** Whoever has taken the maps away has the places in built files. */
function readMap(file: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(readFileSync(resolve(FOLDER, `${file}.map`), 'utf8')));
  } catch {
    return undefined;
  }
}
