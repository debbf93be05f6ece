/* The load: N clients in a closed loop, each with D messages of M bytes under way, every reply checked byte for byte.
 * Reads the CPU clock of the server itself, at the start and at the end of the measured time.
 * Usage: load key=value...: port, clients, bytes, depth, lines (0|1), head (0|4), pid. Its clients stay connected until its input ends;
 * for each line of that, "WARM MS", they talk for so many ms, then measured for so many more, and it prints one line of JSON.
 * Compiled with -DTLS it speaks TLS 1.3, and trusts any server.
 * Exit status: 0 all replies right, 1 something failed, 2 bad usage, 3 a reply was wrong. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server-clock.h"
#include "wire.h"

enum { HEAD = 4, EVENTS = 1024, NONCE = 16, RING = 26, SOURCES = 8, BUCKETS = 64 * 16, STALL_MS = 10000 };

struct options {
  long port, clients, bytes, depth, lines, head, pid;
};

struct client {
  struct wire wire;
  uint32_t id, round;
  size_t received;
  uint64_t sent_at;
};

static struct options options = {.clients = 64, .bytes = 64, .depth = 1};
static struct client *clients;
static unsigned char *forward, *backward, *outgoing, *expected, *incoming;
static uint64_t messages, latencies[BUCKETS], worst;
static int measuring, stopping;
static long waiting; /* Clients without their whole reply. */

static void make_rings(void) {
  size_t length = (size_t)options.bytes, batch = length * (size_t)options.depth;
  forward = malloc(RING + length);
  backward = malloc(RING + length);
  outgoing = malloc(batch);
  expected = malloc(batch);
  incoming = malloc(batch + 1);
  if (!forward || !backward || !outgoing || !expected || !incoming) fail("malloc");
  for (size_t i = 0; i < RING + length; i++) forward[i] = (unsigned char)('a' + i % RING);
  for (size_t i = 0; i < RING + length; i++) backward[i] = forward[RING + length - 1 - i];
}

/* A message: 16 hexadecimal digits that are this client's, this round's and this place's alone, then letters from a
 * place in the alphabet that changes with them; with lines=1 a newline is its last byte, of the reply too. With head=4 its
 * length comes before it, in four bytes, the highest first. */
static void write_message(const struct client *client, size_t place, unsigned char *message, unsigned char *reply) {
  static const char digits[] = "0123456789abcdef";
  size_t length = (size_t)(options.bytes - options.lines - options.head), body = length - NONCE;
  for (long i = 0; i < options.head; i++, message++, reply++)
    *message = *reply = (unsigned char)(length >> (8 * (options.head - 1 - i)));
  uint64_t nonce = ((uint64_t)client->id << 40) | ((uint64_t)client->round << 8) | (place & 0xff);
  size_t turn = (client->round + client->id + place) % RING;
  for (size_t i = 0; i < NONCE; i++) {
    message[i] = (unsigned char)digits[(nonce >> (60 - 4 * i)) & 15];
    reply[length - 1 - i] = message[i];
  }
  memcpy(message + NONCE, forward + turn, body);
  memcpy(reply, backward + RING + (size_t)options.bytes - turn - body, body);
  if (options.lines) message[length] = reply[length] = '\n';
}

static void write_batch(const struct client *client, unsigned char *batch, unsigned char *replies) {
  for (size_t place = 0; place < (size_t)options.depth; place++) {
    size_t at = place * (size_t)options.bytes;
    write_message(client, place, batch + at, replies + at);
  }
}

static void send_round(struct client *client) {
  size_t length = (size_t)(options.bytes * options.depth);
  client->round++;
  client->received = 0;
  write_batch(client, outgoing, expected);
  client->sent_at = now();
  ssize_t sent = wire_send(&client->wire, outgoing, length);
  if (sent < 0) fail("send");
  if ((size_t)sent != length) {
    fprintf(stderr, "load: the socket took %zd of %zu bytes: use smaller messages or fewer at once\n", sent, length);
    exit(1);
  }
}

/* Latencies by powers of two, each in 16 steps: a median to within 6 %. */
static unsigned bucket_of(uint64_t nanoseconds) {
  unsigned power = 63 - (unsigned)__builtin_clzll(nanoseconds | 16);
  return (power - 4) * 16 + (unsigned)((nanoseconds >> (power - 4)) & 15);
}

static double bucket_start(unsigned bucket) {
  return (double)((uint64_t)(16 + bucket % 16) << (bucket / 16));
}

static void record(uint64_t nanoseconds) {
  latencies[bucket_of(nanoseconds)]++;
  if (nanoseconds > worst) worst = nanoseconds;
}

static void check(const struct client *client, const unsigned char *bytes, size_t length) {
  write_batch(client, outgoing, expected);
  if (memcmp(bytes, expected + client->received, length) == 0) return;
  const unsigned char *right = expected + client->received;
  fprintf(stderr, "load: client %u got a wrong reply in round %u, from byte %zu\nexpected: %.*s\nreceived: %.*s\n",
          client->id, client->round, client->received, (int)length, right, (int)length, bytes);
  exit(3);
}

/* Returns 0 when nothing more has arrived. */
static int receive(struct client *client) {
  size_t length = (size_t)(options.bytes * options.depth), missing = length - client->received;
  ssize_t got = wire_receive(&client->wire, incoming, missing + 1);
  if (got < 0 && errno == EAGAIN) return 0;
  if (got < 0) fail("recv");
  if (got == 0 || (size_t)got > missing) {
    fprintf(stderr, "load: %s\n", got == 0 ? "the server closed a connection" : "a reply is too long");
    exit(got == 0 ? 1 : 3);
  }
  check(client, incoming, (size_t)got);
  client->received += (size_t)got;
  if (client->received < length) return wire_pending(&client->wire);
  messages += (uint64_t)options.depth;
  if (measuring) record(now() - client->sent_at);
  if (stopping) waiting--;
  else send_round(client);
  return wire_pending(&client->wire);
}

/* Several source addresses, so that runs one after another do not use up the ports of one. */
static int connect_from(unsigned source) {
  struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + source % SOURCES)};
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  to.sin_port = htons((uint16_t)options.port);
  if (fd < 0) fail("socket");
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (bind(fd, (struct sockaddr *)&from, sizeof from) < 0) fail("bind");
  if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0) fail("connect");
  return fd;
}

static void connect_all(int epoll) {
  clients = calloc((size_t)options.clients, sizeof *clients);
  if (!clients) fail("calloc");
  for (long i = 0; i < options.clients; i++) {
    clients[i].id = (uint32_t)i;
    wire_open(&clients[i].wire, connect_from((unsigned)i));
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &clients[i]};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, clients[i].wire.fd, &event) < 0) fail("epoll_ctl");
  }
}

static void take_replies(int epoll) {
  static struct epoll_event events[EVENTS];
  int ready = epoll_wait(epoll, events, EVENTS, STALL_MS);
  if (ready < 0 && errno != EINTR) fail("epoll_wait");
  if (ready == 0) {
    fprintf(stderr, "load: no reply for %d ms\n", STALL_MS);
    exit(1);
  }
  for (int i = 0; i < ready; i++) while (receive(events[i].data.ptr));
}

static void run_for(int epoll, long milliseconds) {
  uint64_t end = now() + (uint64_t)milliseconds * 1000000u;
  while (now() < end) take_replies(epoll);
}

static double median_latency(void) {
  uint64_t total = 0, seen = 0;
  for (unsigned i = 0; i < BUCKETS; i++) total += latencies[i];
  for (unsigned i = 0; i < BUCKETS; i++) {
    seen += latencies[i];
    if (total > 0 && seen * 2 >= total) return bucket_start(i);
  }
  return 0;
}

static void report(const struct clocks *from, const struct clocks *to) {
  printf("{\"messages\":%lu,\"wallNs\":%lu,\"cpuNs\":%lu,\"userTicks\":%lu,\"systemTicks\":%lu,"
         "\"medianUs\":%.1f,\"worstUs\":%.1f}\n",
         (unsigned long)(to->messages - from->messages), (unsigned long)(to->wall - from->wall),
         (unsigned long)(to->cpu - from->cpu), to->user_ticks - from->user_ticks,
         to->system_ticks - from->system_ticks, median_latency() / 1e3, (double)worst / 1e3);
  fflush(stdout);
}

/* From rest to rest: when it returns, every client has all its replies. */
static void run_slice(int epoll, long warm, long milliseconds) {
  memset(latencies, 0, sizeof latencies);
  worst = 0;
  stopping = 0;
  waiting = options.clients;
  for (long i = 0; i < options.clients; i++) send_round(&clients[i]);
  run_for(epoll, warm);
  measuring = 1;
  struct clocks from = read_clocks(options.pid, messages);
  run_for(epoll, milliseconds);
  struct clocks to = read_clocks(options.pid, messages);
  measuring = 0;
  stopping = 1;
  while (waiting > 0) take_replies(epoll);
  report(&from, &to);
}

static void read_option(const char *word) {
  static const struct { const char *name; long *value; } known[] = {
      {"port", &options.port},   {"clients", &options.clients}, {"bytes", &options.bytes}, {"depth", &options.depth},
      {"lines", &options.lines}, {"head", &options.head}, {"pid", &options.pid}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    size_t length = strlen(known[i].name);
    if (strncmp(word, known[i].name, length) == 0 && word[length] == '=') {
      *known[i].value = atol(word + length + 1);
      return;
    }
  }
  fprintf(stderr, "load: unknown option %s\n", word);
  exit(2);
}

static void check_options(void) {
  int sound = options.port > 0 && options.port < 65536 && options.clients > 0 && options.depth > 0 &&
              options.depth <= 256 && options.lines >> 1 == 0 &&
              (options.head == 0 || options.head == HEAD) && options.bytes >= NONCE + options.lines + options.head &&
              (options.depth == 1 || options.lines || options.head);
  if (sound) return;
  fprintf(stderr, "load: needs port, clients > 0, bytes >= 17, depth 1..256 (over 1 only with lines=1 or head=4)\n");
  exit(2);
}

int main(int count, char **words) {
  for (int i = 1; i < count; i++) read_option(words[i]);
  check_options();
  make_rings();
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) fail("epoll_create1");
  connect_all(epoll);
  char line[64];
  while (fgets(line, sizeof line, stdin)) {
    long warm, milliseconds;
    if (sscanf(line, "%ld %ld", &warm, &milliseconds) != 2 || warm < 0 || milliseconds <= 0) {
      fprintf(stderr, "load: a line of input must be WARM MS, got %s", line);
      return 2;
    }
    run_slice(epoll, warm, milliseconds);
  }
}
