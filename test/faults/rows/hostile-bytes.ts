import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { Peer } from '../../server/peer.ts';
import { HEDDLE, Running } from '../../system/processes.ts';
import { type Row, sum, within } from '../row.ts';

const SERVICE = fileURLToPath(new URL('../service.mjs', import.meta.url));
const PAYLOAD = 'nobody-logs-this';
/** What a terminal obeys, what ends a line, and what is no text. */
const HOSTILE = [
  '\r\nBye: 192.0.2.1 : 1',
  '\n',
  '\r',
  '\0',
  '\x07',
  '\x08',
  '\x1b[2J',
  '\x1b]0;title\x07',
  '\x7f',
  '\x9b2J',
  '\u0085',
  '\xff\xfe',
  '\xc3',
];
/** How a line of the log may begin, most after the time; `    at` is the stack of a service's error. */
const LINE =
  /^(Serving |Variables of the module are not shared |Server running on|[-\dT:.]+Z (Client (dis)?connected: |The service failed |Thread |Shutting down: |New clients )|    at |\s{2,}\S)/;

/** Messages with everything hostile: for the service's error text, and as payload in messages that are refused or answered. */
async function sendAll(port: number): Promise<number> {
  const throwing = HOSTILE.map((bytes) => `throw a${bytes}b`);
  const refused = HOSTILE.map((bytes) => `${PAYLOAD}${bytes}${'x'.repeat(5000)}`);
  const answered = HOSTILE.map((bytes) => `${PAYLOAD}${bytes}`);
  for (const line of [...throwing, ...refused, ...answered]) {
    const peer = await Peer.connect(port);
    peer.send(Buffer.from(`${line}|`, 'latin1'));
    peer.finish();
    await peer.over();
    await peer.leave();
  }
  return throwing.length + refused.length + answered.length;
}

/** From one that may send PROXY headers, and sends what is none. */
async function sendHeaders(port: number): Promise<number> {
  for (const bytes of HOSTILE) {
    const socket = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.2' }).on('error', () => {});
    socket.end(Buffer.from(`PROXY TCP4 ${bytes}${PAYLOAD} 1.2.3.4 5 6\r\n`, 'latin1')).resume();
    await once(socket, 'close');
  }
  return HOSTILE.length;
}

interface Seen {
  /** Events that were to be seen, and were. */
  readonly due: number;
  readonly closes: number;
  /** Bytes that a terminal obeys, or that are no text. */
  readonly unsafe: number;
  /** Lines that are no event. */
  readonly odd: number;
  readonly payloads: number;
}

function isOddJson(line: string): boolean {
  try {
    const { type, time } = JSON.parse(line) as { type?: unknown; time?: unknown };
    return typeof type !== 'string' || typeof time !== 'number';
  } catch {
    return true;
  }
}

async function provoke(format: 'text' | 'json'): Promise<Seen> {
  const limits = ['--framing', 'delimiter:|', '--max-message-length', '4096', '--proxy-protocol', '127.0.0.2'];
  const words = ['serve', SERVICE, '--host', '127.0.0.1', '--port', '0', '--threads', '2', '--log-format', format];
  await using server = new Running(process.execPath, [HEDDLE, ...words, ...limits]);
  const [, digits] = await server.shows(
    format === 'json' ? /"type":"listening".*?"port":(\d+)/ : /^Server running on port (\d+)$/m,
  );
  const port = Number(digits);
  const due = (await sendAll(port)) + (await sendHeaders(port));
  const closed = (): number =>
    server.stdout.split('\n').filter((line) => /^\S+ Client disconnected: |"type":"close"/.test(line)).length;
  await within(5000, () => closed() === due);
  const output = server.stdout + server.stderr;
  const lines = output.split('\n').filter((line) => line !== '');
  return {
    due,
    closes: closed(),
    unsafe: output.match(/[^\n\P{Cc}]|[\ufffd\u2028\u2029]/gu)?.length ?? 0,
    odd: lines.filter((line) => (format === 'json' ? isOddJson(line) : !LINE.test(line))).length,
    payloads: output.split(PAYLOAD).length - 1,
  };
}

export const hostileBytes: Row = {
  fault: `bytes of clients in logs, text and JSON: CR LF, NUL, ESC, BEL, C1 codes, what is no UTF-8, in ${4 * HOSTILE.length} connections each`,
  asked: 'one line an event, nothing that a terminal would obey; payloads never logged',
  async run() {
    const seen = [await provoke('text'), await provoke('json')];
    const of = (field: keyof Seen): number => sum(seen.map((one) => one[field]));
    return {
      measured: `${of('closes')} of ${of('due')} ends seen; ${of('unsafe')} unsafe bytes, ${of('odd')} lines that are no event, ${of('payloads')} payloads`,
      passed: of('closes') === of('due') && of('unsafe') + of('odd') + of('payloads') === 0,
    };
  },
};
