/*
 * How a thread goes to sleep and is woken, and how the mover sees that a thread is held: two service threads that
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
byte bell[2];
#define RINGS 4 /* the bell's count wraps */

/* Atomics.waitAsync: the thread is on the list that Atomics.notify wakes. */
bool waiting[2];
/* The thread is inside JavaScript that does not return: its heartbeat stands still. */
bool stuck[2];
/* EPOLLONESHOT: the acceptor's epoll set watches the thread's. */
bool armed[2];

/* The thread that each client is on; whether the client has bytes that nobody read; who is being served, from 1. */
byte at[CLIENTS];
bool unread[CLIENTS];
byte current[2];

#define READY(t) ((at[0] == t && unread[0] && current[t] != 1) || (at[1] == t && unread[1] && current[t] != 2))
#define WAITS (READY(0) || READY(1))
#define ANY_FREE_THREAD (!stuck[0] || !stuck[1])

/* What the mover sees: RUNNING, and no heartbeat for `moveAfter`. */
#define LOOKS_HELD(t) (state[t] == RUNNING && (stuck[t] || waiting[t]))

proctype Thread(byte t) {
  byte count, calls;

turn: /* Reactor.#turn */
  if
  :: atomic { at[0] == t && unread[0] -> unread[0] = false; current[t] = 1; stuck[t] = true }
  :: atomic { at[1] == t && unread[1] -> unread[1] = false; current[t] = 2; stuck[t] = true }
  :: !READY(t) -> goto park
  fi;
  if
  :: atomic { stuck[t] = false; current[t] = 0; goto turn }
  :: true -> forever: false
  fi;

park: /* Reactor.#park: count, state, arm, wait */
#if !defined(BREAK_COUNT_AFTER_ARM)
  count = bell[t];
#endif
#ifdef BREAK_ARM_BEFORE_STATE
  armed[t] = true;
  state[t] = PARKED;
#else
  state[t] = PARKED;
#ifdef BREAK_NOT_ARMED_AGAIN
  if
  :: calls == 0 -> armed[t] = true
  :: else
  fi;
  calls = 1;
#else
  armed[t] = true;
#endif
#endif
#ifdef BREAK_COUNT_AFTER_ARM
  count = bell[t];
#endif
  /* Bell.wait */
  waiting[t] = (bell[t] == count);

asleep: /* Node's event loop: a timer or a promise of the service may come first, and burn CPU for a while or for ever. */
  if
  :: atomic { !waiting[t] -> count = 0 }
  :: atomic { calls == 0 -> calls = 1; stuck[t] = true }
    if
    :: atomic { stuck[t] = false; goto asleep }
    :: true -> foreverAsleep: false
    fi
  fi;
  /* Reactor.#wake */
  atomic {
    if
    :: state[t] == PARKED -> state[t] = RUNNING
    :: else
    fi;
    goto turn
  }
}

/* The acceptor rings, and says before it that the thread is to be running: from then on its heartbeat counts. */
inline mark(t) {
  atomic {
    if
    :: state[t] == PARKED -> state[t] = RUNNING
    :: else
    fi
  }
}

proctype Acceptor() {
  byte t;

loop: /* Acceptor.turn */
  if
  :: atomic { armed[0] && READY(0) -> armed[0] = false; t = 0 }
  :: atomic { armed[1] && READY(1) -> armed[1] = false; t = 1 }
  /* The mover: from a thread that looks held to one that does not. The client that is being served stays. */
  :: atomic { LOOKS_HELD(at[0]) && !LOOKS_HELD(1 - at[0]) && current[at[0]] != 1 -> at[0] = 1 - at[0]; goto loop }
  :: atomic { LOOKS_HELD(at[1]) && !LOOKS_HELD(1 - at[1]) && current[at[1]] != 2 -> at[1] = 1 - at[1]; goto loop }
  fi;
#if !defined(BREAK_RING_WITHOUT_MARK) && !defined(BREAK_RING_BEFORE_MARK)
  mark(t);
#endif
  /* Bell.ring: Atomics.add, then Atomics.notify */
#ifdef BREAK_NOTIFY_BEFORE_ADD
  waiting[t] = false;
  bell[t] = (bell[t] + 1) % RINGS;
#else
  bell[t] = (bell[t] + 1) % RINGS;
  waiting[t] = false;
#endif
#ifdef BREAK_RING_BEFORE_MARK
  mark(t);
#endif
  atomic { t = 0; goto loop }
}

proctype Client(byte c) {
  byte sent;
  do
  :: atomic { sent < MESSAGES && !unread[c] -> unread[c] = true; sent++ }
  :: sent == MESSAGES -> break
  od
}

/* When nothing can happen any more, no client waits beside a free thread. */
proctype AtRest() {
  timeout -> assert(!(WAITS && ANY_FREE_THREAD))
}

init {
  atomic {
    at[1] = 1;
    run Client(0);
    run Client(1);
    run Thread(0);
    run Thread(1);
    run Acceptor();
    run AtRest();
  }
}

ltl served { !<>[](WAITS && ANY_FREE_THREAD) }
