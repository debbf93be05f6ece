/* The yardstick: the least that a reverse server on epoll can do. One thread, level-triggered, one read for each event.
 * Usage: epoll chunk|line. Says "Server running on port N" once clients can connect. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_SIZE = 65536, EVENTS = 1024, MAX_FD = 65536 };

struct rest {
  unsigned char *bytes;
  size_t length;
};

static unsigned char buffer[2 * READ_SIZE];
static struct rest rests[MAX_FD];

static void fail(const char *call) {
  perror(call);
  exit(1);
}

static int listen_on_any_port(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0) fail("bind");
  if (listen(fd, 4096) < 0) fail("listen");
  if (getsockname(fd, (struct sockaddr *)&address, &size) < 0) fail("getsockname");
  printf("Server running on port %d\n", ntohs(address.sin_port));
  fflush(stdout);
  return fd;
}

static void watch(int epoll, int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) fail("epoll_ctl");
}

static void accept_all(int epoll, int listener) {
  int one = 1;
  for (;;) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 && errno == EAGAIN) return;
    if (fd < 0) fail("accept4");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    watch(epoll, fd);
  }
}

static void drop(int fd) {
  free(rests[fd].bytes);
  rests[fd] = (struct rest){0};
  close(fd);
}

static void reverse(unsigned char *bytes, size_t length) {
  for (size_t i = 0, j = length; i + 1 < j; i++) {
    j--;
    unsigned char byte = bytes[i];
    bytes[i] = bytes[j];
    bytes[j] = byte;
  }
}

/* Reverses every whole line in place, each newline staying where it is; returns how many bytes those lines are. */
static size_t reverse_lines(unsigned char *bytes, size_t length) {
  size_t start = 0;
  unsigned char *newline;
  while ((newline = memchr(bytes + start, '\n', length - start))) {
    size_t end = (size_t)(newline - bytes);
    reverse(bytes + start, end - start);
    start = end + 1;
  }
  return start;
}

static int send_all(int fd, const unsigned char *bytes, size_t length) {
  while (length > 0) {
    ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return -1;
    if (sent < 0) {
      poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, 1000);
      continue;
    }
    bytes += sent;
    length -= (size_t)sent;
  }
  return 0;
}

static void keep(int fd, const unsigned char *bytes, size_t length) {
  struct rest *rest = &rests[fd];
  if (length > READ_SIZE) {
    fprintf(stderr, "epoll: a line is longer than %d bytes\n", READ_SIZE);
    exit(1);
  }
  if (length > 0 && !rest->bytes && !(rest->bytes = malloc(READ_SIZE))) fail("malloc");
  if (length > 0) memcpy(rest->bytes, bytes, length);
  rest->length = length;
}

static void serve(int fd, int lines) {
  size_t kept = rests[fd].length;
  if (kept > 0) memcpy(buffer, rests[fd].bytes, kept);
  ssize_t got = recv(fd, buffer + kept, READ_SIZE, 0);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) {
    drop(fd);
    return;
  }
  size_t length = kept + (size_t)got, done = length;
  if (lines) done = reverse_lines(buffer, length);
  else reverse(buffer, length);
  if (send_all(fd, buffer, done) < 0) drop(fd);
  else if (lines) keep(fd, buffer + done, length - done);
}

int main(int count, char **words) {
  int lines = count > 1 && strcmp(words[1], "line") == 0;
  int listener = listen_on_any_port();
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  static struct epoll_event events[EVENTS];
  watch(epoll, listener);
  for (;;) {
    int ready = epoll_wait(epoll, events, EVENTS, -1);
    if (ready < 0 && errno != EINTR) fail("epoll_wait");
    for (int i = 0; i < ready; i++) {
      if (events[i].data.fd == listener) accept_all(epoll, listener);
      else serve(events[i].data.fd, lines);
    }
  }
}
