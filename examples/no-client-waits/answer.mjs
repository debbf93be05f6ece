// What both servers do with a line: most are answered at once, `work` keeps the thread for 200 ms.

const WORK_MS = 200;

export function answer(line) {
  if (line === 'work') for (const end = performance.now() + WORK_MS; performance.now() < end; );
  return `done: ${line}`;
}
