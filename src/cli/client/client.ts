/** Runs `heddle client`: connects, and talks in the way that the input asks for. */

import { connect } from '../../client/connect.ts';
import { readClientCommand } from './client-command-options.ts';
import { converse } from './conversation.ts';
import { exchangeLines } from './line-exchange.ts';
import { runRepl } from './repl.ts';
import type { Terminal } from '../terminal.ts';

export const DEFAULT_MESSAGE = 'hello from client';

export interface ClientInvocation {
  /** The message of `-m`. */
  readonly message: string | undefined;
  readonly repl: boolean;
  /** The flags of `clientCommandSchema`, by option name. */
  readonly flags: object;
  readonly environment: NodeJS.ProcessEnv;
}

/** Runs until the talk is over; gives the exit status. Rejects with a HeddleError if there is nobody, or no more. */
export async function runClient(invocation: ClientInvocation, terminal: Terminal): Promise<number> {
  const { message, repl, flags, environment } = invocation;
  const { settings, nameOf } = readClientCommand(flags, environment);
  const connection = await connect(settings, nameOf);
  try {
    if (repl) return await runRepl(connection, settings, terminal);
    const byLine = message === undefined && terminal.stdin.isTTY !== true;
    if (byLine) return await exchangeLines(connection, settings.framing, terminal);
    return await converse(connection, message ?? DEFAULT_MESSAGE, settings.framing, terminal);
  } finally {
    terminal.stdin.destroy();
    await connection.close();
  }
}
