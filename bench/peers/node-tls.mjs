// A reverse server on Node's own `tls`: one thread, no library. Usage: node node-tls.mjs CERT KEY, PEM files.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:tls';

const NEWLINE = 10;

const [, , cert, key] = process.argv;
const options = { cert: readFileSync(cert), key: readFileSync(key), noDelay: true };
const server = createServer(options, (socket) => {
  let rest = null;
  socket.on('error', () => socket.destroy());
  socket.on('data', (arrived) => {
    const bytes = rest === null ? arrived : Buffer.concat([rest, arrived]);
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
      bytes.subarray(start, end).reverse();
      start = end + 1;
    }
    if (start > 0) socket.write(bytes.subarray(0, start));
    rest = start < bytes.length ? bytes.subarray(start) : null;
  });
});
server.on('tlsClientError', (_error, socket) => socket.destroy());
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
  console.log(`Server running on port ${server.address().port}`);
});
