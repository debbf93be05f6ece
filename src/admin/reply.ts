/** Sends replies over HTTP; whoever does not read one does not keep its memory. */
import type { IncomingMessage, ServerResponse } from 'node:http';

/** How long a reply, or the next piece of a long one, may take to be read, in ms. */
const READ_MS = 10_000;

const PLAIN = 'text/plain; charset=utf-8';

interface ReplyHead {
  readonly status: number;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A text, or pieces of text as they come. */
export type Reply = ReplyHead & ({ readonly text: string } | { readonly lines: AsyncIterable<string> });

export async function sendReply({ method }: IncomingMessage, response: ServerResponse, reply: Reply): Promise<void> {
  const body = 'text' in reply ? Buffer.from(reply.text) : undefined;
  // What comes behind a request that was refused is not read.
  const ending = reply.status >= 400 && reply.status < 500 ? { Connection: 'close' } : {};
  response.writeHead(reply.status, {
    'Content-Type': reply.type ?? PLAIN,
    ...(body !== undefined && { 'Content-Length': body.length }),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...ending,
    ...reply.headers,
  });
  if (method !== 'HEAD' && 'lines' in reply) await sendLines(response, reply.lines);
  response.end(method === 'HEAD' ? undefined : body);
  await cutUnless(response, 'finish');
}

/** A `for await` that is left ends the source: nobody is kicked for a reader who is gone. */
async function sendLines(response: ServerResponse, lines: AsyncIterable<string>): Promise<void> {
  for await (const line of lines) {
    if (response.destroyed) return;
    if (!response.write(line)) await cutUnless(response, 'drain');
  }
}

/** Resolves when what was written is taken, or the reader is gone: one that takes nothing for too long is cut off. */
async function cutUnless(response: ServerResponse, taken: 'drain' | 'finish'): Promise<void> {
  if (response.destroyed || response.writableFinished) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => response.destroy(), READ_MS).unref();
    const done = (): void => {
      clearTimeout(timer);
      response.off(taken, done).off('close', done);
      resolve();
    };
    response.on(taken, done).on('close', done);
  });
}
