/** The builds of Heddle that are measured: the one of this checkout, and an older one beside it. */
import { cpSync, existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Build {
  /** What its servers are called in a table. */
  readonly title: string;
  /** The file of the command. */
  readonly main: string;
  /** The folder of the benchmark's services, which import this build. */
  readonly services: string;
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SERVICES = fileURLToPath(new URL('../services', import.meta.url));
/** What services import beside Heddle; an older build need not have them. */
const LIBRARIES = ['aedes', 'ws'];

function commandOf(root: string): string {
  const main = join(root, 'dist/cli/main.js');
  if (!existsSync(main)) throw new Error(`${main} is not there; run npm run build in ${root}`);
  return main;
}

export function thisBuild(): Build {
  return { title: 'Heddle', main: commandOf(ROOT), services: SERVICES };
}

/** The folder of the package `name` as files in `root` find it. */
function packageOf(root: string, name: string): string {
  const folders = createRequire(join(root, 'package.json')).resolve.paths(name) ?? [];
  const found = folders.map((folder) => join(folder, name)).find((folder) => existsSync(folder));
  if (found === undefined) throw new Error(`${root} has no package ${name}; run npm ci there`);
  return found;
}

/**
 * Finds the build in `path`: a checkout, an installed package, or the `dist` of one. Its services are copied into `folder`, where
 * `import 'heddle'` finds this build and no other.
 */
export function oldBuild(path: string, folder: string): Build {
  const root = basename(resolve(path)) === 'dist' ? dirname(resolve(path)) : resolve(path);
  const main = commandOf(root);
  const home = join(folder, 'old');
  const services = join(home, 'services');
  if (!existsSync(services)) {
    mkdirSync(join(home, 'node_modules'), { recursive: true });
    symlinkSync(root, join(home, 'node_modules/heddle'));
    symlinkSync(packageOf(root, 'koffi'), join(home, 'node_modules/koffi'));
    for (const name of LIBRARIES) symlinkSync(packageOf(ROOT, name), join(home, 'node_modules', name));
    cpSync(SERVICES, services, { recursive: true });
  }
  return { title: 'Heddle before', main, services };
}
