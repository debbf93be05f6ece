import { describe, expect, it } from 'vitest';
import { threadLimit, tooFewThreads } from '../../src/sys/thread-limit.ts';

const LIMITS = 'Limit                     Soft Limit           Hard Limit           Units\nMax processes             ';
const files = (texts: Readonly<Record<string, string>>) => (path: string) => texts[path];

describe('the limit of threads', () => {
  it('is that of the control group which is full, or of one around it', () => {
    const read = files({
      '/proc/self/cgroup': '0::/system.slice/app.service\n',
      '/proc/self/limits': `${LIMITS}96365                96365                processes\n`,
      '/sys/fs/cgroup/system.slice/app.service/pids.max': 'max\n',
      '/sys/fs/cgroup/system.slice/app.service/pids.current': '20\n',
      '/sys/fs/cgroup/system.slice/pids.max': '24\n',
      '/sys/fs/cgroup/system.slice/pids.current': '24\n',
    });
    expect(threadLimit(read)).toMatch(/^pids\.max of its control group is 24\. Raise it, with TasksMax=/);
  });

  it('is that of the user where no group is full', () => {
    const read = files({
      '/proc/self/cgroup': '4:pids:/app\n',
      '/proc/self/limits': `${LIMITS}200                  200                  processes\n`,
      '/sys/fs/cgroup/pids/app/pids.max': '24\n',
      '/sys/fs/cgroup/pids/app/pids.current': '9\n',
    });
    expect(threadLimit(read)).toMatch(/^its user may have 200 processes and threads\. Allow more, with ulimit -u 400 /);
  });

  it('is one of the system where neither can be told', () => {
    const read = files({ '/proc/self/limits': `${LIMITS}unlimited            unlimited            processes\n` });
    expect(threadLimit(read)).toMatch(/^a limit of processes and threads is reached \(kernel\.threads-max, /);
    expect(threadLimit(files({}))).toMatch(/^a limit of processes/);
  });

  it('is named by the error that Node gives no thread with, and by no other', () => {
    const error = Object.assign(new Error('EAGAIN'), { code: 'ERR_WORKER_INIT_FAILED' });
    expect(tooFewThreads(error)).toMatchObject({ code: 'HEDDLE_UNSUPPORTED', errno: 'EAGAIN', cause: error });
    expect(tooFewThreads(new Error('EAGAIN'))).toBeUndefined();
  });
});
