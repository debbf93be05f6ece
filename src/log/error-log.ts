/** Prints errors on stderr, for a program that listens to no events: services that fail, threads that die. */

import type { ServerEvent } from './event.ts';
import { isShown, levelOf } from './level.ts';
import { Output } from './output.ts';
import { openTarget } from './target.ts';
import { linesLost, textLine } from './text-line.ts';
import { wantsTimestamps, withTimestamp } from './timestamps.ts';

const STDERR = 2;

/** One for all servers of this thread, made for the first error. */
let print: ((line: string, time: number) => void) | undefined;

/** Prints `event` if it is an error that the program does not hear of anyway: a failed `reload` rejects. */
export function printError(event: ServerEvent): void {
  if (!isShown(levelOf(event), 'error') || event.type === 'reload-failed') return;
  const line = textLine(event, 'plain');
  print ??= openPrinter();
  if (line !== undefined) print(line.text, event.time);
}

function openPrinter(): (line: string, time: number) => void {
  const output = new Output(openTarget(STDERR), linesLost);
  const isStamped = wantsTimestamps(STDERR, process.env);
  return (line, time) => {
    output.write(isStamped ? withTimestamp(line, time) : line);
    output.flush(); // The program may end at any moment.
  };
}
