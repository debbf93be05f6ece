/** Used to import a `.js`, `.mjs` or `.ts` file of the user's: what Node cannot run of TypeScript, jiti does. */

/** Imports the module at `url`. Throws whatever the module, or its syntax, throws. */
export async function importModule(url: URL): Promise<unknown> {
  if (!/\.[cm]?ts$/.test(url.pathname)) return import(url.href);
  if (!runsTypeScript()) return importThroughJiti(url);
  try {
    return await import(url.href);
  } catch (error) {
    const beyondStripping =
      error instanceof Error && 'code' in error && error.code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX';
    if (beyondStripping) return importThroughJiti(url);
    throw error;
  }
}

function runsTypeScript(): boolean {
  return 'typescript' in process.features && Boolean(process.features.typescript);
}

async function importThroughJiti(url: URL): Promise<unknown> {
  const { createJiti } = await import('jiti');
  return createJiti(url.href, { interopDefault: false }).import(url.href);
}
