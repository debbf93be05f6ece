/**
 * Answers nobody before they have logged in, and greets them by name afterwards. The login is kept with the client
 * (`client.state`), so it is there on whichever thread the next line arrives.
 *
 *     npx heddle serve examples/login.ts --port 12345
 *     nc 127.0.0.1 12345
 */
import { defineService } from 'heddle';

/** What is kept with a client. */
interface Login {
  readonly name: string;
  readonly lines: number;
}

export default defineService<Login>({
  framing: 'line',
  encoding: 'utf8',
  message(line, client) {
    const [, name] = /^login (\w+)$/.exec(line) ?? [];
    if (name !== undefined) {
      client.state = { name, lines: 0 };
      return `welcome, ${name}`;
    }
    const { state } = client;
    if (state === undefined) return 'who are you? login NAME';
    client.state = { ...state, lines: state.lines + 1 };
    return `${state.name} said ${state.lines + 1}: ${line}`;
  },
});
