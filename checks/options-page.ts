/** Makes docs/options.md out of the schemas; a test compares the page with them. */

import { clientCommandSchema } from '../src/cli/client/client-command-options.ts';
import { serveCommandSchema } from '../src/cli/serve-command-options.ts';
import { aboutOptions, type Reach, type Schema } from '../src/options/schema.ts';
import { environmentName, flagName } from '../src/options/source.ts';

const WHERE: Readonly<Record<Reach, string>> = {
  anywhere: '',
  command: 'not in the library',
  shell: 'flag and environment only',
  file: 'library and config file',
  library: 'library only',
};

const INTRODUCTION = `# Options

<!-- Written by \`npm run docs\` from the schemas in src/options and src/cli. -->

An option has one name everywhere: \`serve({ maxMessageLength })\` in code, \`--max-message-length\` as a flag,
\`HEDDLE_MAX_MESSAGE_LENGTH\` in the environment, \`maxMessageLength\` in \`heddle.config.ts\`, \`.js\`, \`.mjs\` or \`.json\`.
Flags beat the environment, the environment beats the file, the file beats the defaults.

Durations are milliseconds as a number, or text: \`250ms\`, \`30s\`, \`5m\`, \`1h\`, and \`never\` (in code also \`Infinity\`) where
that makes sense. Sizes are bytes as a number, or text: \`512B\`, \`64KiB\`, \`1MiB\`, \`2GiB\`. Lists are arrays, or text with commas
between their parts; the flag of a list may also be given several times.

An unknown or bad option is refused by the name it was given by, before anything starts:
\`options.threads must be a positive integer, got -1\` in code (a \`HeddleError\` with code \`HEDDLE_INVALID_OPTION\`),
\`--threads must be …\`, \`HEDDLE_THREADS must be …\` or \`threads in heddle.config.json must be …\` on the command line, with exit
status 2.
`;

const FILE = `
## The config file

\`heddle serve\` reads \`heddle.config.ts\`, \`.js\`, \`.mjs\` or \`.json\` from the directory it runs in, or the file that \`--config\`
names. There must not be two of them. A service that it names is found from the file's own directory. The first lines of the log say which file
it was.

The file is code that runs as your user. So one that is found, not named, must be in a folder that nobody else can write to: folder and file
belong to you or root, and neither all users nor a group other than your own may write to them. Otherwise the command ends with status 2 and
says so; name the file with \`--config\` if you trust it.

\`\`\`ts
export default { service: './chat.ts', framing: 'line', threads: '2..24' };
\`\`\`
`;

const ENDING = `
## How the commands end

| status | when |
|---|---|
| 0 | the work is done; for \`heddle serve\`, after one SIGTERM or SIGINT: what had arrived was answered, as far as \`shutdownTimeout\` allowed |
| 1 | it could not start or go on: port in use, broken service, nobody to connect to |
| 2 | a wrong option, flag or command |
| 130, 143 | a second SIGINT (130) or SIGTERM (143) ended it at once |

The same signal again within 50 ms counts once: Ctrl-C under \`npm start\` arrives twice, from the terminal and from npm.
`;

/** Gives the whole page. */
export function optionsPage(): string {
  const serve = `\n## \`heddle serve\` and \`serve()\`\n\n${table(serveCommandSchema)}`;
  const client = `\n## \`heddle client\` and \`connect()\`\n\n${table(clientCommandSchema)}`;
  return `${INTRODUCTION}${serve}${FILE}${client}${ENDING}`;
}

function table(schema: Schema): string {
  const rows = aboutOptions(schema).map(({ name, help, form, preset, reach }) => {
    const onShell = reach !== 'library' && reach !== 'file';
    const names = onShell ? `\`${flagName(name)}\`<br>\`${environmentName(name)}\`` : '–';
    const value = onShell && form !== 'boolean' ? `\`${form}\`` : form;
    const text = WHERE[reach] === '' ? help : `${help} (${WHERE[reach]})`;
    return `| ${[`\`${name}\``, names, value, preset, text].map(cell).join(' | ')} |\n`;
  });
  return `| option | flag, variable | value | default | |\n|---|---|---|---|---|\n${rows.join('')}`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
