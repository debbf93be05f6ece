/** Asks a server by its control socket. */
import { type Agent, type IncomingMessage, request } from 'node:http';
import { HeddleError } from '../../errors.ts';
import { SCHEMA } from '../../admin/control/snapshot.ts';

/** How long a server may say nothing, in ms: main is busy, or stopped. */
const TIMEOUT_MS = 10_000;

/** What is asked besides a path. */
interface Question {
  /** Makes it a POST. */
  readonly body?: object;
  /** How much longer than usual the server may take to begin its answer, in ms. */
  readonly waitMs?: number;
  /** How much longer than usual the server may say nothing in the middle of its answer, in ms. */
  readonly pauseMs?: number;
  /** Ends the question. */
  readonly signal?: AbortSignal;
  /** Keeps connections from one question to the next. Left out: the question has a connection of its own. */
  readonly agent?: Agent | undefined;
}

/**
 * The answer to GET `path`. Errors: `HEDDLE_CONNECT`, `HEDDLE_TIMEOUT`, `HEDDLE_INVALID_OPTION` for a question that the server refuses.
 */
export async function askJson(socket: string, path: string, question: Question = {}): Promise<unknown> {
  const [line] = await all(askLines(socket, path, question));
  return known(line);
}

/** A line of this version of the protocol. Errors: `HEDDLE_CONNECT`. */
export function known(line: unknown): unknown {
  const { schema = SCHEMA } = Object(line) as { readonly schema?: number };
  if (schema === SCHEMA) return line;
  const text = `The server speaks version ${schema} of the control protocol, this command version ${SCHEMA}. Use the command of the server's own version`;
  throw new HeddleError('HEDDLE_CONNECT', text);
}

/** The values in the lines of the answer to GET `path`, or to POST with a body. Errors: as `askJson`. */
export async function* askLines(socketPath: string, path: string, question: Question = {}): AsyncGenerator {
  const pieces = textOf(await ask(socketPath, path, question), socketPath);
  let rest = '';
  for await (const piece of pieces) {
    const lines = (rest + piece).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield parsed(line, socketPath);
  }
  if (rest !== '') yield parsed(rest, socketPath);
}

function parsed(line: string, socketPath: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    const text = `What listens at ${socketPath} is no Heddle server: it sent ${JSON.stringify(line.slice(0, 80))}`;
    throw new HeddleError('HEDDLE_CONNECT', text, { cause });
  }
}

async function ask(socketPath: string, path: string, question: Question): Promise<IncomingMessage> {
  const answer = await responseTo(socketPath, path, question);
  if (answer.statusCode === 200) return answer;
  const text = (await all(textOf(answer, socketPath))).join('');
  throw new HeddleError(answer.statusCode === 400 ? 'HEDDLE_INVALID_OPTION' : 'HEDDLE_CONNECT', messageIn(text));
}

async function responseTo(socketPath: string, path: string, question: Question): Promise<IncomingMessage> {
  const { agent = false, body, pauseMs = 0, signal, waitMs = 0 } = question;
  return new Promise<IncomingMessage>((resolve, reject) => {
    const headers = { host: 'localhost', ...(body !== undefined && { 'content-type': 'application/json' }) };
    const asking = request({
      socketPath,
      path,
      method: body === undefined ? 'GET' : 'POST',
      headers,
      agent,
      ...(signal !== undefined && { signal }),
    });
    let answering: IncomingMessage | undefined;
    asking.setTimeout(TIMEOUT_MS + waitMs, () => void (answering ?? asking).destroy(silent(socketPath)));
    asking.once('response', (response) => {
      answering = response;
      response.socket.setTimeout(TIMEOUT_MS + pauseMs);
      resolve(response);
    });
    asking.once('error', (error: NodeJS.ErrnoException) => {
      const isKept = asking.reusedSocket && wasClosed(error);
      if (isKept) resolve(responseTo(socketPath, path, { ...question, agent: undefined }));
      else reject(unreachable(socketPath, error));
    });
    asking.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** A server closes a connection that nobody uses, perhaps at the moment of the next question: the server has not seen that. */
function wasClosed({ code }: NodeJS.ErrnoException): boolean {
  return code === 'ECONNRESET' || code === 'EPIPE';
}

/** All items, once there are no more. */
export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** The text of an answer, as it comes. */
async function* textOf(answer: IncomingMessage, socketPath: string): AsyncGenerator<string> {
  answer.setEncoding('utf8');
  try {
    for await (const piece of answer) yield piece as string;
  } catch (error) {
    if (error instanceof HeddleError) throw error;
    const text = `The server at ${socketPath} ended in the middle of its answer: what it had sent is all that is known. Ask again`;
    throw new HeddleError('HEDDLE_CONNECT', text, { cause: error });
  }
}

function silent(socketPath: string): HeddleError {
  const text = `The server at ${socketPath} does not answer: its main thread is blocked, or the process was stopped`;
  return new HeddleError('HEDDLE_TIMEOUT', text);
}

function unreachable(socketPath: string, error: NodeJS.ErrnoException): HeddleError {
  if (error instanceof HeddleError) return error;
  const { code = 'no answer' } = error;
  const why =
    code === 'ECONNRESET'
      ? 'it ended before it answered. Its log may say why'
      : `${code}. It has ended, or is another user’s`;
  const text = `Cannot reach the server at ${socketPath}: ${why}`;
  return new HeddleError('HEDDLE_CONNECT', text, { cause: error });
}

function messageIn(text: string): string {
  try {
    return (JSON.parse(text) as { readonly error: { readonly message: string } }).error.message;
  } catch {
    return text.trim();
  }
}
