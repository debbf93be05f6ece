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

After reading this page you can set every option of the command and the library: in code, as a flag, in the environment
or in a config file.

\`\`\`ts
// heddle.config.ts
export default { service: './chat.ts', framing: 'line', threads: '2..24' };
\`\`\`

An option has one name everywhere: \`serve({ maxMessageLength })\` in code, \`--max-message-length\` as a flag,
\`HEDDLE_MAX_MESSAGE_LENGTH\` in the environment, \`maxMessageLength\` in \`heddle.config.ts\`, \`.js\`, \`.mjs\` or \`.json\`.
Flags beat the environment, the environment beats the file, the file beats the defaults.

A duration is a number of milliseconds, or text: \`250ms\`, \`30s\`, \`5m\`, \`1h\`, and \`never\` (in code also \`Infinity\`)
where that makes sense. A size is a number of bytes, or text: \`512B\`, \`64KiB\`, \`1MiB\`, \`2GiB\`. A list is an array, or
text with commas between the parts. The flag of a list may also be given several times.

Heddle refuses an unknown or bad option before anything starts. The error names the option as it was given:
\`options.threads must be a positive integer, got -1\` in code (a \`HeddleError\` with code \`HEDDLE_INVALID_OPTION\`). On the
command line it says \`--threads must be …\`, \`HEDDLE_THREADS must be …\` or \`threads in heddle.config.json must be …\`, and
the exit status is 2.
`;

const FILE = `
## The config file

\`heddle serve\` reads \`heddle.config.ts\`, \`.js\`, \`.mjs\` or \`.json\` from its working directory, or the file that
\`--config\` names. Two such files in one directory are refused. A path of a service in the file is relative to the file. The
first lines of the log name the file.

The file is code that runs as your user. So a file that Heddle found by itself must be in a folder that nobody else can
write to: you or root own the folder and the file, and no other user and no group other than your own may write to them.
Otherwise the command says so and ends with status 2. If you trust the file, name it with \`--config\`.
`;

const ENDING = `
## How the commands end

| status | when |
|---|---|
| 0 | the work is done; for \`heddle serve\`, a graceful shutdown after one SIGTERM or SIGINT, within \`shutdownTimeout\` |
| 1 | the command could not start or go on: port in use, broken service, nobody to connect to |
| 2 | a wrong option, flag or command |
| 130, 143 | a second SIGINT (130) or SIGTERM (143) ended the command at once |

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
