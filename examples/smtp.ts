/**
 * A mail server with `smtp-server`: takes all mail and throws it away. STARTTLS is the library's; its own certificate is for trying it out.
 *
 *     npx heddle serve examples/smtp.ts --port 12345
 *     swaks --server 127.0.0.1:12345 --to ann@example.com --tls
 */
import { defineService } from 'heddle';
import { SMTPServer } from 'smtp-server';

const server = new SMTPServer({
  logger: false,
  authOptional: true,
  onData(mail, _session, done) {
    mail.on('end', () => done(null, `${mail.byteLength} bytes taken`)).resume();
  },
});
server.on('error', () => {}); // Of one connection, which it ends.

export default defineService({
  stream(socket, client) {
    client.leaving.addEventListener('abort', () => socket.end('421 Come again later\r\n'));
    server.connect(socket);
  },
});
