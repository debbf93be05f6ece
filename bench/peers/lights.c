/* Clients that wait, in groups: light ones beside neighbours that keep the server's threads busy. Tells how long each group
 * waited in each window of time, and how late this program itself was.
 * Usage: lights port=N [pid=N] [ms=N] [lossy=0|1] [trace=FILE] group=NAME,key=value,... window=NAME,FROM,TO ...
 * The keys of a group: groups.h. With pid the CPU time of that process is told for each window. SIGTERM ends the time early.
 * With lossy=1 a client that is cut off is counted and comes back; without it that is an error.
 * Prints one line of JSON. Exit status: 0 all replies right, 1 something failed, 2 bad usage, 3 a reply was wrong. */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "groups.h"
#include "server-clock.h"
#include "client.h"
#include "hurry.h"
#include "waits.h"

enum { EVENTS = 1024, MOST = 16384, STALL_MS = 20000, GRACE_MS = 15000 };

static struct { long port, pid, ms, lossy; } options = {.ms = 10000};
static const char *trace_path;
static FILE *trace;
static struct client *clients;
static long count;
static int epoll, ending;
static struct waits (*waits)[WINDOWS];
static uint64_t late[WINDOWS], server_used[WINDOWS], others_used[WINDOWS];
static uint64_t checked, lost_waiting, lost_resting, started, next_due, next_beat, next_edge;
static volatile sig_atomic_t enough;

static void is_due(struct client *client, uint64_t at) {
  client->due_at = at;
  if (at < next_due) next_due = at;
}

static void come(struct client *client) {
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
  client->fd = dial(client, options.port);
  client->received = 0;
  client->waits = 0;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, client->fd, &event) < 0) fail("epoll_ctl");
}

static void leave(struct client *client) {
  close(client->fd);
  client->fd = -1;
}

/* A reply that was on its way when the connection ended is one that the client never got: it asks again. */
static void cut_off(struct client *client) {
  if (!options.lossy) {
    fprintf(stderr, "lights: the server closed a connection of %s\n", client->group->name);
    exit(1);
  }
  if (client->waits) lost_waiting++;
  else lost_resting++;
  leave(client);
  client->waits = 0;
  is_due(client, ending ? NEVER : now());
}

static void say(struct client *client) {
  char message[LENGTH], reply[LENGTH];
  client->round++;
  client->sent_at = now();
  if (client->fd < 0) come(client);
  client->received = 0;
  client->waits = 1;
  client->due_at = NEVER;
  write_message(client, message, reply);
  if (!client->group->visits) client->sent_at = now();
  ssize_t sent = send(client->fd, message, LENGTH, MSG_NOSIGNAL);
  if (sent < 0 && (errno == EPIPE || errno == ECONNRESET)) cut_off(client);
  else if (sent != LENGTH) fail("send");
}

static void record(struct client *client, uint64_t at) {
  if (trace)
    fprintf(trace, "%s %u %.3f %.3f\n", client->group->name, client->index, (double)(client->sent_at - started) / 1e6,
            (double)(at - client->sent_at) / 1e6);
  for (int i = 0; i < window_count; i++) {
    struct waits *own = &waits[client->group->number][i];
    uint64_t from = client->sent_at > windows[i].from ? client->sent_at : windows[i].from;
    if (at < windows[i].from || client->sent_at >= windows[i].to) continue;
    add_wait(own, at - from);
    if (at >= windows[i].to) continue;
    own->answered++;
    own->last = at - windows[i].from;
    client->turns[i]++;
  }
}

static void answered(struct client *client) {
  uint64_t at = now(), think = think_of(client), due = client->sent_at + think / 2 + chance(think);
  record(client, at);
  checked++;
  client->waits = 0;
  if (client->group->visits) leave(client);
  if (ending || (client->group->times > 0 && client->round >= client->group->times)) return;
  if (due <= at) say(client);
  else is_due(client, due < at ? at : due);
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

static void was_late(uint64_t at, uint64_t by) {
  for (int i = 0; i < window_count; i++)
    if (at >= windows[i].from && at < windows[i].to && by > late[i]) late[i] = by;
}

/* A new client connects first, and asks in a later turn: one connects in a turn, so that many at once do not make this program late. */
static void say_due(void) {
  int dialled = 0;
  next_due = NEVER;
  for (long i = 0; i < count; i++) {
    struct client *client = &clients[i];
    uint64_t at = client->due_at == NEVER ? 0 : now();
    if (client->due_at <= at && client->fd < 0) {
      if (dialled++) next_due = at;
      if (dialled > 1) continue;
      if (client->group->visits) {
        say(client);
      } else {
        uint64_t ask = started + (uint64_t)client->group->ask * MS + chance(think_of(client));
        come(client);
        is_due(client, ask > at ? ask : at);
      }
    } else if (client->due_at <= at) {
      if (client->group->kind == 'l') was_late(at, at - client->due_at);
      say(client);
    }
    if (client->due_at < next_due) next_due = client->due_at;
  }
}

/* This program is late by as much as its own beat of a millisecond is. */
static void beat(uint64_t at) {
  was_late(at, at - next_beat);
  next_beat = at + MS;
}

static uint64_t own_cpu(void) {
  struct timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* Reads the CPU clocks where a window begins or ends: the server's, and what neither it nor this program has used. */
static void pass_edges(uint64_t at) {
  for (uint64_t passed = next_edge; passed != NEVER && passed <= at; passed = next_edge) {
    uint64_t server = server_cpu(options.pid), others = machine_cpu() - server - own_cpu();
    next_edge = NEVER;
    for (int i = 0; i < window_count; i++) {
      if (windows[i].from == passed) server_used[i] = server, others_used[i] = others;
      if (windows[i].to == passed) server_used[i] = server - server_used[i], others_used[i] = others - others_used[i];
      if (windows[i].from > passed && windows[i].from < next_edge) next_edge = windows[i].from;
      if (windows[i].to > passed && windows[i].to < next_edge) next_edge = windows[i].to;
    }
  }
}

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }

static void wait_until(uint64_t until) {
  static struct epoll_event events[EVENTS];
  uint64_t at = now(), left = until > at ? until - at : 0;
  struct timespec timeout = {.tv_sec = (time_t)(left / 1000000000u), .tv_nsec = (long)(left % 1000000000u)};
  int ready = epoll_pwait2(epoll, events, EVENTS, &timeout, NULL);
  if (ready < 0 && errno != EINTR) fail("epoll_pwait2");
  for (int i = 0; i < ready; i++) receive(events[i].data.ptr);
}

static void talk(void) {
  uint64_t end = started + (uint64_t)options.ms * MS, answers = checked, answered_at = started;
  for (uint64_t at = now(); at < end && !enough; at = now()) {
    if (at >= next_edge) pass_edges(at);
    if (at >= next_beat) beat(at);
    if (at >= next_due) say_due();
    wait_until(least(least(end, next_edge), least(next_beat, next_due)));
    if (checked != answers) answers = checked, answered_at = at;
    if (at - answered_at < STALL_MS * MS) continue;
    fprintf(stderr, "lights: no reply for %d ms\n", STALL_MS);
    exit(1);
  }
  pass_edges(NEVER);
}

static int light_waits(void) {
  for (long i = 0; i < count; i++)
    if (clients[i].waits && clients[i].group->kind == 'l') return 1;
  return 0;
}

/* Nothing new is said; what was asked is still answered, and counts: a wait is not short because the run ends. */
static void finish(void) {
  ending = 1;
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

static void report_group(const struct group *group, int window) {
  const struct waits *own = &waits[group->number][window];
  uint32_t least_turns = UINT32_MAX, most_turns = 0;
  long waiting = 0;
  for (long i = 0; i < count; i++) {
    if (clients[i].group != group) continue;
    uint32_t turns = clients[i].turns[window];
    if (turns < least_turns) least_turns = turns;
    if (turns > most_turns) most_turns = turns;
    waiting += clients[i].waits;
  }
  printf("%s\"%s\":{\"taken\":%lu,\"answered\":%lu,\"medianUs\":%.1f,\"p99Us\":%.1f,\"p999Us\":%.1f,\"worstUs\":%.1f,"
         "\"leastTurns\":%u,\"mostTurns\":%u,\"lastUs\":%.1f,\"waiting\":%ld}",
         group->number == 0 ? "" : ",", group->name, (unsigned long)own->taken, (unsigned long)own->answered,
         quantile(own, 0.5), quantile(own, 0.99), quantile(own, 0.999), (double)own->worst / 1e3,
         group->clients == 0 ? 0 : least_turns, most_turns, (double)own->last / 1e3, waiting);
}

static void report(const char *priority) {
  printf("{\"checked\":%lu,\"lostWaiting\":%lu,\"lostResting\":%lu,\"priority\":\"%s\",\"windows\":{", (unsigned long)checked,
         (unsigned long)lost_waiting, (unsigned long)lost_resting, priority);
  for (int i = 0; i < window_count; i++) {
    printf("%s\"%s\":{\"lateUs\":%.1f,\"serverCpuMs\":%.3f,\"othersCpuMs\":%.0f,\"groups\":{", i == 0 ? "" : ",", windows[i].name,
           (double)late[i] / 1e3, (double)server_used[i] / 1e6, (double)(int64_t)others_used[i] / 1e6);
    for (int g = 0; g < group_count; g++) report_group(&groups[g], i);
    printf("}}");
  }
  printf("}}\n");
}

static void read_option(char *word) {
  static const struct { const char *name; long *value; } known[] = {
      {"port=", &options.port}, {"pid=", &options.pid}, {"ms=", &options.ms}, {"lossy=", &options.lossy}};
  if (strncmp(word, "trace=", 6) == 0) {
    trace_path = word + 6;
    return;
  }
  if (strncmp(word, "group=", 6) == 0) return read_group(word + 6);
  if (strncmp(word, "window=", 7) == 0) return read_window(word + 7);
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    size_t length = strlen(known[i].name);
    if (strncmp(word, known[i].name, length) != 0) continue;
    *known[i].value = atol(word + length);
    return;
  }
  refuse("unknown option", word);
}

static void make_clients(void) {
  for (int g = 0; g < group_count; g++) count += groups[g].clients;
  if (options.port < 1 || options.port > 65535 || count < 1 || count > MOST || window_count < 1)
    refuse("needs port, at least one window and client, at most 16384 clients", "usage");
  if (!(clients = calloc((size_t)count, sizeof *clients)) || !(waits = calloc(GROUPS, sizeof *waits))) fail("calloc");
  struct client *client = clients;
  for (int g = 0; g < group_count; g++)
    for (long i = 0; i < groups[g].clients; i++, client++)
      *client = (struct client){.group = &groups[g], .fd = -1, .id = (uint32_t)(client - clients), .index = (uint32_t)i,
                                .due_at = (uint64_t)groups[g].come * MS};
}

/* From here on, times are those of the clock. */
static void start(void) {
  started = now();
  next_beat = started + MS;
  next_due = next_edge = NEVER;
  for (int i = 0; i < window_count; i++) {
    windows[i].from = started + windows[i].from * MS;
    windows[i].to = started + windows[i].to * MS;
    next_edge = least(next_edge, windows[i].from);
  }
  for (long i = 0; i < count; i++) is_due(&clients[i], started + clients[i].due_at);
}

int main(int words, char **word) {
  for (int i = 1; i < words; i++) read_option(word[i]);
  make_clients();
  struct sigaction action = {.sa_handler = stop};
  sigaction(SIGTERM, &action, NULL);
  if (trace_path && !(trace = fopen(trace_path, "w"))) fail(trace_path);
  if ((epoll = epoll_create1(EPOLL_CLOEXEC)) < 0) fail("epoll_create1");
  const char *priority = hurry();
  start();
  talk();
  finish();
  report(priority);
  if (trace && fclose(trace) != 0) fail(trace_path);
}
