/** Sends a message to a server over a connection of its own, and says what came back and how long that took. */
import { connect } from '../../client/connect.ts';
import { HeddleError } from '../../errors.ts';
import type { ConnectOptions } from '../../options/connect-options.ts';
import { replyText } from '../client/reply-text.ts';

/** How long connecting, and then the reply, may take, in ms. */
const TIMEOUT_MS = 10_000;
/** So much of a reply is shown. */
const MOST_SHOWN = 4096;
/** What a message may be on the page; framings with details of their own are the client command's. */
export const SEND_FRAMINGS = ['line', 'chunk', 'length', 'end'] as const;

export interface SendRequest {
  readonly text: string;
  readonly framing: (typeof SEND_FRAMINGS)[number];
  readonly tls: boolean;
}

export type SendResult =
  | { readonly reply: string; readonly bytes: number; readonly ms: number; readonly connectMs: number }
  | { readonly error: string };

/** Reads a request. Throws a `RangeError` for one that is none. */
export function sendRequest(value: unknown): SendRequest {
  const { framing = 'line', text, tls = false } = (value ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof text !== 'string') throw new RangeError('text is what to send');
  const known = SEND_FRAMINGS.find((each) => each === framing);
  if (known === undefined) throw new RangeError(`framing is one of ${SEND_FRAMINGS.join(', ')}`);
  if (typeof tls !== 'boolean') throw new RangeError('tls is true or false');
  return { text, framing: known, tls };
}

/** `addresses`: where the server listens. The message goes to the first: nobody who asks can name another place. */
export async function send(addresses: readonly string[], { framing, text, tls }: SendRequest): Promise<SendResult> {
  const place = placeOf(addresses[0] ?? '');
  const started = performance.now();
  try {
    // The certificate has the name by which others call the server.
    const options = { ...place, framing, timeout: TIMEOUT_MS, ...(tls && { tls: { rejectUnauthorized: false } }) };
    const connection = await connect(options);
    const connected = performance.now();
    try {
      const reply = await connection.request(text);
      const ms = performance.now() - connected;
      const shown = replyText(reply.subarray(0, MOST_SHOWN));
      return { reply: shown, bytes: reply.length, ms, connectMs: connected - started };
    } finally {
      await connection.close();
    }
  } catch (error) {
    if (!(error instanceof HeddleError)) throw error;
    return { error: error.message };
  }
}

/** An address of all interfaces is reached by that of this machine. */
export function placeOf(address: string): Pick<ConnectOptions, 'host' | 'port' | 'unix'> {
  if (address.startsWith('unix:')) return { unix: address.slice('unix:'.length) };
  const [, v6, v4 = '', port] = /^(?:\[([^\]]*)\]|([^:]*)):(\d+)$/.exec(address) ?? [];
  const host = v6 ?? v4;
  const own = host === '0.0.0.0' || host === '' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return { host: own, port: Number(port) };
}
