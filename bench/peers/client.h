/* One client of a load: what it says, what it must be answered, where it comes from. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { LENGTH = 64, NONCE = 16, HEAD = 6 };
static const uint64_t MS = 1000000, NEVER = UINT64_MAX;

struct client {
  struct group *group;
  int fd, waits;
  uint32_t id, index, round, turns[WINDOWS];
  size_t received;
  uint64_t sent_at, due_at;
};

/* xorshift64: light clients must not march in step. */
static uint64_t chance(uint64_t below) {
  static uint64_t state = 0x9e3779b97f4a7c15u;
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return below == 0 ? 0 : state % below;
}

static uint64_t think_of(const struct client *client) { return (uint64_t)client->group->think * MS; }

/* The clients of a group that is not always of its kind ask for it in different rounds. */
static char kind_of(const struct client *client) {
  return (client->round + client->index) % client->group->every == 0 ? client->group->kind : 'l';
}

/* What is asked for, five digits of milliseconds, 16 hexadecimal digits that are this client's and this round's alone,
 * letters that change with them, a newline. The reply is the same line reversed. */
static void write_message(const struct client *client, char *message, char *reply) {
  size_t body = LENGTH - 1;
  uint64_t nonce = ((uint64_t)client->id << 40) | client->round;
  char kind = kind_of(client);
  snprintf(message, LENGTH, "%c%05ld%016lx", kind, kind == 'l' ? 0 : client->group->burn, (unsigned long)nonce);
  for (size_t i = HEAD + NONCE; i < body; i++) message[i] = (char)('a' + (client->round + client->id + i) % 26);
  message[body] = reply[body] = '\n';
  for (size_t i = 0; i < body; i++) reply[i] = message[body - 1 - i];
}

/* Each group has a network of loopback addresses to itself. A client that comes anew for each message changes its address,
 * so that one address does not run out of ports. */
static int dial(const struct client *client, long port) {
  const struct group *group = client->group;
  uint32_t host = (uint32_t)((client->index + (group->visits ? client->round : 0)) % group->sources);
  struct sockaddr_in from = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK + ((uint32_t)group->number + 1) * 256 + host)};
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  to.sin_port = htons((uint16_t)port);
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (bind(fd, (struct sockaddr *)&from, sizeof from) < 0) fail("bind");
  if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0) fail("connect");
  return fd;
}
