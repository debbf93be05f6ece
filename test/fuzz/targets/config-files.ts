/** Writes junk into config files, JSON and modules: it is taken, or refused in a sentence. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { readServeCommand, serveCommandSchema } from '../../../src/cli/serve-command-options.ts';
import { target } from '../target.ts';
import { optionsOf, plain } from './junk.ts';
import { refusedWell } from './refusal.ts';

const directory = mkdtempSync(join(tmpdir(), 'heddle-fuzz-'));
process.once('exit', () => rmSync(directory, { recursive: true }));

const change = fc.record({
  at: fc.nat(200),
  remove: fc.nat(4),
  insert: fc.oneof(
    fc.constantFrom('{', '}', '"', ',', ':', '[', 'null', '\\u0000', '\uFEFF', '\n'),
    fc.nat(0x2fff).map((code) => String.fromCharCode(code)),
  ),
});
/** The text of a file, or its bytes where it is none. */
const written = fc
  .record({
    value: fc.oneof({ weight: 9, arbitrary: optionsOf(plain, serveCommandSchema) }, { weight: 1, arbitrary: plain }),
    changes: fc.oneof(fc.constant([]), fc.array(change, { maxLength: 3 })),
  })
  .map(({ value, changes }) => {
    let json = JSON.stringify(value);
    for (const { at, remove, insert } of changes) json = json.slice(0, at) + insert + json.slice(at + remove);
    return json;
  });
const KINDS = ['json', 'mjs', 'ts'] as const;
type Kind = (typeof KINDS)[number];
const kind = fc.oneof(
  { weight: 40, arbitrary: fc.constant<Kind>('json') },
  { weight: 1, arbitrary: fc.constantFrom<Kind>('mjs', 'ts') },
);
const head = fc.constantFrom('export default ', 'export default ', 'export const a = ', 'throw ', '');

let files = 0;

export const configFiles = target(
  'config-files',
  'junk in config files, JSON and modules: taken, or refused in a sentence',
  fc.asyncProperty(written, kind, head, async (body, ending, before) => {
    // A module is read once: each has a name of its own.
    const name = ending === 'json' ? 'options.json' : `options-${files++}.${ending}`;
    const file = join(directory, name);
    writeFileSync(file, ending === 'json' ? body : before + body);
    const invocation = { service: undefined, flags: { config: name }, environment: {}, directory };
    await refusedWell(() => readServeCommand(invocation));
    if (ending !== 'json') rmSync(file);
  }),
);
