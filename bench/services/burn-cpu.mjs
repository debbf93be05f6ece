// Burns CPU time: 200 ms of it take longer on a machine that has other work, as they would in a real handler.
import koffi from 'koffi';

const CLOCK_THREAD_CPUTIME_ID = 3;
const clockGettime = koffi.load('libc.so.6').func('int clock_gettime(int, void *)');
const time = new BigInt64Array(2);

/** The CPU time of this thread alone, in ms. Node 20 itself tells only that of the whole process. */
function threadCpu() {
  clockGettime(CLOCK_THREAD_CPUTIME_ID, time);
  return Number(time[0]) * 1_000 + Number(time[1]) / 1e6;
}

let value = 1;

/** Computes until this thread has used `ms` of CPU time. */
export function burn(ms) {
  const end = threadCpu() + ms;
  while (threadCpu() < end) for (let i = 0; i < 20_000; i++) value = (Math.imul(value, 1_664_525) + 1_013_904_223) | 0;
}
