/**
 * SMTP by hand: commands in lines, then a mail that ends with a dot, and STARTTLS in between. Takes all mail and throws it
 * away. For a library that does more, see smtp.ts.
 *
 *     npx heddle serve examples/mail.ts --tls-cert server.pem --tls-key server.key.pem --tls-start later --port 12345
 *     swaks --server 127.0.0.1:12345 --to ann@example.com --tls
 *
 * Without the flags for TLS, it does not offer STARTTLS.
 */
import { type Client, defineService } from 'heddle';

type MailClient = Client<string>;

export default defineService({
  framings: { commands: { line: 'crlf' }, mail: { delimiter: '\r\n.\r\n' } },
  encoding: 'utf8',
  async session(client) {
    await client.send('220 heddle.example');
    for (;;) {
      const command = await client.receive();
      if (command === undefined) return;
      const verb = command.split(' ', 1)[0]?.toUpperCase();
      if (verb === 'QUIT') return client.send('221 Bye');
      if (verb === 'EHLO')
        await client.send(client.canStartTls ? '250-heddle.example\r\n250 STARTTLS' : '250 heddle.example');
      else if (verb === 'STARTTLS') await startTls(client);
      else if (verb === 'DATA') await takeMail(client);
      else if (verb === undefined || !TAKEN.has(verb)) await client.send('502 Command not implemented');
      else await client.send('250 OK');
    }
  },
});

const TAKEN = new Set(['HELO', 'MAIL', 'RCPT', 'RSET', 'NOOP']);

/** After it, nothing counts that the client has said before: this server remembers nothing. */
async function startTls(client: MailClient): Promise<void> {
  if (!client.canStartTls) return client.send('503 TLS is not available');
  await client.send('220 Go ahead');
  await client.startTls();
}

async function takeMail(client: MailClient): Promise<void> {
  await client.send('354 End data with <CR><LF>.<CR><LF>');
  client.framing = 'mail';
  const mail = await client.receive();
  client.framing = 'commands';
  if (mail !== undefined) await client.send(`250 ${mail.length} characters taken`);
}
