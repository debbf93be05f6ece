/** Imports a `.js`, `.mjs` or `.ts` file of the user's: what Node cannot run of TypeScript, jiti does. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Imports the module at `url`. Throws whatever the module, or its syntax, throws. */
export async function importModule(url: URL): Promise<unknown> {
  if (!/\.[cm]?ts$/.test(url.pathname)) return import(url.href);
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
