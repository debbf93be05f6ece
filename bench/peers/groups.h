/* What the clients of a load are told on its command line: groups of clients that do the same, and windows of time. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GROUPS = 8, WINDOWS = 8, NAME = 24 };

/* Times are in ms from the start of the program. */
struct group {
  char name[NAME];
  long clients;
  /* What a message asks for: `l` nothing, `b` CPU time, `w` a thread for a time, `s` a thread that sleeps. */
  char kind;
  long burn;
  /* The mean time from one message to the next; 0: the next follows the reply at once. */
  long think;
  /* When its clients connect, and when they first ask. */
  long come, ask;
  /* Messages of each client; 0: no end. */
  long times;
  /* One message in so many is of its kind, and the others ask for nothing. */
  long every;
  /* How many addresses its clients come from. */
  long sources;
  /* Whether each message has a connection of its own; the wait then begins before the client connects. */
  long visits;
  int number;
};

struct window {
  char name[NAME];
  uint64_t from, to;
};

static struct group groups[GROUPS];
static struct window windows[WINDOWS];
static int group_count, window_count;

static void refuse(const char *why, const char *what) {
  fprintf(stderr, "lights: %s: %s\n", why, what);
  exit(2);
}

static void copy_name(char *name, const char *from) {
  if (strlen(from) >= NAME) refuse("a name is too long", from);
  strcpy(name, from);
}

static void read_field(struct group *group, const char *field) {
  const struct { const char *name; long *value; } known[] = {
      {"clients", &group->clients}, {"burn", &group->burn},       {"think", &group->think}, {"come", &group->come},
      {"ask", &group->ask},         {"times", &group->times},     {"every", &group->every}, {"sources", &group->sources},
      {"visits", &group->visits}};
  if (strncmp(field, "kind=", 5) == 0 && strchr("lbws", field[5]) && field[6] == 0) {
    group->kind = field[5];
    return;
  }
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    size_t length = strlen(known[i].name);
    if (strncmp(field, known[i].name, length) != 0 || field[length] != '=') continue;
    *known[i].value = atol(field + length + 1);
    return;
  }
  refuse("unknown field of a group", field);
}

/* NAME,key=value,... */
static void read_group(char *words) {
  if (group_count == GROUPS) refuse("too many groups", words);
  struct group *group = &groups[group_count];
  *group = (struct group){.kind = 'l', .every = 1, .sources = 8, .number = group_count++};
  char *rest = NULL, *word = strtok_r(words, ",", &rest);
  copy_name(group->name, word ? word : "");
  while ((word = strtok_r(NULL, ",", &rest))) read_field(group, word);
  if (group->clients < 0 || group->burn < 0 || group->burn > 99999 || group->think < 0 || group->come < 0 ||
      group->every < 1 || group->sources < 1 || group->sources > 250) refuse("a number of this group is out of range", group->name);
  if (group->ask < group->come) group->ask = group->come;
}

/* NAME,FROM,TO */
static void read_window(char *words) {
  if (window_count == WINDOWS) refuse("too many windows", words);
  struct window *window = &windows[window_count++];
  char *rest = NULL, *name = strtok_r(words, ",", &rest), *from = strtok_r(NULL, ",", &rest), *to = strtok_r(NULL, ",", &rest);
  if (!name || !from || !to || atol(from) < 0 || atol(to) < atol(from)) refuse("a window is NAME,FROM,TO", words);
  copy_name(window->name, name);
  window->from = (uint64_t)atol(from);
  window->to = (uint64_t)atol(to);
}
