/* Full handshakes of TLS 1.3, one connection after the other: N at a time, each is reset once it is through, and none
 * resumes a session. Reads the CPU clocks of the server and of itself, at the start and at the end of the measured time.
 * Usage: handshakes key=value...: port, clients, warm (ms), ms, pid. Prints one line of JSON.
 * Exit status: 0 all went well, 1 something failed, 2 bad usage. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server-clock.h"

enum { EVENTS = 256, SOURCES = 8, STALL_MS = 10000 };

struct client {
  int fd;
  SSL *ssl;
};

static struct { long port, clients, warm, ms, pid; } options = {.clients = 16, .warm = 1000, .ms = 2000};
static SSL_CTX *context;
static uint64_t done;
static int epoll;

static void fail_tls(const char *what) {
  fprintf(stderr, "handshakes: %s: %s\n", what, ERR_error_string(ERR_get_error(), NULL));
  exit(1);
}

/* Several source addresses, so that one has ports enough. */
static int dial(void) {
  static unsigned source;
  struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + source++ % SOURCES)};
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  to.sin_port = htons((uint16_t)options.port);
  if (fd < 0) fail("socket");
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (bind(fd, (struct sockaddr *)&from, sizeof from) < 0) fail("bind");
  if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0) fail("connect");
  if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0) fail("fcntl");
  return fd;
}

/* Takes the handshake of `client` as far as it goes now; 1: it is through. */
static int step(struct client *client) {
  int result = SSL_connect(client->ssl);
  if (result == 1) return 1;
  int error = SSL_get_error(client->ssl, result);
  if (error != SSL_ERROR_WANT_READ) fail_tls("SSL_connect");
  return 0;
}

static void begin(struct client *client) {
  client->fd = dial();
  client->ssl = SSL_new(context);
  if (client->ssl == NULL || SSL_set_fd(client->ssl, client->fd) != 1) fail_tls("SSL_new");
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, client->fd, &event) < 0) fail("epoll_ctl");
  step(client);
}

/* A reset leaves no port behind that waits. */
static void end(struct client *client) {
  struct linger at_once = {.l_onoff = 1, .l_linger = 0};
  setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  SSL_free(client->ssl);
  close(client->fd);
}

static void run_for(long milliseconds) {
  static struct epoll_event events[EVENTS];
  uint64_t until = now() + (uint64_t)milliseconds * 1000000u;
  while (now() < until) {
    int ready = epoll_wait(epoll, events, EVENTS, STALL_MS);
    if (ready < 0 && errno != EINTR) fail("epoll_wait");
    if (ready == 0) {
      fprintf(stderr, "handshakes: no answer for %d ms\n", STALL_MS);
      exit(1);
    }
    for (int i = 0; i < ready; i++) {
      struct client *client = events[i].data.ptr;
      if (!step(client)) continue;
      if (SSL_session_reused(client->ssl)) fail_tls("a session was resumed");
      done++;
      end(client);
      begin(client);
    }
  }
}

static uint64_t own_cpu(void) {
  struct timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void read_option(const char *word) {
  static const struct { const char *name; long *value; } known[] = {
      {"port", &options.port}, {"clients", &options.clients}, {"warm", &options.warm}, {"ms", &options.ms}, {"pid", &options.pid}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    size_t length = strlen(known[i].name);
    if (strncmp(word, known[i].name, length) == 0 && word[length] == '=') {
      *known[i].value = atol(word + length + 1);
      return;
    }
  }
  fprintf(stderr, "handshakes: unknown option %s\n", word);
  exit(2);
}

int main(int count, char **words) {
  for (int i = 1; i < count; i++) read_option(words[i]);
  if (options.port <= 0 || options.port > 65535 || options.clients <= 0 || options.ms <= 0 || options.warm < 0) {
    fprintf(stderr, "handshakes: needs port, clients > 0, ms > 0\n");
    exit(2);
  }
  context = SSL_CTX_new(TLS_client_method());
  if (context == NULL) fail_tls("SSL_CTX_new");
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  epoll = epoll_create1(EPOLL_CLOEXEC);
  struct client *clients = calloc((size_t)options.clients, sizeof *clients);
  if (epoll < 0 || clients == NULL) fail("start");
  for (long i = 0; i < options.clients; i++) begin(&clients[i]);
  run_for(options.warm);
  uint64_t own = own_cpu();
  struct clocks from = read_clocks(options.pid, done);
  run_for(options.ms);
  struct clocks to = read_clocks(options.pid, done);
  printf("{\"handshakes\":%lu,\"wallNs\":%lu,\"cpuNs\":%lu,\"loadNs\":%lu}\n",
         (unsigned long)(to.messages - from.messages), (unsigned long)(to.wall - from.wall),
         (unsigned long)(to.cpu - from.cpu), (unsigned long)(own_cpu() - own));
}
