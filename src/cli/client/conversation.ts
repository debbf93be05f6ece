/** Sends one message again and again, for as long as the user wants to. */

import { fstatSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { isatty } from 'node:tty';
import type { Connection } from '../../client/connection.ts';
import { replyText } from './reply-text.ts';
import { print, type Terminal } from '../terminal.ts';

/**
 * Ends with the first answer that is not `y` or `Y`, and with the end of input; with framing `end`, whose message ends with
 * the sending side of the connection, after the reply.
 */
export async function converse(
  connection: Connection,
  message: string,
  framing: unknown,
  terminal: Terminal,
): Promise<number> {
  if (framing === 'end') {
    await print(terminal, `${received(await connection.request(message))}\n`);
    return 0;
  }
  // Without readline's own editing, the kernel's line discipline echoes and edits, and Ctrl-C stays a signal.
  const input = createInterface({ input: terminal.stdin, terminal: false });
  const answers = input[Symbol.asyncIterator]();
  const isKnown = isFile(terminal.stdin);
  try {
    for (;;) {
      const reply = await connection.request(message);
      await print(terminal, `${received(reply)}\n`);
      const known = isKnown ? await answers.next() : undefined;
      if (known?.done === true) return 0;
      await print(terminal, 'Do you want to continue (y/n): ');
      const answer = known ?? (await answers.next());
      // A terminal shows what is typed on it; from a pipe, the session reads the same only if it is shown here.
      if (answer.done === true) await print(terminal, '\n');
      else if (terminal.stdin.isTTY !== true) await print(terminal, `${replyText(Buffer.from(answer.value))}\n`);
      if (answer.done === true || !/^[yY]$/.test(answer.value.trim())) return 0;
    }
  } finally {
    input.close();
  }
}

/** Whether all of the input is there already: nobody is asked who would answer, and `/dev/null` answers nothing. */
function isFile({ fd }: Terminal['stdin']): boolean {
  const stat = fd === undefined ? undefined : fstatSync(fd);
  return stat?.isFile() === true || (stat?.isCharacterDevice() === true && !isatty(fd ?? 0));
}

function received(reply: Buffer): string {
  return `Received from server: ${replyText(reply)}`;
}
