/** Loads koffi: on the first thread through its package, on the others as the one native file that the package has found. */
import { createRequire } from 'node:module';
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';

/** For koffi, which is loaded only where and when it is needed. */
const require = createRequire(import.meta.url);

export type Koffi = typeof import('koffi').default;

const KEY = 'heddle: the native file of koffi';

/** Gives koffi. The package takes a thread 4 ms to load and a tenth of that is the native file. Throws where it is not installed. */
export function loadKoffi(): Koffi {
  const known = getEnvironmentData(KEY);
  if (typeof known === 'string') return require(known);
  const koffi: Koffi = require('koffi');
  const file = Object.values(require.cache).find((module) => isNativeOf(koffi, module))?.filename;
  if (file !== undefined) setEnvironmentData(KEY, file);
  return koffi;
}

/** There may be another version of koffi, which the user has loaded. */
function isNativeOf(koffi: Koffi, module: NodeJS.Module | undefined): boolean {
  return module !== undefined && module.filename.endsWith('.node') && module.exports.load === koffi.load;
}
