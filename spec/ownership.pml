/*
 * Who may touch a connection: the table, two service threads, the acceptor, and the kernel below them.
 *
 * One step of a process is one `atomic`: a store or compare-and-swap of shared memory, or one system call. Steps of
 * different processes come in any order. The file and function that a step stands for is named beside it.
 * A BREAK_... breaks one rule on purpose; `spec/check` has spin find each of them.
 * PUSH: a handler may send to the other client, if that one is idle on its thread.
 * HANDOVER is how many clients are handed over to another process, or begun to be.
 * LIVE_CHECK has the migrator move only when it should, and checks that nobody waits for ever; otherwise it moves at will.
 */

#ifndef FDS
#define FDS 2       /* fd numbers, 1 or 2 */
#endif
#ifndef CLIENTS
#define CLIENTS 3   /* connections that are made, one after another */
#endif
#ifndef EPOCHS
#define EPOCHS 3
#endif
#ifndef HANDOVER
#define HANDOVER 0
#endif
#ifndef MOVES
#define MOVES 2     /* how often the migrator moves a client for no reason; takeovers come on top */
#endif

/* src/sharing/control-word.ts */
#define FREE 0
#define IDLE 1
#define BUSY 2
#define PINNED 3
#define MOVING 4
#define CLOSING 5
#define WORD(state, thread, epoch) (((epoch) << 4) | ((thread) << 3) | (state))
#define STATE(w) ((w) & 7)
#define THREAD(w) (((w) >> 3) & 1)
#define EPOCH(w) ((w) >> 4)
#define WITH(w, state) (((w) & ~7) | (state))

/* The slots of the table. What is kept for a client (`half`, `unsent`) names the client that it belongs to. */
byte word[FDS];
byte id[FDS];
byte half[FDS];
byte unsent[FDS];

/* The kernel. `conn`: which connection an fd number means, 0 for none. `set`: the generation in a thread's epoll set, 0: not in it.
   `news`: something has changed at the fd since the set has reported it last (EPOLLET). */
byte conn[FDS];
byte set[4];
bool news[4];
bool setOpen[2] = true;
#define SET(t, fd) set[(t) * 2 + (fd)]
#define NEWS(t, fd) news[(t) * 2 + (fd)]

/* Connections 1 to CLIENTS. A message is two bytes, so that half of one can be kept. */
byte sent[CLIENTS + 1];
byte got[CLIENTS + 1];
bool ended[CLIENTS + 1];
bool closed[CLIENTS + 1];
bool answered[CLIENTS + 1];
/* Another process has it, and may do with it what it likes. */
bool away[CLIENTS + 1];

/* Threads. `life`: which life of the thread runs, 0 for none. `event`: generations that epoll_wait gave and that wait for
   their turn; `hangup`: it told of the stream's end. `object`: the generation of the Connection in `#connections`, `objectId`
   its client; `unread`, `beyond`: what its #unread says. */
byte life[2] = 1;
bool serving[2] = true;
bool gone[2];
bool burning[2];
bool inClose[2];
byte event[4];
byte object[4];
byte objectId[4];
bool hangup[4];
bool unread[4];
bool beyond[4];
#ifdef PUSH
/* Taken to send to it; that is done when all events of the turn are served: FLUSHING. */
bool pushed[4];
#define PUSHED(t, fd) pushed[(t) * 2 + (fd)]
#define PUSH_IS_DONE(t, fd) PUSHED(t, fd) = false
#else
#define PUSH_IS_DONE(t, fd) skip
#endif
#define HANGUP(t, fd) hangup[(t) * 2 + (fd)]
#define UNREAD(t, fd) unread[(t) * 2 + (fd)]
#define BEYOND(t, fd) beyond[(t) * 2 + (fd)]
#define EVENT(t, fd) event[(t) * 2 + (fd)]
#define OBJECT(t, fd) object[(t) * 2 + (fd)]
#define OBJECT_ID(t, fd) objectId[(t) * 2 + (fd)]

/* Ghost: set on every event and object of an fd when a new generation begins. No thread sees it; it may never be acted on. */
#define OLD 128
#define GENERATION(x) ((x) & 127)

#define READY(t, fd) (SET(t, fd) != 0 && NEWS(t, fd) && (unsent[fd] != 0 || sent[conn[fd]] > got[conn[fd]] || ended[conn[fd]]))
#define WAITS(fd) (conn[fd] != 0 && (unsent[fd] != 0 || sent[conn[fd]] > got[conn[fd]] || ended[conn[fd]]) && STATE(word[fd]) != PINNED && !(STATE(word[fd]) == BUSY && burning[THREAD(word[fd])]))
#define FREE_THREAD(t) (life[t] != 0 && serving[t] && !burning[t])
#define ANY_FREE_THREAD (FREE_THREAD(0) || FREE_THREAD(1))
#if FDS == 1
#define ANY_READY(t) READY(t, 0)
#define ANY_WAITS WAITS(0)
#else
#define ANY_READY(t) (READY(t, 0) || READY(t, 1))
#define ANY_WAITS (WAITS(0) || WAITS(1))
#endif

/* Rule 1: at a system call on a client's fd, the caller has the slot, the fd still is that client, and no other process has it. */
#define MINE(fd, state, generation) assert(word[fd] == WITH(generation, state))
#define IO(fd, c) assert(conn[fd] == c); assert(!away[c])

/* close(2): the number is free at once, and epoll forgets it. Rule 5: nobody is closed twice. */
inline closeFd(fd, c) {
  IO(fd, c);
  assert(!closed[c]);
  closed[c] = true;
  conn[fd] = 0;
  SET(0, fd) = 0; NEWS(0, fd) = false;
  SET(1, fd) = 0; NEWS(1, fd) = false
}

/* Something has come for connection `c`: whoever watches it hears of it. */
inline tell(c) {
  for (i : 0 .. FDS - 1) {
    if
    :: conn[i] == c -> NEWS(0, i) = SET(0, i) != 0; NEWS(1, i) = SET(1, i) != 0
    :: else
    fi
  }
  i = 0
}

/* ConnectionTable.free; the slot's arena goes back with it. */
inline freeSlot(fd, generation) {
#ifndef BREAK_KEPT_STAYS
  half[fd] = 0;
  unsent[fd] = 0;
#endif
  word[fd] = WITH(generation, FREE);
}

/* A stay begins. Assumed: no event or object is older than all epochs there are (a million); such a one is forgotten. */
inline beginGeneration(fd, generation) {
  for (i : 0 .. 1) {
    if
    :: EVENT(i, fd) != 0 -> EVENT(i, fd) = EVENT(i, fd) | OLD
    :: else
    fi;
    if
    :: OBJECT(i, fd) != 0 -> OBJECT(i, fd) = OBJECT(i, fd) | OLD
    :: else
    fi;
    UNREAD(i, fd) = false; BEYOND(i, fd) = false; /* Of no use to anyone: there are fewer states without. */
#ifndef BREAK_EPOCH
    if
    :: GENERATION(EVENT(i, fd)) == generation -> EVENT(i, fd) = 0; HANGUP(i, fd) = false
    :: else
    fi;
#ifndef CHECK_ID
    if
    :: GENERATION(OBJECT(i, fd)) == generation -> OBJECT(i, fd) = 0; OBJECT_ID(i, fd) = 0
    :: else
    fi;
#endif
#endif
  }
  i = 0
}

/* With CHECK_ID a thread also compares the client's id, and nothing need be assumed of old objects. */
#ifdef CHECK_ID
#define SAME_CLIENT(t, fd) (OBJECT_ID(t, fd) == id[fd])
#else
#define SAME_CLIENT(t, fd) true
#endif

/* Connection.#read: a read that takes less than there was room for has taken all, but for what is no byte. */
inline haveRead(t, fd, c) {
#ifdef BREAK_NO_BEYOND
  UNREAD(t, fd) = sent[c] > got[c]
#else
  UNREAD(t, fd) = sent[c] > got[c] || BEYOND(t, fd)
#endif
}

proctype Thread(byte t, me) {
  byte fd, generation, c;
#define LIVE (life[t] == me)

turn: /* Reactor.#turn; a PINNED connection's handler may be done first: Connection.resume. */
  if
  :: atomic {
      LIVE && ANY_READY(t) ->
      for (fd : 0 .. FDS - 1) {
        if
        :: READY(t, fd) -> EVENT(t, fd) = SET(t, fd); HANGUP(t, fd) = ended[conn[fd]]; NEWS(t, fd) = false
        :: else -> EVENT(t, fd) = 0
        fi
      }
      fd = 0
    }
  :: atomic { LIVE && word[0] == WITH(GENERATION(OBJECT(t, 0)), PINNED) && THREAD(word[0]) == t -> fd = 0; generation = GENERATION(OBJECT(t, 0)); c = OBJECT_ID(t, 0); goto reply }
#if FDS > 1
  :: atomic { LIVE && word[1] == WITH(GENERATION(OBJECT(t, 1)), PINNED) && THREAD(word[1]) == t -> fd = 1; generation = GENERATION(OBJECT(t, 1)); c = OBJECT_ID(t, 1); goto reply }
#endif
  fi;

serve: /* ServiceThread.serve: takeReady, or in hand, or drop. An event that is dropped does not come again. */
  atomic {
    LIVE ->
    generation = 0; c = 0;
    do
    :: fd < FDS && EVENT(t, fd) == 0 -> fd++
    :: else -> break
    od;
    if
#ifdef PUSH
    :: fd == FDS -> fd = 0; goto flush
#else
    :: fd == FDS -> fd = 0; goto turn
#endif
    :: else
    fi;
    generation = GENERATION(EVENT(t, fd));
    if
#ifdef BREAK_TAKE
    :: word[fd] == generation -> goto takeLater
#else
    :: word[fd] == generation ->
#if !defined(CHECK_ID) && !defined(NO_OLD_CHECK)
      assert(EVENT(t, fd) < OLD);
#endif
      word[fd] = WITH(generation, BUSY); EVENT(t, fd) = 0
#endif
#ifndef BREAK_DROP_EARLY
    /* It is in this thread's set: the acceptor has nothing more to do with it. */
    :: word[fd] == WITH(generation, MOVING) -> word[fd] = WITH(generation, BUSY); EVENT(t, fd) = 0
#endif
    :: word[fd] == WITH(generation, PINNED) ->
      /* Connection.#readable: it is not ready for more, and remembers that there is more. */
      IO(fd, OBJECT_ID(t, fd));
      UNREAD(t, fd) = true; BEYOND(t, fd) = BEYOND(t, fd) || HANGUP(t, fd); HANGUP(t, fd) = false; EVENT(t, fd) = 0; goto serve
#if defined(PUSH) && !defined(BREAK_PASSED_OVER)
    /* It is in hand, to be sent to. */
    :: word[fd] == WITH(generation, BUSY) && PUSHED(t, fd) -> EVENT(t, fd) = 0
#endif
    :: else -> EVENT(t, fd) = 0; HANGUP(t, fd) = false; goto serve
    fi
  }
#ifdef BREAK_TAKE
  goto taken;
takeLater:
  atomic { LIVE -> word[fd] = WITH(generation, BUSY); EVENT(t, fd) = 0 }
taken:
#endif

  /* ServiceThread.#connection, then Connection.event: flush what is kept, or recv. */
  atomic {
    LIVE ->
    if
    :: OBJECT(t, fd) != 0 && GENERATION(OBJECT(t, fd)) == generation && SAME_CLIENT(t, fd)
    :: else -> OBJECT(t, fd) = generation; OBJECT_ID(t, fd) = id[fd]; BEYOND(t, fd) = false
    fi;
    UNREAD(t, fd) = true;
    BEYOND(t, fd) = BEYOND(t, fd) || HANGUP(t, fd);
    HANGUP(t, fd) = false;
    c = OBJECT_ID(t, fd);
    MINE(fd, BUSY, generation);
    IO(fd, c);
    if
    :: unsent[fd] != 0 -> assert(unsent[fd] == c); assert(!answered[c]); answered[c] = true; unsent[fd] = 0; goto settle
    :: unsent[fd] == 0 && sent[c] > got[c] && got[c] == 0 -> got[c] = 1; haveRead(t, fd, c);
#ifdef BREAK_KEEP_AFTER_IDLE
      word[fd] = generation; goto keepLate
#else
      assert(half[fd] == 0); half[fd] = c; goto settle
#endif
    :: unsent[fd] == 0 && sent[c] > got[c] && got[c] == 1 -> got[c] = 2; haveRead(t, fd, c); assert(half[fd] == c); half[fd] = 0
    :: unsent[fd] == 0 && sent[c] == got[c] && ended[c] -> goto end
    :: unsent[fd] == 0 && sent[c] == got[c] && !ended[c] -> UNREAD(t, fd) = false; goto settle
    fi
  }

#ifdef PUSH
  /* The service's handler sends to the other client first, or not: Lease.take. */
  if
  :: LIVE
  :: atomic {
      LIVE && OBJECT(t, 1 - fd) != 0 && word[1 - fd] == GENERATION(OBJECT(t, 1 - fd)) && SAME_CLIENT(t, 1 - fd) ->
      word[1 - fd] = WITH(word[1 - fd], BUSY); PUSHED(t, 1 - fd) = true
    }
  fi;
#endif

  /* The service's handler: answers at once, burns CPU for a while or for ever, awaits something, or its reply does not fit. */
  if
  :: LIVE -> goto reply
  :: atomic { LIVE -> burning[t] = true }
    if
    :: atomic { LIVE -> burning[t] = false; goto reply }
    :: true -> forever: false
    fi
  :: atomic { LIVE -> MINE(fd, BUSY, generation); word[fd] = WITH(generation, PINNED); goto serve }
  :: atomic { LIVE -> MINE(fd, BUSY, generation); unsent[fd] = c; goto settle }
  fi;

reply: /* Connection.flush: send. */
  atomic {
    LIVE ->
    assert(word[fd] == WITH(generation, BUSY) || word[fd] == WITH(generation, PINNED));
    IO(fd, c);
    assert(!answered[c]);
    answered[c] = true
  }
#ifdef BREAK_LATE_SETTLE
  /* Connection.flushNow, a tick later, for a client that was idle by then. */
  atomic { LIVE -> word[fd] = generation }
#endif

settle: /* Connection.settle. Whatever is kept is in the slot by now; nothing of the client is touched after it. What is unread,
           or cannot be sent, is to be reported once more: EPOLL_CTL_MOD. */
  atomic {
    LIVE ->
#ifndef BREAK_LATE_SETTLE
    assert(word[fd] == WITH(generation, BUSY) || word[fd] == WITH(generation, PINNED));
#endif
#ifndef BREAK_NOT_TOLD_AGAIN
    if
    :: UNREAD(t, fd) || unsent[fd] != 0 -> NEWS(t, fd) = SET(t, fd) != 0
    :: else
    fi;
#endif
    PUSH_IS_DONE(t, fd);
    word[fd] = generation;
    goto serve
  }

#ifdef PUSH
flush: /* ServiceThread.#flushAll, Connection.flushNow: what a turn has sent to others leaves; one that is pinned stays so. */
  atomic {
    LIVE ->
    do
    :: fd < FDS && !PUSHED(t, fd) -> fd++
    :: else -> break
    od;
    if
    :: fd == FDS -> fd = 0; goto turn
    :: else
    fi;
    generation = GENERATION(OBJECT(t, fd)); c = OBJECT_ID(t, fd);
    assert(word[fd] == WITH(generation, BUSY) || word[fd] == WITH(generation, PINNED));
    IO(fd, c);
    if
    :: word[fd] == WITH(generation, BUSY) -> goto settle
    :: else -> PUSHED(t, fd) = false; goto flush
    fi
  }
#endif

#ifdef BREAK_KEEP_AFTER_IDLE
keepLate:
  atomic { LIVE -> half[fd] = c; goto serve }
#endif

end: /* Connection.end. Rule 3: FREE before close. */
  atomic { LIVE -> MINE(fd, BUSY, generation); word[fd] = WITH(generation, CLOSING); OBJECT(t, fd) = 0; OBJECT_ID(t, fd) = 0; UNREAD(t, fd) = false; BEYOND(t, fd) = false; PUSH_IS_DONE(t, fd) }
#ifdef BREAK_CLOSE_FIRST
  atomic { LIVE -> closeFd(fd, c) }
  atomic { LIVE -> freeSlot(fd, generation); goto serve }
#else
  atomic { LIVE -> MINE(fd, CLOSING, generation); freeSlot(fd, generation); inClose[t] = true }
  atomic { LIVE -> closeFd(fd, c); inClose[t] = false; goto serve }
#endif
}

/* The mover may take a client from `from` to `to`. */
#ifdef LIVE_CHECK
#ifdef BREAK_NO_MIGRATOR
#define MAY_MOVE(from, to) false
#else
#define MAY_MOVE(from, to) (burning[from] && FREE_THREAD(to))
#endif
#define COUNT_MOVE skip
#else
#define MAY_MOVE(from, to) (moves < MOVES)
#define COUNT_MOVE moves++
#endif

proctype Acceptor() {
  byte fd, from, to, generation, old, c, i;
  byte next = 1;
  byte moves;
#if HANDOVER > 0
  byte handed;
#endif

loop:
  atomic {
    if
    /* Listener.accept: accept4 may give any number that is free. */
    :: next <= CLIENTS && (serving[0] || serving[1]) && conn[0] == 0 -> fd = 0; goto accept
#if FDS > 1
    :: next <= CLIENTS && (serving[0] || serving[1]) && conn[1] == 0 -> fd = 1; goto accept
#endif
    :: STATE(word[0]) == IDLE && serving[THREAD(word[0])] && serving[1 - THREAD(word[0])] && MAY_MOVE(THREAD(word[0]), 1 - THREAD(word[0])) -> fd = 0; old = word[0]; from = THREAD(old); to = 1 - from; COUNT_MOVE; goto move
#if FDS > 1
    :: STATE(word[1]) == IDLE && serving[THREAD(word[1])] && serving[1 - THREAD(word[1])] && MAY_MOVE(THREAD(word[1]), 1 - THREAD(word[1])) -> fd = 1; old = word[1]; from = THREAD(old); to = 1 - from; COUNT_MOVE; goto move
#endif
#if HANDOVER > 0
    :: handed < HANDOVER && STATE(word[0]) == IDLE && serving[THREAD(word[0])] -> fd = 0; old = word[0]; from = THREAD(old); handed++; goto leave
#if FDS > 1
    :: handed < HANDOVER && STATE(word[1]) == IDLE && serving[THREAD(word[1])] -> fd = 1; old = word[1]; from = THREAD(old); handed++; goto leave
#endif
#endif
    :: gone[0] -> goto takeOver
    fi
  }

accept: /* Acceptor.#admit, ConnectionTable.admit */
  atomic {
    c = next; next++; conn[fd] = c;
    if
    :: serving[0] -> to = 0
    :: serving[1] -> to = 1
    fi;
    assert(STATE(word[fd]) == FREE);
    assert(half[fd] == 0 && unsent[fd] == 0);
    id[fd] = c;
#ifdef BREAK_EPOCH
    generation = WORD(IDLE, to, EPOCH(word[fd]));
#else
    generation = WORD(IDLE, to, (EPOCH(word[fd]) + 1) % EPOCHS);
#endif
    beginGeneration(fd, generation);
    word[fd] = WITH(generation, MOVING)
  }
  goto add;

move: /* Migrator.move, from moveAll: the word was seen, then ConnectionTable.startMove compares and swaps. */
  atomic {
    if
    :: word[fd] != old -> goto moved
    :: else
    fi;
    c = conn[fd];
#ifdef BREAK_EPOCH
    generation = WORD(IDLE, to, EPOCH(old));
#else
    generation = WORD(IDLE, to, (EPOCH(old) + 1) % EPOCHS);
#endif
    beginGeneration(fd, generation);
#ifdef BREAK_SETTLE_FIRST
    word[fd] = generation
#else
    word[fd] = WITH(generation, MOVING)
#endif
  }
  atomic { MINE(fd, MOVING, generation); IO(fd, c); SET(from, fd) = 0; NEWS(from, fd) = false } /* EPOLL_CTL_DEL */
add: /* Migrator.#add, then ConnectionTable.settle, unless the thread was faster. What is there already is news to the set. */
  atomic { MINE(fd, MOVING, generation); IO(fd, c); assert(setOpen[to]); SET(to, fd) = generation; NEWS(to, fd) = sent[c] > got[c] || ended[c] || unsent[fd] != 0 }
  atomic {
    if
    :: word[fd] == WITH(generation, MOVING) -> word[fd] = generation
    :: else
    fi
  }
moved:
  atomic {
    from = 0; to = 0; generation = 0; old = 0; c = 0;
    if
    :: gone[0] && !serving[0] -> fd++; goto inherit
    :: else -> fd = 0; goto loop
    fi
  }

#if HANDOVER > 0
leave: /* HandoverGiver.#pickNext, Migrator.detach: the word was seen, then ConnectionTable.startMove compares and swaps. */
#ifdef BREAK_LEAVE
  atomic {
    if
    :: word[fd] != old -> goto moved
    :: else -> c = conn[fd]
    fi
  }
#endif
  atomic {
#ifndef BREAK_LEAVE
    if
    :: word[fd] != old -> goto moved
    :: else -> c = conn[fd]
    fi;
#endif
    old = WORD(IDLE, from, (EPOCH(old) + 1) % EPOCHS);
    beginGeneration(fd, old);
    word[fd] = WITH(old, MOVING)
  }
#ifndef BREAK_LEAVE_IN_SET
  atomic { MINE(fd, MOVING, old); IO(fd, c); SET(from, fd) = 0; NEWS(from, fd) = false } /* EPOLL_CTL_DEL */
#endif
  /* HandoverGiver.#sendRest: the fd, what the slot says, and what is kept. Then the other process answers, or ends. */
  atomic {
    MINE(fd, MOVING, old); IO(fd, c);
    assert(half[fd] == 0 || half[fd] == c);
    assert(unsent[fd] == 0 || unsent[fd] == c)
  }
#ifdef BREAK_SERVED_UNANSWERED
  atomic { away[c] = true }
#endif
  if
  :: atomic { away[c] = true } goto left
  :: atomic {
      /* HandoverGiver.#lost: it ends without an answer, and the client is made idle again: Migrator.reattach. */
      if
      :: serving[from] -> to = from
      :: !serving[from] && serving[1 - from] -> to = 1 - from
      fi;
      generation = WORD(IDLE, to, (EPOCH(old) + 1) % EPOCHS);
      beginGeneration(fd, generation);
      word[fd] = WITH(generation, MOVING);
      goto add
    }
  fi;
left: /* HandoverGiver.#answered, Closer.letGo: the fd is closed, the connection is not; what epoll watches stays watched. */
  atomic { MINE(fd, MOVING, old); freeSlot(fd, old) }
  atomic {
    assert(conn[fd] == c);
    assert(SET(0, fd) == 0 && SET(1, fd) == 0);
    conn[fd] = 0;
    goto moved
  }
#endif

takeOver: /* Acceptor.threadGone; idle clients wait for a thread that can have them. */
  atomic { serving[0] = false; fd = 0 }
inherit: /* Acceptor.#inherit, for each slot of the dead thread */
  atomic {
    if
    :: fd == FDS -> goto inherited
    :: fd < FDS && (STATE(word[fd]) == FREE || THREAD(word[fd]) != 0) -> fd++; goto inherit
    :: else -> old = word[fd]
    fi;
    if
    :: STATE(old) == IDLE -> serving[1]; from = 0; to = 1; goto move
    :: else -> c = conn[fd]
    fi
  }
  /* Closer.close, for PINNED, BUSY, CLOSING. Rule 4: the thread that had it is truly gone. */
  atomic { assert(word[fd] == old); generation = old; word[fd] = WITH(old, CLOSING) }
  atomic { MINE(fd, CLOSING, old); freeSlot(fd, old) }
  atomic { closeFd(fd, c); generation = 0; old = 0; c = 0; fd++; goto inherit }
inherited: /* Acceptor.#takeOver: the thread's epoll set is closed, its row cleared. */
  atomic {
    for (i : 0 .. FDS - 1) {
      SET(0, i) = 0; NEWS(0, i) = false; EVENT(0, i) = 0; HANGUP(0, i) = false;
      OBJECT(0, i) = 0; OBJECT_ID(0, i) = 0; UNREAD(0, i) = false; BEYOND(0, i) = false; PUSH_IS_DONE(0, i)
    }
    i = 0; fd = 0; setOpen[0] = false; gone[0] = false; goto loop
  }
}

/* Main: thread 0 may die anywhere but between free and close (see docs/internals/protocol.md), and is replaced. ThreadPool.#ended, #replace. */
proctype Main() {
#ifdef BREAK_GONE_EARLY
  gone[0] = true;
  atomic { !inClose[0] -> life[0] = 0; burning[0] = false }
#else
#ifdef BREAK_DIE_IN_CLOSE
  atomic { inClose[0] -> life[0] = 0; burning[0] = false; inClose[0] = false }
#else
  atomic { !inClose[0] -> life[0] = 0; burning[0] = false }
#endif
  gone[0] = true;
#endif
#ifdef BREAK_RESTART_EARLY
  atomic { setOpen[0] = true; life[0] = 2; run Thread(0, 2) }
  atomic { !gone[0] -> serving[0] = true }
#else
  /* The thread's number is given out again only when the acceptor is done with its row. */
  atomic { !gone[0] -> setOpen[0] = true; life[0] = 2; run Thread(0, 2) }
  serving[0] = true
#endif
}

/* Clients connect at once, and send up to one message, whole or half; each may end at any time, or never. */
proctype Client(byte c) {
  byte i;
  do
  :: atomic { sent[c] < 2 && !ended[c] -> sent[c] = sent[c] + 1; tell(c) }
  :: atomic { !ended[c] -> ended[c] = true; tell(c); break }
  :: sent[c] == 2 -> break
  od
}

#if defined(LIVE_CHECK) && !defined(LTL)
/* When nothing can happen any more: no client waits beside a free thread, and every fd that is open has an owner. */
proctype AtRest() {
  byte fd;
  timeout ->
  for (fd : 0 .. FDS - 1) {
    assert(!(WAITS(fd) && ANY_FREE_THREAD));
    assert((conn[fd] == 0) == (STATE(word[fd]) == FREE))
  }
}
#endif

init {
  atomic {
    byte k;
    for (k : 1 .. CLIENTS) { run Client(k) }
    run Thread(0, 1);
    run Thread(1, 1);
    run Acceptor();
#ifdef DEATH
    run Main();
#endif
#if defined(LIVE_CHECK) && !defined(LTL)
    run AtRest();
#endif
  }
}

#ifdef LTL
/* Nobody waits for ever while a thread is free, if every process that can go on does at some time (weak fairness). */
ltl served { !<>[](ANY_WAITS && ANY_FREE_THREAD) }
#endif
