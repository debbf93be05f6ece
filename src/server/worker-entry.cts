/** What each thread of a server begins with: loads the module that `startWorker` names. */
const { workerData }: typeof import('node:worker_threads') = require('node:worker_threads');

const { module: path }: { readonly module: string } = workerData;
require(path);
