/** Gives junk for options to the library, the command line and the environment: it is taken, or refused in a sentence. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { clientCommandSchema, readClientCommand } from '../../../src/cli/client/client-command-options.ts';
import { readServeCommand, serveCommandSchema } from '../../../src/cli/serve-command-options.ts';
import { parseConnectOptions } from '../../../src/options/connect-options.ts';
import { parseServeOptions } from '../../../src/options/serve-options.ts';
import { environmentName } from '../../../src/options/source.ts';
import { target } from '../target.ts';
import { anything, optionsOf, text } from './junk.ts';
import { refusedWell } from './refusal.ts';

const directory = mkdtempSync(join(tmpdir(), 'heddle-fuzz-'));
process.once('exit', () => rmSync(directory, { recursive: true }));

const flags = optionsOf(fc.oneof(text, fc.constant(true)), serveCommandSchema, clientCommandSchema);
const given = fc.record({
  library: fc.oneof({ weight: 9, arbitrary: optionsOf(anything) }, { weight: 1, arbitrary: anything }),
  flags,
  environment: optionsOf(text, serveCommandSchema, clientCommandSchema),
});

/** Settings are options too, and mean the same. */
function again(settings: object, parse: (input: object) => object): void {
  assert.deepEqual(parse(settings), settings);
}

export const options = target(
  'options',
  'junk for options, in code, as flags and in the environment: taken, or refused in a sentence',
  fc.asyncProperty(given, async ({ library, flags: ofCommand, environment: variables }) => {
    for (const parse of [parseServeOptions, parseConnectOptions] as const) {
      const settings = await refusedWell(() => parse(library as object));
      if (settings !== undefined) again(settings, parse);
    }
    const environment = Object.fromEntries(
      Object.entries(variables).map(([name, value]) => [environmentName(name), value]),
    );
    for (const from of [
      { flags: ofCommand, environment: {} },
      { flags: {}, environment },
      { flags: ofCommand, environment },
    ]) {
      await refusedWell(() => readServeCommand({ service: undefined, directory, ...from }));
      await refusedWell(() => readClientCommand(from.flags, from.environment));
    }
  }),
);
