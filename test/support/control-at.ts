/** Asks a server at its control socket. */
import { type IncomingMessage, request } from 'node:http';
import { createInterface } from 'node:readline';

function answerAt(socketPath: string, path: string, body?: object): Promise<IncomingMessage> {
  const headers = { host: 'localhost', ...(body !== undefined && { 'content-type': 'application/json' }) };
  const method = body === undefined ? 'GET' : 'POST';
  return new Promise((resolve, reject) => {
    const asking = request({ socketPath, path, method, headers, agent: false }, resolve);
    asking.on('error', reject).end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** The whole answer. Rejects if nobody listens at `socketPath`. */
export async function textAt(socketPath: string, path: string): Promise<string> {
  return (await (await answerAt(socketPath, path)).toArray()).join('');
}

/** Each line of an answer as JSON, as it comes. With a `body`, it is a POST. */
export async function* linesAt<Line>(socketPath: string, path: string, body?: object): AsyncGenerator<Line> {
  const input = await answerAt(socketPath, path, body);
  for await (const line of createInterface({ input })) if (line !== '') yield JSON.parse(line) as Line;
}
