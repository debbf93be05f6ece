/*
 * How a thread goes to sleep and is woken, and how the migrator sees that a thread is blocked: two service threads that
 * park, the acceptor that watches their epoll sets, and clients whose moves are one step here (ownership.pml has them).
 *
 * One step of a process is one `atomic`. A BREAK_... breaks one rule on purpose; `spec/check` has spin find each.
 */

#define CLIENTS 2
#ifndef MESSAGES
#define MESSAGES 2 /* that each client sends */
#endif

/* src/sharing/thread-board.ts */
#define RUNNING 1
#define PARKED 2
byte state[2] = RUNNING;
byte waker[2];
#define RINGS 4 /* the waker's count wraps */

/* Atomics.waitAsync: the thread is on the list that Atomics.notify wakes. */
bool waiting[2];
/* The thread is inside JavaScript that has not returned: its heartbeat stands still. */
bool stuck[2];
/* The heartbeat is not what the acceptor saw last; ThreadWatch's #woken and isBlocked. */
bool beaten[2];
bool woken[2];
bool blocked[2];
/* EPOLLONESHOT: the acceptor's epoll set watches the thread's. */
bool armed[2];

/* The thread that each client is on; whether the client has bytes that nobody read; who is being served, from 1. */
byte at[CLIENTS];
bool unread[CLIENTS];
byte current[2];

#define READY(t) ((at[0] == t && unread[0]) || (at[1] == t && unread[1]))
#define WAITS_ON(t) ((at[0] == t && unread[0] && current[t] != 1) || (at[1] == t && unread[1] && current[t] != 2))
#define WAITS (WAITS_ON(0) || WAITS_ON(1))
#define ANY_FREE_THREAD (!stuck[0] || !stuck[1])

/* ThreadWatch.look for a heartbeat that has stood still for `moveAfter`. */
#define AWAKE(t) (woken[t] || state[t] == RUNNING)
#define LOOKS_BLOCKED(t) (!beaten[t] && stuck[t] && AWAKE(t))

/* Acceptor.#moveAway: an idle client, from a thread that is blocked to one that is not. The one being served stays. */
#ifdef BREAK_LAST_CLIENT_STAYS
#define MAY_LEAVE(t) (at[0] == at[1])
#else
#define MAY_LEAVE(t) true
#endif
#define MOVABLE(c) (blocked[at[c]] && !blocked[1 - at[c]] && current[at[c]] != c + 1 && MAY_LEAVE(at[c]))

proctype Thread(byte t) {
  byte count, calls;

turn: /* Reactor.#turn: a beat, then what is ready. A handler may burn CPU for a while or for ever. */
  if
  :: atomic { at[0] == t && unread[0] -> beaten[t] = true; unread[0] = false; current[t] = 1; stuck[t] = true }
  :: atomic { at[1] == t && unread[1] -> beaten[t] = true; unread[1] = false; current[t] = 2; stuck[t] = true }
  :: atomic { !READY(t) -> beaten[t] = true; goto park }
  fi;
  if
  :: atomic { stuck[t] = false; current[t] = 0; goto turn }
  :: true -> forever: false
  fi;

park: /* Reactor.#park: count, state, arm, wait */
#if !defined(BREAK_COUNT_AFTER_ARM)
  count = waker[t];
#endif
  state[t] = PARKED;
#ifdef BREAK_NOT_ARMED_AGAIN
  if
  :: waker[t] == 0 -> armed[t] = true
  :: else
  fi;
#else
  armed[t] = true;
#endif
#ifdef BREAK_COUNT_AFTER_ARM
  count = waker[t];
#endif
  /* Waker.wait */
  waiting[t] = (waker[t] == count);

asleep: /* Node's event loop: a timer or a promise of the service may come first, and burn CPU for a while or for ever. */
  if
  :: atomic { !waiting[t] -> count = 0 }
  :: atomic { calls == 0 -> calls = 1; stuck[t] = true }
    if
    :: atomic { stuck[t] = false; goto asleep }
    :: true -> foreverAsleep: false
    fi
  fi;
  /* Reactor.#wake; its turn begins with a beat. */
  atomic { state[t] = RUNNING; beaten[t] = true; goto turn }
}

/* ThreadWatch.look */
inline look(t) {
  if
  :: beaten[t] -> beaten[t] = false; woken[t] = false; blocked[t] = false
  :: LOOKS_BLOCKED(t) -> blocked[t] = true
  :: else
  fi
}

proctype Acceptor() {
  byte t;

loop: /* Acceptor.turn: a parked thread has work, or it is time to look at the threads. */
  if
  :: atomic { armed[0] && READY(0) -> armed[0] = false; t = 0 }
  :: atomic { armed[1] && READY(1) -> armed[1] = false; t = 1 }
  :: atomic { beaten[0] || (LOOKS_BLOCKED(0) && !blocked[0]) -> look(0); goto loop }
  :: atomic { beaten[1] || (LOOKS_BLOCKED(1) && !blocked[1]) -> look(1); goto loop }
  :: atomic { MOVABLE(0) -> at[0] = 1 - at[0]; goto loop }
  :: atomic { MOVABLE(1) -> at[1] = 1 - at[1]; goto loop }
  fi;
  /* ThreadWatch.wake: from now on a beat is owed, one after those that the thread has made up to here. */
  atomic {
    woken[t] = true;
#ifndef BREAK_OLD_BEAT_COUNTS
    beaten[t] = false
#endif
  }
  /* Waker.wake: Atomics.add, then Atomics.notify */
#ifdef BREAK_NOTIFY_BEFORE_ADD
  waiting[t] = false;
  waker[t] = (waker[t] + 1) % RINGS;
#else
  waker[t] = (waker[t] + 1) % RINGS;
  waiting[t] = false;
#endif
  atomic { look(0); look(1); t = 0; goto loop }
}

proctype Client(byte c) {
  byte sent;
  do
  :: atomic { sent < MESSAGES && !unread[c] -> unread[c] = true; sent++ }
  :: sent == MESSAGES -> break
  od
}

#ifndef LTL
/* When nothing can happen any more, no client waits beside a free thread. */
proctype AtRest() {
  timeout -> assert(!(WAITS && ANY_FREE_THREAD))
}
#endif

init {
  atomic {
    at[1] = 1;
    run Client(0);
    run Client(1);
    run Thread(0);
    run Thread(1);
    run Acceptor();
#ifndef LTL
    run AtRest();
#endif
  }
}

#ifdef LTL
/* Nobody waits for ever while a thread is free, if every process that can go on does at some time (weak fairness). */
ltl served { !<>[](WAITS && ANY_FREE_THREAD) }
#endif
