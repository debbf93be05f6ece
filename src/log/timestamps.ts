/** Decides whether lines of text begin with the time: on a terminal its reader knows it. */

import { fstatSync } from 'node:fs';
import { isatty } from 'node:tty';

/** Whether lines for the standard fd `fd` begin with the time; `undefined` is what is no fd. */
export function wantsTimestamps(fd: number | undefined, environment: NodeJS.ProcessEnv): boolean {
  return fd === undefined || !(isatty(fd) || isJournal(fd, environment['JOURNAL_STREAM']));
}

/** systemd notes the time itself, and names what it listens to by device and inode (systemd.exec(5)). */
function isJournal(fd: number, journal: string | undefined): boolean {
  const { dev, ino } = fstatSync(fd);
  return journal === `${dev}:${ino}`;
}

/** `line`, which happened at `time` in ms since 1970, as 2026-11-29T19:16:50.123Z and what it says. */
export function withTimestamp(line: string, time: number): string {
  return `${new Date(time).toISOString()} ${line}`;
}
