// A reverse server on Node's own `net`: one thread, no library. Usage: node node-net.mjs chunk|line.
import { createServer } from 'node:net';

const NEWLINE = 10;

function serveChunks(socket) {
  // oxlint-disable-next-line unicorn/no-array-reverse -- the cheapest that Node can do: no copy
  socket.on('data', (bytes) => socket.write(bytes.reverse()));
}

function serveLines(socket) {
  let rest = null;
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
}

const serve = process.argv[2] === 'line' ? serveLines : serveChunks;
const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => socket.destroy());
  serve(socket);
});
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
  console.log(`Server running on port ${server.address().port}`);
});
