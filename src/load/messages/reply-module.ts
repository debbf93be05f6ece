/** Loads the module of `--expect MODULE`, and says where what is wrong with it is. */

import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { HeddleError } from '../../errors.ts';
import { defaultOf, importModule } from '../../options/module-file.ts';
import { whatAndWhere } from '../../thread/syntax-error-location.ts';
import type { Judgement, ReplyCheck } from './expected.ts';

/** Rejects with HEDDLE_INVALID_OPTION. What it gives throws that too, if the function fails or returns something else. */
export async function loadReplyCheck(href: string): Promise<ReplyCheck> {
  const path = fileURLToPath(href);
  const module = await importModule(new URL(href)).catch((cause: unknown) => {
    throw invalid(`--expect cannot load ${path}: ${whatAndWhere(cause, path)}`, cause);
  });
  const check = defaultOf(module);
  if (typeof check !== 'function')
    throw invalid(
      `--expect ${path} must export a function by default, such as export default (message, reply) => reply.equals(message), got ${inspect(check)}`,
    );
  const why = `${basename(path)} says that it is wrong`;
  return (message, reply) => {
    const judgement = judgementOf(check as ReplyCheck, message, reply, path);
    return judgement === false ? why : judgement;
  };
}

function judgementOf(check: ReplyCheck, message: Buffer, reply: Buffer, path: string): Judgement {
  let judgement: unknown;
  try {
    judgement = check(message, reply);
  } catch (cause) {
    throw invalid(`--expect ${path} failed: ${whatAndWhere(cause, path)}`, cause);
  }
  if (typeof judgement === 'boolean' || typeof judgement === 'string') return judgement;
  throw invalid(
    `--expect ${path} must return true if the reply is right, or false or a text that says why not, got ${inspect(judgement)}`,
  );
}

function invalid(text: string, cause?: unknown): HeddleError {
  return new HeddleError('HEDDLE_INVALID_OPTION', text, { cause });
}
