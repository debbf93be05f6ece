/* The clocks of a round: the wall, and the CPU time of the server, which is another process. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct clocks {
  uint64_t wall, cpu, messages;
  unsigned long user_ticks, system_ticks;
};

static void fail(const char *what) {
  fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
  exit(1);
}

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* The CPU clock of a process counts all its threads, dead ones too, in nanoseconds: clock_getcpuclockid(3). */
static uint64_t server_cpu(long pid) {
  clockid_t clock;
  struct timespec time;
  if (pid == 0) return 0;
  if ((errno = clock_getcpuclockid((pid_t)pid, &clock)) != 0) fail("clock_getcpuclockid");
  if (clock_gettime(clock, &time) < 0) fail("clock_gettime of the server");
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* proc(5): user and system time are fields 14 and 15; field 2, the name, may itself hold spaces and brackets. */
static void server_ticks(long pid, struct clocks *clocks) {
  char path[64], line[1024];
  if (pid == 0) return;
  snprintf(path, sizeof path, "/proc/%ld/stat", pid);
  FILE *file = fopen(path, "r");
  if (!file || !fgets(line, sizeof line, file)) fail(path);
  fclose(file);
  char *after_name = strrchr(line, ')');
  if (!after_name || sscanf(after_name + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
                            &clocks->user_ticks, &clocks->system_ticks) != 2) fail(path);
}

/* What all processes have used of the machine's CPUs, in nanoseconds: the first line of /proc/stat without what is idle, proc(5). */
static uint64_t machine_cpu(void) {
  unsigned long user, nice, system, irq, softirq, steal;
  FILE *file = fopen("/proc/stat", "r");
  if (!file || fscanf(file, "cpu %lu %lu %lu %*u %*u %lu %lu %lu", &user, &nice, &system, &irq, &softirq, &steal) != 6)
    fail("/proc/stat");
  fclose(file);
  return (uint64_t)(user + nice + system + irq + softirq + steal) * 1000000000u / (uint64_t)sysconf(_SC_CLK_TCK);
}

static struct clocks read_clocks(long pid, uint64_t messages) {
  struct clocks clocks = {0};
  server_ticks(pid, &clocks);
  clocks.messages = messages;
  clocks.cpu = server_cpu(pid);
  clocks.wall = now();
  return clocks;
}
