/** Imports a `.js`, `.mjs` or `.ts` file of the user's: what Node cannot run of TypeScript, jiti does. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { types } from 'node:util';

/*
 * Before Node 24, `import()` takes several turns of the event loop and of the pool that reads files, and loads more of Node: it costs
 * a thread 6 ms of CPU, where `require` of the same module costs 1 ms. A module with a top-level `await` cannot be required. It has
 * not been run when `require` says so, and is imported then.
 */
const require = createRequire(import.meta.url);
const IMPORT_IS_SLOW = Number.parseInt(process.versions.node) < 24;

/** The user may have Node load hooks, which change what `import()` gives. Those that Node calls in another thread see no `require`. */
const HOOKS = /(?:^|\s)--(?:import|loader|experimental-loader)\b/;

/** Where a stack says that `requireModule` was called: what comes behind it is not of the module that was loaded. */
const CALL_OF_REQUIRE = /\n\s+at (?:async )?requireModule\b[^]*/;

/** Imports the module at `url`, whose default export is `default` of what this gives. Throws whatever the module, or its syntax, throws. */
export async function importModule(url: URL): Promise<unknown> {
  if (!/\.[cm]?ts$/.test(url.pathname)) return canRequire(url) && !hasHooks() ? requireModule(url) : import(url.href);
  if (!runsTypeScript()) return importThroughJiti(url);
  try {
    return await import(url.href);
  } catch (error) {
    if (isBeyondNode(error)) return importThroughJiti(url);
    throw error;
  }
}

/** What a module exports by default. One of CommonJS that was compiled from an ES module has that inside its `exports`. */
export function defaultOf(module: unknown): unknown {
  const exported = (module as { readonly default?: unknown }).default;
  const isCompiled = typeof exported === 'object' && exported !== null && '__esModule' in exported;
  return isCompiled && 'default' in exported ? exported.default : exported;
}

/** Gives the part of a stack, of what `importModule` has thrown, that is the module's own. */
export function stackOfModule(stack: string): string {
  return stack.replace(CALL_OF_REQUIRE, '');
}

async function requireModule(url: URL): Promise<unknown> {
  try {
    const exported: unknown = require(fileURLToPath(url));
    return types.isModuleNamespaceObject(exported) ? exported : { default: exported };
  } catch (error) {
    if (cannotBeRequired(error)) return import(url.href);
    throw error;
  }
}

/** A `?` or `#` behind the path makes a module of its own. */
function canRequire({ protocol, pathname, search, hash }: URL): boolean {
  return (IMPORT_IS_SLOW || pathname.endsWith('.cjs')) && protocol === 'file:' && search === '' && hash === '';
}

function hasHooks(): boolean {
  return HOOKS.test([...process.execArgv, process.env['NODE_OPTIONS'] ?? ''].join(' '));
}

function cannotBeRequired(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_REQUIRE_');
}

function runsTypeScript(): boolean {
  return 'typescript' in process.features && Boolean(process.features.typescript);
}

/** TypeScript that is more than JavaScript with types, or that imports `./x.js` where there is a `./x.ts`. */
function isBeyondNode(error: unknown): boolean {
  const { code, url = '' } = error as { readonly code?: unknown; readonly url?: string };
  if (code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX') return true;
  return code === 'ERR_MODULE_NOT_FOUND' && url.startsWith('file:') && existsSync(sourceOf(fileURLToPath(url)));
}

/** `dep.js` → `dep.ts`. */
function sourceOf(path: string): string {
  return path.replace(/\.([cm]?)js$/, '.$1ts');
}

async function importThroughJiti(url: URL): Promise<unknown> {
  const { createJiti } = await import('jiti');
  return createJiti(url.href, { interopDefault: false }).import(url.href);
}
