/* Clients that wait: light ones, which each say a line every few milliseconds, beside burners, which each ask in a closed
 * loop for a message that costs the server CPU time. Tells how long the light ones waited, and how late it was itself.
 * Usage: lights key=value...: port, lights, burners, burn (ms of CPU), think (ms), warm (ms), ms, lossy (0|1), trace=FILE.
 * SIGTERM ends the measured time early. With lossy=1 a client that is cut off is counted and comes back; without it that is an error.
 * Prints one line of JSON. Exit status: 0 all replies right, 1 something failed, 2 bad usage, 3 a reply was wrong. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { LENGTH = 64, NONCE = 16, HEAD = 6, EVENTS = 1024, SOURCES = 8, MOST = 16384, STALL_MS = 20000, GRACE_MS = 15000 };
static const uint64_t MS = 1000000, NEVER = UINT64_MAX;

struct client {
  int fd, burns, waits;
  uint32_t id, round;
  size_t received;
  uint64_t sent_at, due_at;
};

static struct { long port, lights, burners, burn, think, warm, ms, lossy; } options =
    {.lights = 32, .burn = 200, .think = 10, .warm = 5000, .ms = 10000};
static const char *trace_path;
static FILE *trace;
static struct client *clients;
static long count;
static int epoll;
static uint64_t *waits, taken, room, warm_worst, late_worst, checked, burns, lost_waiting, lost_resting, started;
static volatile sig_atomic_t enough;
static enum { WARMING, MEASURING, ENDING } phase;

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void fail(const char *what) {
  fprintf(stderr, "lights: %s: %s\n", what, strerror(errno));
  exit(1);
}

/* xorshift64: light clients must not march in step. */
static uint64_t chance(uint64_t below) {
  static uint64_t state = 0x9e3779b97f4a7c15u;
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return below == 0 ? 0 : state % below;
}

/* `l` or `b`, five digits of milliseconds to burn, 16 hexadecimal digits that are this client's and this round's alone,
 * letters that change with them, a newline. The reply is the same line reversed. */
static void write_message(const struct client *client, char *message, char *reply) {
  size_t body = LENGTH - 1;
  uint64_t nonce = ((uint64_t)client->id << 40) | client->round;
  snprintf(message, LENGTH, "%c%05ld%016lx", client->burns ? 'b' : 'l', client->burns ? options.burn : 0, (unsigned long)nonce);
  for (size_t i = HEAD + NONCE; i < body; i++) message[i] = (char)('a' + (client->round + client->id + i) % 26);
  message[body] = reply[body] = '\n';
  for (size_t i = 0; i < body; i++) reply[i] = message[body - 1 - i];
}

/* Several source addresses, so that runs one after another do not use up the ports of one. */
static int connect_from(unsigned source) {
  struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + source % SOURCES)};
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  to.sin_port = htons((uint16_t)options.port);
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (bind(fd, (struct sockaddr *)&from, sizeof from) < 0) fail("bind");
  if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0) fail("connect");
  return fd;
}

static void come(struct client *client, uint64_t due_at) {
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
  client->fd = connect_from(client->id);
  client->received = 0;
  client->waits = 0;
  client->due_at = due_at;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, client->fd, &event) < 0) fail("epoll_ctl");
}

/* A reply that was on its way when the connection ended is one that the client never got: it asks again. */
static void cut_off(struct client *client) {
  if (!options.lossy) {
    fprintf(stderr, "lights: the server closed a connection\n");
    exit(1);
  }
  if (client->waits) lost_waiting++;
  else lost_resting++;
  close(client->fd);
  come(client, phase == ENDING ? NEVER : now());
}

static void say(struct client *client) {
  char message[LENGTH], reply[LENGTH];
  client->round++;
  client->received = 0;
  client->waits = 1;
  client->due_at = NEVER;
  write_message(client, message, reply);
  client->sent_at = now();
  ssize_t sent = send(client->fd, message, LENGTH, MSG_NOSIGNAL);
  if (sent < 0 && (errno == EPIPE || errno == ECONNRESET)) cut_off(client);
  else if (sent != LENGTH) fail("send");
}

static void record(const struct client *client, uint64_t at) {
  uint64_t wait = at - client->sent_at;
  if (trace && phase != WARMING)
    fprintf(trace, "%s %u %.3f %.3f\n", client->burns ? "burn" : "light", client->id,
            ((double)client->sent_at - (double)started) / 1e6, (double)wait / 1e6);
  if (client->burns) {
    burns += phase == MEASURING;
  } else if (phase == WARMING) {
    if (wait > warm_worst) warm_worst = wait;
  } else {
    if (taken == room && !(waits = realloc(waits, (room = room * 2 + 65536) * sizeof *waits))) fail("realloc");
    waits[taken++] = wait;
  }
}

static void answered(struct client *client) {
  uint64_t at = now(), think = (uint64_t)options.think * MS;
  record(client, at);
  checked++;
  client->waits = 0;
  client->due_at = client->burns ? at : client->sent_at + think / 2 + chance(think);
  if (client->due_at < at) client->due_at = at;
}

static void receive(struct client *client) {
  char incoming[LENGTH + 1], message[LENGTH], reply[LENGTH];
  ssize_t got = recv(client->fd, incoming, sizeof incoming, MSG_DONTWAIT);
  if (got < 0 && errno == EAGAIN) return;
  if (got == 0 || (got < 0 && errno == ECONNRESET)) return cut_off(client);
  if (got < 0) fail("recv");
  write_message(client, message, reply);
  size_t end = client->received + (size_t)got;
  if (!client->waits || end > LENGTH || memcmp(incoming, reply + client->received, (size_t)got) != 0) {
    fprintf(stderr, "lights: client %u got a wrong reply in round %u, from byte %zu\nexpected: %.*sreceived: %.*s\n",
            client->id, client->round, client->received, LENGTH, reply, (int)got, incoming);
    exit(3);
  }
  client->received = end;
  if (end == LENGTH) answered(client);
}

/* Says what is due, and returns when the next line is. */
static uint64_t say_due(void) {
  uint64_t next = NEVER;
  for (long i = 0; i < count; i++) {
    struct client *client = &clients[i];
    uint64_t at = client->due_at == NEVER ? 0 : now();
    if (at >= client->due_at && phase != ENDING) {
      if (phase == MEASURING && !client->burns && at - client->due_at > late_worst) late_worst = at - client->due_at;
      say(client);
    }
    if (client->due_at < next) next = client->due_at;
  }
  return next;
}

static void wait_until(uint64_t until) {
  static struct epoll_event events[EVENTS];
  uint64_t at = now(), left = until > at ? until - at : 0;
  struct timespec timeout = {.tv_sec = (time_t)(left / 1000000000u), .tv_nsec = (long)(left % 1000000000u)};
  int ready = epoll_pwait2(epoll, events, EVENTS, &timeout, NULL);
  if (ready < 0 && errno != EINTR) fail("epoll_pwait2");
  for (int i = 0; i < ready; i++) receive(events[i].data.ptr);
}

static void run_for(long milliseconds) {
  uint64_t end = now() + (uint64_t)milliseconds * MS, answers = checked, answered_at = now();
  while (now() < end && !enough) {
    uint64_t next = say_due();
    wait_until(next < end ? next : end);
    if (checked != answers) answers = checked, answered_at = now();
    if (now() - answered_at < STALL_MS * MS) continue;
    fprintf(stderr, "lights: no reply for %d ms\n", STALL_MS);
    exit(1);
  }
}

static int light_waits(void) {
  for (long i = 0; i < count; i++)
    if (clients[i].waits && !clients[i].burns) return 1;
  return 0;
}

/* Nothing new is said; what was asked is still answered, and counts: a wait is not short because the run ends. */
static void finish(void) {
  phase = ENDING;
  for (uint64_t end = now() + GRACE_MS * MS; light_waits();) {
    if (now() > end) {
      fprintf(stderr, "lights: a light client got no reply within %d ms of the end\n", GRACE_MS);
      exit(1);
    }
    wait_until(now() + 10 * MS);
  }
}

static void stop(int signal) {
  (void)signal;
  enough = 1;
}

/* The generator is not what is measured: it runs before all others where it may, and else with the shortest slice, which
 * lets it run soon after it wakes (sched_setattr(2), Linux 6.12). */
static const char *hurry(void) {
  struct { uint32_t size, policy; uint64_t flags; int32_t nice; uint32_t priority; uint64_t runtime, deadline, period; }
      attributes = {.size = 48, .runtime = 100000};
  prctl(PR_SET_TIMERSLACK, 1);
  int nice = setpriority(PRIO_PROCESS, 0, -20) == 0;
  attributes.nice = nice ? -20 : getpriority(PRIO_PROCESS, 0);
  int slice = syscall(SYS_sched_setattr, 0, &attributes, 0) == 0;
  return nice ? "nice -20" : slice ? "slice 0.1 ms" : "none";
}

static int ascending(const void *a, const void *b) {
  uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
  return (left > right) - (left < right);
}

static double quantile_us(double part) {
  if (taken == 0) return 0;
  uint64_t index = (uint64_t)(part * (double)taken);
  return (double)waits[index < taken ? index : taken - 1] / 1e3;
}

static void report(const char *priority) {
  qsort(waits, taken, sizeof *waits, ascending);
  printf("{\"checked\":%lu,\"measured\":%lu,\"medianUs\":%.1f,\"p99Us\":%.1f,\"p999Us\":%.1f,\"worstUs\":%.1f,"
         "\"warmWorstUs\":%.1f,\"lateUs\":%.1f,\"burns\":%lu,\"lostWaiting\":%lu,\"lostResting\":%lu,\"priority\":\"%s\"}\n",
         (unsigned long)checked, (unsigned long)taken, quantile_us(0.5), quantile_us(0.99), quantile_us(0.999),
         quantile_us(1), (double)warm_worst / 1e3, (double)late_worst / 1e3, (unsigned long)burns,
         (unsigned long)lost_waiting, (unsigned long)lost_resting, priority);
}

static void read_option(const char *word) {
  static const struct { const char *name; long *value; } known[] = {
      {"port", &options.port},   {"lights", &options.lights}, {"burners", &options.burners}, {"burn", &options.burn},
      {"think", &options.think}, {"warm", &options.warm},     {"ms", &options.ms},           {"lossy", &options.lossy}};
  if (strncmp(word, "trace=", 6) == 0) {
    trace_path = word + 6;
    return;
  }
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    size_t length = strlen(known[i].name);
    if (strncmp(word, known[i].name, length) != 0 || word[length] != '=') continue;
    *known[i].value = atol(word + length + 1);
    return;
  }
  fprintf(stderr, "lights: unknown option %s\n", word);
  exit(2);
}

static void check_options(void) {
  count = options.lights + options.burners;
  if (options.port > 0 && options.port < 65536 && options.lights > 0 && options.burners >= 0 && count <= MOST &&
      options.burn >= 0 && options.burn < 100000 && options.think >= 0 && options.warm >= 0 && options.ms > 0) return;
  fprintf(stderr, "lights: needs port, lights > 0, burners >= 0, burn 0..99999, think >= 0, warm >= 0, ms > 0\n");
  exit(2);
}

static void come_all(void) {
  uint64_t at = now(), think = (uint64_t)options.think * MS;
  if (!(clients = calloc((size_t)count, sizeof *clients))) fail("calloc");
  for (long i = 0; i < count; i++) {
    clients[i].id = (uint32_t)i;
    clients[i].burns = i >= options.lights;
    come(&clients[i], at + chance(think));
  }
}

int main(int words, char **word) {
  for (int i = 1; i < words; i++) read_option(word[i]);
  check_options();
  struct sigaction action = {.sa_handler = stop};
  sigaction(SIGTERM, &action, NULL);
  if (trace_path && !(trace = fopen(trace_path, "w"))) fail(trace_path);
  if ((epoll = epoll_create1(EPOLL_CLOEXEC)) < 0) fail("epoll_create1");
  const char *priority = hurry();
  come_all();
  run_for(options.warm);
  phase = MEASURING;
  started = now();
  run_for(options.ms);
  finish();
  report(priority);
  if (trace && fclose(trace) != 0) fail(trace_path);
}
