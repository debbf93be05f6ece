import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { loadReplyCheck } from '../../../src/load/messages/reply-module.ts';
import { testFolder } from '../../support/folder.ts';

function moduleOf(source: string, name = 'check.mjs'): { readonly href: string; readonly path: string } {
  const path = join(testFolder(), name);
  writeFileSync(path, source);
  return { path, href: pathToFileURL(path).href };
}

const [message, reply] = [Buffer.from('ab'), Buffer.from('ba')];

it('judges replies by the default export of a module', async () => {
  const source = 'export default (message, reply) => message.equals(reply) || (reply.length > 2 ? "too long" : false)';
  const check = await loadReplyCheck(moduleOf(source).href);
  expect(check(message, message)).toBe(true);
  expect(check(message, reply)).toBe('check.mjs says that it is wrong');
  expect(check(message, Buffer.from('abc'))).toBe('too long');
});

it('takes CommonJS and TypeScript', async () => {
  const common = await loadReplyCheck(moduleOf('module.exports = () => true;', 'check.cjs').href);
  expect(common(message, reply)).toBe(true);
  const typed = 'export default (message: Buffer): boolean => message.length === 2;';
  expect((await loadReplyCheck(moduleOf(typed, 'check.ts').href))(message, reply)).toBe(true);
});

it.each([
  ['export const check = 1;', /^--expect .*check\.mjs must export a function by default, .* got undefined$/],
  ["\nthrow new Error('no');", /^--expect cannot load .*check\.mjs: Error: no \(at .*check\.mjs:2\)$/],
])('refuses a module such as %j, and says where it is wrong', async (source, text) => {
  const loading = loadReplyCheck(moduleOf(source).href);
  await expect(loading).rejects.toMatchObject({ code: 'HEDDLE_INVALID_OPTION', message: expect.stringMatching(text) });
});

it('says where the function fails, or that it returns neither a boolean nor a text', async () => {
  const failing = moduleOf('export default (message) => {\n  if (message.length === 2) return message.none.at;\n};');
  const check = await loadReplyCheck(failing.href);
  const place = `(at ${failing.path}:2)`;
  expect(() => check(message, reply)).toThrow(place);
  expect(() => check(Buffer.from('a'), reply)).toThrow(/must return true if the reply is right, .* got undefined$/);
});
