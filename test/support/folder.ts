/** A folder of a test's own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Makes a folder that is removed with all that is in it at the end of the test. */
export function testFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
