/** Asks a server by its control socket. */
import { type IncomingMessage, request } from 'node:http';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { HeddleError } from '../../errors.ts';
import { SCHEMA } from '../../admin/control/snapshot.ts';

/** How long a server may take to answer, in ms: main is busy, or stopped. */
const TIMEOUT_MS = 10_000;

/** The answer to GET `path`. Errors: `HEDDLE_CONNECT`, `HEDDLE_TIMEOUT`, `HEDDLE_INVALID_OPTION` for a question that the server refuses. */
export async function askJson(socket: string, path: string): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of await ask(socket, path)) chunks.push(chunk as Buffer);
  const answer: unknown = JSON.parse(Buffer.concat(chunks).toString());
  const { schema = SCHEMA } = answer as { readonly schema?: number };
  if (schema === SCHEMA) return answer;
  const text = `The server speaks version ${schema} of the control protocol, this command version ${SCHEMA}. Use the command of the server's own version`;
  throw new HeddleError('HEDDLE_CONNECT', text);
}

/** The lines of the answer to GET `path`, or to POST with `body`. */
export async function* askLines(socket: string, path: string, body?: object): AsyncGenerator {
  const answer = await ask(socket, path, body);
  for await (const line of createInterface({ input: answer, crlfDelay: Infinity })) yield JSON.parse(line);
}

async function ask(socketPath: string, path: string, body?: object): Promise<IncomingMessage> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const headers = { host: 'localhost', ...(body !== undefined && { 'content-type': 'application/json' }) };
    const asking = request({ socketPath, path, method: body === undefined ? 'GET' : 'POST', headers, agent: false });
    asking.once('response', resolve);
    asking.once('socket', (socket: Socket) => socket.setTimeout(TIMEOUT_MS));
    asking.once('timeout', () => {
      reject(
        new HeddleError(
          'HEDDLE_TIMEOUT',
          `The server at ${socketPath} does not answer: its main thread is blocked, or stopped`,
        ),
      );
      asking.destroy();
    });
    asking.once('error', ({ code = 'no answer' }: NodeJS.ErrnoException) => {
      reject(
        new HeddleError(
          'HEDDLE_CONNECT',
          `Cannot reach the server at ${socketPath}: ${code}. It has ended, or is another user’s`,
        ),
      );
    });
    asking.end(body === undefined ? undefined : JSON.stringify(body));
  });
  if (answer.statusCode === 200) return answer;
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  const code = answer.statusCode === 400 ? 'HEDDLE_INVALID_OPTION' : 'HEDDLE_CONNECT';
  throw new HeddleError(code, messageIn(Buffer.concat(chunks).toString()));
}

function messageIn(text: string): string {
  try {
    return (JSON.parse(text) as { readonly error: { readonly message: string } }).error.message;
  } catch {
    return text.trim();
  }
}
