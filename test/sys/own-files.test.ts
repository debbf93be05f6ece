import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { requireOwnFiles } from '../../src/sys/own-files.ts';
import { testFolder } from '../support/folder.ts';

it('a bundle, which has no files for threads beside it, is told what to do', () => {
  const bundle = join(testFolder(), 'bundle.js');
  for (const listeners of [pathToFileURL(bundle).href, undefined])
    expect(() => requireOwnFiles(listeners)).toThrow(
      expect.objectContaining({
        code: 'HEDDLE_UNSUPPORTED',
        message: expect.stringMatching(
          /^Heddle cannot start threads from a bundle: there is no .*epoll-thread\.cjs\. Leave it out of the bundle \(esbuild --external:heddle\), and install it beside$/,
        ),
      }),
    );
});
