/** Used to try a server by hand: a line editor with history, and the round-trip time of each reply. */

import { createInterface } from 'node:readline';
import type { Connection } from '../client/connection.ts';
import { peerText } from '../client/peer-text.ts';
import { HeddleError } from '../errors.ts';
import type { ConnectSettings } from '../options/connect-options.ts';
import { replyText } from './reply-text.ts';
import { print, type Terminal } from './terminal.ts';

/** Ends with the end of input (Ctrl-D), Ctrl-C, or the connection; with framing `end` after one message. */
export async function runRepl(connection: Connection, settings: ConnectSettings, terminal: Terminal): Promise<number> {
  const peer = peerText(settings);
  const isSingle = settings.framing === 'end';
  const editor = createInterface({
    input: terminal.stdin,
    output: terminal.stdout,
    terminal: terminal.stdin.isTTY === true,
    prompt: '> ',
    historySize: 1_000,
  });
  const lines = editor[Symbol.asyncIterator]();
  let isOpen = true;
  editor.on('close', () => (isOpen = false));
  editor.on('SIGINT', () => editor.close());
  let left = false;
  void connection.closed.then(() => {
    left = true;
    editor.close();
  });
  await print(
    terminal,
    `Connected to ${peer}. ${isSingle ? 'One line is the message' : 'Each line is a message'}; Ctrl-D ends.\n`,
  );
  editor.prompt();
  for (let line = await lines.next(); line.done !== true; line = await lines.next()) {
    if (line.value !== '') {
      await exchange(connection, line.value, terminal);
      if (isSingle) {
        editor.close();
        return 0;
      }
    }
    if (isOpen) editor.prompt();
  }
  await print(terminal, '\n');
  if (left) throw new HeddleError('HEDDLE_CLOSED', `The server at ${peer} closed the connection`);
  return 0;
}

async function exchange(connection: Connection, line: string, terminal: Terminal): Promise<void> {
  const start = performance.now();
  const reply = await connection.request(line);
  const took = performance.now() - start;
  await print(terminal, `${replyText(reply)}  (${took.toFixed(took < 10 ? 2 : 0)} ms)\n`);
}
