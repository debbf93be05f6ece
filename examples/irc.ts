/**
 * A small IRC server (RFC 2812): lines that end with CR LF. Who has joined a channel gets what others say there. Channels are in a
 * variable, so the service needs one thread.
 *
 *     npx heddle serve examples/irc.ts --port 12345
 *     sic -h 127.0.0.1 -p 12345 -n ann
 *
 * `sic` is a small client: type `:j #weather` to join, then what you have to say.
 */
import { type Client, defineService } from 'heddle';

type IrcClient = Client<string>;

const HOST = 'heddle.example';

const channels = new Map<string, Set<IrcClient>>();

export default defineService({
  needs: { threads: 1 },
  framing: { line: 'crlf' },
  encoding: 'utf8',
  async session(client) {
    let nick = '*';
    for await (const line of client) {
      const [command, words, text] = parse(line);
      const [target = ''] = words;
      const answer = (said: string): Promise<void> => client.send(`:${HOST} ${said}`);
      if (command === 'NICK') nick = target;
      else if (command === 'USER') await answer(`001 ${nick} :Welcome, ${nick}`);
      else if (command === 'PING') await answer(`PONG ${HOST} :${text ?? target}`);
      else if (command === 'JOIN') join(target, client, nick);
      else if (command === 'PART') channels.get(target)?.delete(client);
      else if (command === 'PRIVMSG') tell(target, `:${nick} PRIVMSG ${target} :${text ?? ''}`, client);
      else if (command === 'QUIT') return;
      else await answer(`421 ${nick} ${command} :Unknown command`);
    }
  },
  close(client) {
    for (const members of channels.values()) members.delete(client as IrcClient);
  },
});

/** A command, its words, and the text behind a colon, which may have spaces. */
function parse(line: string): [command: string, words: string[], text: string | undefined] {
  const [, head = '', text] = /^(.*?)(?: :(.*))?$/.exec(line) ?? [];
  const [command = '', ...words] = head.split(' ').filter((word) => word !== '');
  return [command.toUpperCase(), words, text];
}

function join(channel: string, client: IrcClient, nick: string): void {
  const members = channels.get(channel) ?? new Set();
  channels.set(channel, members.add(client));
  tell(channel, `:${nick} JOIN ${channel}`);
}

/** Nobody waits for a member that reads slowly: the server closes one for whom too much piles up (`maxUnsent`). */
function tell(channel: string, line: string, speaker?: IrcClient): void {
  for (const member of channels.get(channel) ?? []) {
    if (member !== speaker) member.send(line).catch(() => {}); // It is leaving.
  }
}
