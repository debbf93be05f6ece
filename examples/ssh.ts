/**
 * An SSH server with `ssh2`: tells whoever comes what they wanted to run. All threads need the same host key.
 *
 *     ssh-keygen -t ed25519 -N '' -f host_key
 *     SSH_HOST_KEY=host_key npx heddle serve examples/ssh.ts --port 12345
 *     ssh -p 12345 127.0.0.1 uptime
 */
import { readFileSync } from 'node:fs';
import { defineService } from 'heddle';
import ssh2 from 'ssh2';

const server = new ssh2.Server({ hostKeys: [readFileSync(process.env['SSH_HOST_KEY'] ?? 'host_key')] }, (client) => {
  client.on('authentication', (attempt) => attempt.accept());
  client.on('error', () => {}); // The client is gone.
  client.on('session', (accept) => {
    accept().on('exec', (acceptCommand, _reject, { command }) => {
      const channel = acceptCommand();
      channel.write(`You said: ${command}\n`);
      channel.exit(0);
      channel.end();
    });
  });
});

export default defineService({
  stream(socket, client) {
    client.leaving.addEventListener('abort', () => socket.end());
    server.injectSocket(socket);
  },
});
