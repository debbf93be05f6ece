/* Clients that are only there. Usage: idle PORT CLIENTS SPEAK(0|1): connects one after another; if SPEAK is 1, each says
 * one message and checks the reply. Prints "ready", and stays until its standard input ends. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { LENGTH = 64, SOURCES = 8 };

static void fail(const char *what, long client) {
  fprintf(stderr, "idle: client %ld: %s: %s\n", client, what, strerror(errno));
  exit(1);
}

static int connect_from(long client, int port) {
  struct sockaddr_in from = {.sin_family = AF_INET};
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct timeval patience = {.tv_sec = 10};
  int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket", client);
  from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + (uint32_t)(client % SOURCES));
  to.sin_port = htons((uint16_t)port);
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (bind(fd, (struct sockaddr *)&from, sizeof from) < 0) fail("bind", client);
  if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0) fail("connect", client);
  return fd;
}

static void speak(int fd, long client) {
  char message[LENGTH + 1], reply[LENGTH];
  snprintf(message, sizeof message, "%063ldx", client);
  if (send(fd, message, LENGTH, MSG_NOSIGNAL) != LENGTH) fail("send", client);
  if (recv(fd, reply, LENGTH, MSG_WAITALL) != LENGTH) fail("recv", client);
  for (int i = 0; i < LENGTH; i++) {
    if (reply[i] == message[LENGTH - 1 - i]) continue;
    fprintf(stderr, "idle: client %ld got a wrong reply\n", client);
    exit(3);
  }
}

/* Takes as many files as this process may have. */
static void raise_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0) fail("getrlimit", 0);
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) < 0) fail("setrlimit", 0);
}

int main(int count, char **words) {
  char byte;
  if (count != 4) {
    fprintf(stderr, "usage: idle PORT CLIENTS SPEAK\n");
    return 2;
  }
  long clients = atol(words[2]);
  raise_limit();
  for (long client = 0; client < clients; client++) {
    int fd = connect_from(client, atoi(words[1]));
    if (atoi(words[3])) speak(fd, client);
  }
  puts("ready");
  fflush(stdout);
  while (read(STDIN_FILENO, &byte, 1) > 0) continue;
}
