// Keeps listening sockets open while the server behind them is started again: for where there is no systemd, such as a
// container. Clients that connect meanwhile wait in the sockets instead of being refused.
//
//   node keep-sockets.mjs [ADDRESS:]PORT[,[ADDRESS:]PORT...] -- COMMAND...
//   node keep-sockets.mjs 12345 -- node node_modules/heddle/dist/cli/main.js serve service.js
//
// The command is started again 100 ms after it has ended with another status than 0. SIGTERM, SIGINT and SIGHUP go to
// the command. After SIGTERM or SIGINT it is not started again, and its status is the status of this program.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, isIP } from 'node:net';

const BACKLOG = 4096;

/** Holds the sockets as fds 3 and up, and says so to each process that it starts, as systemd does (sd_listen_fds(3)). */
const KEEPER = `
count=$1
shift
stopping=
trap 'stopping=1; kill -TERM "$child"' TERM INT
trap 'kill -HUP "$child"' HUP
while :; do
  sh -c 'LISTEN_FDS=$0 LISTEN_PID=$$ exec "$@"' "$count" "$@" &
  child=$!
  # A signal ends the first wait early.
  wait "$child"
  status=$?
  while kill -0 "$child" 2>/dev/null; do
    wait "$child"
    status=$?
  done
  if [ "$status" = 0 ] || [ -n "$stopping" ]; then exit "$status"; fi
  echo "The server has ended with status $status: it is started again" >&2
  sleep 0.1
done`;

const separator = process.argv.indexOf('--');
const places = (separator === 3 ? process.argv[2] : '').split(',').map((text) => /^(?:(.+):)?(\d+)$/.exec(text));
const command = process.argv.slice(4);
if (places.includes(null) || command.length === 0)
  fail(2, 'Usage: node keep-sockets.mjs [ADDRESS:]PORT[,...] -- COMMAND...');

function fail(status, message) {
  console.error(message);
  process.exit(status);
}

function listen([place, address, port]) {
  const host = address?.replace(/^\[|\]$/g, '');
  // The look-up of a name would take time in which Node accepts clients at the other sockets.
  if (host !== undefined && isIP(host) === 0) fail(2, `${place}: write an IP address, such as 127.0.0.1:${port}`);
  const server = createServer().listen({ host, port: Number(port), backlog: BACKLOG });
  server.on('error', (error) => fail(1, `Cannot listen on ${place}: ${error.message}`));
  return server;
}

const servers = places.map(listen);
await Promise.all(servers.map((server) => once(server, 'listening')));
// Nothing is accepted here: the keeper has its own copies of the sockets before Node looks for clients.
const sockets = servers.map(({ _handle: handle }) => handle.fd);
const keeper = spawn('sh', ['-c', KEEPER, 'keeper', String(sockets.length), ...command], {
  stdio: ['inherit', 'inherit', 'inherit', ...sockets],
});
for (const server of servers) server.close();
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => keeper.kill(signal));
const [status, signal] = await once(keeper, 'exit');
process.exit(status ?? (signal === null ? 1 : 128));
