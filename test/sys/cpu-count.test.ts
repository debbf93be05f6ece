import { describe, expect, it } from 'vitest';
import { cpuCount, cpuQuota } from '../../src/sys/cpu-count.ts';

const quotaOf = (files: Readonly<Record<string, string>>): number => cpuQuota((path) => files[path]);

describe('the CPU quota of a process', () => {
  it.each([
    ['nothing is known', {}, Infinity],
    ['its group has none', { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': 'max 100000\n' }, Infinity],
    ['its group has one', { '/proc/self/cgroup': '0::/a/b\n', '/sys/fs/cgroup/a/b/cpu.max': '150000 100000\n' }, 1.5],
    [
      'a group around it has less',
      {
        '/proc/self/cgroup': '0::/a/b\n',
        '/sys/fs/cgroup/a/b/cpu.max': '400000 100000\n',
        '/sys/fs/cgroup/a/cpu.max': '50000 100000\n',
        '/sys/fs/cgroup/cpu.max': 'max 100000\n',
      },
      0.5,
    ],
    [
      'its path is that outside of its container',
      { '/proc/self/cgroup': '0::/docker/1\n', '/sys/fs/cgroup/cpu.max': '100000 100000\n' },
      1,
    ],
    [
      'its group is of version 1',
      {
        '/proc/self/cgroup': '3:memory:/x\n2:cpu,cpuacct:/a\n0::/\n',
        '/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us': '200000\n',
        '/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us': '100000\n',
      },
      2,
    ],
    [
      'its group of version 1 has none',
      {
        '/proc/self/cgroup': '1:cpu:/\n',
        '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
        '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
      },
      Infinity,
    ],
    [
      'a line makes no sense',
      { '/proc/self/cgroup': 'x\n0:\n', '/sys/fs/cgroup/cpu.max': '100000 100000\n' },
      Infinity,
    ],
    ['a quota makes no sense', { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': '0 0\n' }, Infinity],
  ])('where %s', (_name, files, quota) => {
    expect(quotaOf(files)).toBe(quota);
  });
});

it('there is at least one CPU', () => {
  expect(cpuCount()).toBeGreaterThanOrEqual(1);
});
