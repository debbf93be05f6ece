// A reverse server on Bun's own `Bun.listen`: one thread, one set of handlers for all clients. Usage: bun bun-listen.mjs chunk|line.
/* global Bun */
const NEWLINE = 10;

/** What the kernel does not take now waits with the socket for `drain`. */
function send(socket, bytes) {
  const { rest } = socket.data;
  const all = rest === null ? bytes : Buffer.concat([rest, bytes]);
  const sent = Math.max(0, socket.write(all));
  socket.data.rest = sent < all.length ? Buffer.from(all.subarray(sent)) : null;
}

function serveChunk(socket, bytes) {
  // oxlint-disable-next-line unicorn/no-array-reverse -- the cheapest: no copy
  send(socket, bytes.reverse());
}

function serveLines(socket, arrived) {
  const { line } = socket.data;
  const bytes = line === null ? arrived : Buffer.concat([line, arrived]);
  let start = 0;
  for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
    bytes.subarray(start, end).reverse();
    start = end + 1;
  }
  socket.data.line = start < bytes.length ? Buffer.from(bytes.subarray(start)) : null;
  if (start > 0) send(socket, bytes.subarray(0, start));
}

const server = Bun.listen({
  hostname: '127.0.0.1',
  port: 0,
  socket: {
    open(socket) {
      socket.data = { rest: null, line: null };
      socket.setNoDelay(true);
    },
    data: process.argv[2] === 'line' ? serveLines : serveChunk,
    drain(socket) {
      if (socket.data.rest !== null) send(socket, Buffer.alloc(0));
    },
    error(socket) {
      socket.terminate();
    },
  },
});
console.log(`Server running on port ${server.port}`);
