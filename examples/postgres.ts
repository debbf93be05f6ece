/**
 * The protocol of PostgreSQL, as a gateway would speak it: a startup packet, then packets of another form. A client may ask for
 * TLS first (`SSLRequest`). Every query is answered with one row: its own text.
 *
 *     npx heddle serve examples/postgres.ts --tls-cert server.pem --tls-key server.key.pem --tls-start later --port 12345
 *     psql 'host=127.0.0.1 port=12345 user=ann sslmode=require' -c 'select 6 * 7'
 *
 * Without the flags for TLS, it tells clients that it has none.
 */
import { type Client, defineService } from 'heddle';

const VERSION_3 = 3 << 16;
const CANCEL_REQUEST = 80_877_102;
const SSL_REQUEST = 80_877_103;
const TEXT_TYPE = 25;

export default defineService({
  framings: {
    startup: { length: { size: 4, counts: 'frame', message: 'frame' } },
    packets: { length: { at: 1, size: 4, counts: 'frame', add: 1, message: 'frame' } },
  },
  async session(client) {
    if (!(await startUp(client))) return;
    client.framing = 'packets';
    await client.send(Buffer.concat([packet('R', int32(0)), setting('client_encoding', 'UTF8'), READY]));
    for await (const request of client) {
      const kind = String.fromCharCode(request[0] ?? 0);
      if (kind === 'X') return;
      if (kind === 'Q') await client.send(rowOf(request.subarray(5, -1)));
      else await client.send(Buffer.concat([ONLY_QUERIES, READY]));
    }
  },
});

/** Waits for the startup packet; false: the client has left, or wants something else. */
async function startUp(client: Client): Promise<boolean> {
  for (;;) {
    const request = await client.receive();
    if (request === undefined || request.length < 8) return false;
    const code = request.readInt32BE(4);
    if (code === VERSION_3) return true;
    if (code === CANCEL_REQUEST) return false;
    if (code === SSL_REQUEST && client.canStartTls) {
      await client.send('S');
      await client.startTls();
    } else await client.send('N'); // Of GSSAPI as well.
  }
}

/** A result of one row with one column. */
function rowOf(text: Buffer): Buffer {
  const column = [cString('query'), int32(0), int16(0), int32(TEXT_TYPE), int16(-1), int32(-1), int16(0)];
  return Buffer.concat([
    packet('T', int16(1), ...column),
    packet('D', int16(1), int32(text.length), text),
    packet('C', cString('SELECT 1')),
    READY,
  ]);
}

function packet(kind: string, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from(kind), int32(body.length + 4), body]);
}

function setting(name: string, value: string): Buffer {
  return packet('S', cString(name), cString(value));
}

function cString(text: string): Buffer {
  return Buffer.from(`${text}\0`);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

/** Ready for the next query, in no transaction. */
const READY = packet('Z', Buffer.from('I'));
const ONLY_QUERIES = packet(
  'E',
  cString('SERROR'),
  cString('C0A000'),
  cString('Mthis server takes simple queries only'),
  cString(''),
);
