/** Has the process end in order when a terminal that was its stdin, stdout or stderr was closed. */
import { closeSync, openSync } from 'node:fs';
import { isatty } from 'node:tty';

/**
 * Gives the standard fds that are terminals. As the process ends, Node sets terminals back to how they were; where that fails
 * because a terminal was closed, Node 20 aborts (Node 26 does not). So by then something else has the place of a closed one.
 */
export function watchTerminals(): readonly number[] {
  const terminals = [0, 1, 2].filter((fd) => isatty(fd));
  process.on('exit', () => {
    for (const fd of terminals) if (!isatty(fd)) replace(fd);
  });
  return terminals;
}

/** `open` gives the lowest number that is free: here the one just closed. */
function replace(fd: number): void {
  closeSync(fd);
  openSync('/dev/null', 'r+');
}
