/*
 * Models the waiting room: an epoll set of the acceptor's own, in which expensive clients rest between their turns.
 * The room is a row of the thread board that no thread has. The acceptor moves a client from the room to a thread for a
 * turn of one message; the thread then gives the client back. `ownership.pml` holds the rest of the protocol: the two
 * models share the control word, the kernel and the move, and leave out what the other one has.
 *
 * One step of a process is one `atomic`: a store or compare-and-swap of shared memory, or one system call. A BREAK_...
 * breaks one rule on purpose; `spec/check` has spin find each of them.
 * LIVE_CHECK checks that nobody waits for ever; the acceptor then moves clients only when it should.
 * DEATH: thread 0 may die at any step, and is replaced. DRAIN: the server shuts down at some time.
 * HANDOVER: how many clients of the room go to another process; with RATE, of a thread as well.
 * RATE: a client may have to wait for its rate, once, and clients give way to others between two messages.
 */

#ifndef THREADS
#define THREADS 1   /* 1 or 2 */
#endif
#ifndef FDS
#define FDS 1       /* fd numbers, 1 or 2 */
#endif
#ifndef CLIENTS
#define CLIENTS 2   /* connections that are made, one after another */
#endif
#ifndef MESSAGES
#define MESSAGES 2  /* that each client sends */
#endif
#ifndef EPOCHS
#define EPOCHS 3
#endif
#ifndef MOVES
#define MOVES 0     /* how many clients the acceptor moves for no reason */
#endif
#ifndef HANDOVER
#define HANDOVER 0
#endif

/* src/sharing/control-word.ts. Rows 0 and 1 are threads. */
#define ROOM 2
#define FREE 0
#define IDLE 1
#define BUSY 2
#define PINNED 3
#define MOVING 4
#define CLOSING 5
#define WORD(state, row, epoch) (((epoch) << 5) | ((row) << 3) | (state))
#define STATE(w) ((w) & 7)
#define ROW(w) (((w) >> 3) & 3)
#define EPOCH(w) (((w) >> 5) & 3)
#define NEXT(w) ((EPOCH(w) + 1) % EPOCHS)
#define WITH(w, state) (((w) & ~7) | (state))

/* The slots of the table. `inbox`: whole messages kept for the client `inboxOf`. `workLeft`: the flag that says so to
   whoever does not decode. `expensive`: the acceptor has given the client a turn. */
byte word[FDS];
byte id[FDS];
byte inbox[FDS];
byte inboxOf[FDS];
bool workLeft[FDS];
bool expensive[FDS];

/* The kernel. `conn`: which connection an fd number means, 0 for none. `set`: the generation in the epoll set of a row, 0: not
   in it. `news`: something has changed at the fd since the set has reported it last (EPOLLET). */
byte conn[FDS];
byte set[6];
bool news[6];
bool setOpen[2] = true;
#define SET(row, fd) set[(row) * 2 + (fd)]
#define NEWS(row, fd) news[(row) * 2 + (fd)]

/* Connections 1 to CLIENTS: messages that were sent, that a thread has read from the kernel, that were answered. */
byte sent[CLIENTS + 1];
byte got[CLIENTS + 1];
byte answered[CLIENTS + 1];
bool ended[CLIENTS + 1];
bool closed[CLIENTS + 1];
bool away[CLIENTS + 1];

/* Threads. `event`: generations that epoll_wait gave and that wait for their turn, of the room as well. */
byte life[2];
bool serving[2];
bool gone[2];
bool burning[2];
bool inClose[2];
byte event[6];
#define EVENT(row, fd) event[(row) * 2 + (fd)]

#ifdef RATE
/* `timer`: the generation of a client that waits for its rate, as its thread remembers it. `slowed`: it had to wait. */
byte timer[4];
bool slowed[CLIENTS + 1];
#define TIMER(row, fd) timer[(row) * 2 + (fd)]
#endif

/* The acceptor. `said`: the event told of bytes or of an end. `queue`: the generation of a client that waits for its turn.
   `onTurn`: the generation under which a client has its turn on this thread, 0: none has. */
bool said[FDS];
byte queue[FDS];
byte onTurn[2];
byte turnFd[2];

/* The server shuts down: `draining`, the acceptor knows; `told`, the thread knows; `reported`, it has told main that it is
   drained. */
bool draining;
bool told[2];
bool reported[2];

/* Ghost: set on every event of an fd when a new generation begins. No thread sees it; it may never be acted on. */
#define OLD 128
#define GENERATION(x) ((x) & 127)

#define READABLE(fd) (sent[conn[fd]] > got[conn[fd]] || ended[conn[fd]])
/* The room's set is watched for EPOLLOUT too, and a client has room to send: what is news there is an event. */
#define READY(row, fd) (SET(row, fd) != 0 && NEWS(row, fd) && (row == ROOM || READABLE(fd) || workLeft[fd] || draining))
#define WAITS(fd) (conn[fd] != 0 && (READABLE(fd) || inbox[fd] != 0) && STATE(word[fd]) != PINNED && !(STATE(word[fd]) == BUSY && ROW(word[fd]) != ROOM && burning[ROW(word[fd])]))
#define FREE_THREAD(t) (life[t] != 0 && serving[t] && !burning[t])
#define ANY_FREE_THREAD (FREE_THREAD(0) || FREE_THREAD(1))
#if FDS == 1
#define ANY_READY(row) READY(row, 0)
#define ANY_WAITS WAITS(0)
#define IN_USE_BY(row) (STATE(word[0]) != FREE && ROW(word[0]) == row)
#define NONE_IN_USE (STATE(word[0]) == FREE)
#define ALL_HEARD (EVENT(ROOM, 0) == 0)
#else
#define ANY_READY(row) (READY(row, 0) || READY(row, 1))
#define ANY_WAITS (WAITS(0) || WAITS(1))
#define IN_USE_BY(row) ((STATE(word[0]) != FREE && ROW(word[0]) == row) || (STATE(word[1]) != FREE && ROW(word[1]) == row))
#define NONE_IN_USE (STATE(word[0]) == FREE && STATE(word[1]) == FREE)
#define ALL_HEARD (EVENT(ROOM, 0) == 0 && EVENT(ROOM, 1) == 0)
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
  SET(1, fd) = 0; NEWS(1, fd) = false;
  SET(ROOM, fd) = 0; NEWS(ROOM, fd) = false
}

/* EPOLL_CTL_ADD: what is there already is news to the set; `writes`: it is watched for EPOLLOUT as well. */
inline addTo(row, fd, c, generation, writes) {
  SET(row, fd) = generation;
  NEWS(row, fd) = sent[c] > got[c] || ended[c] || (writes)
}

/* Something has come for connection `c`: whoever watches it hears of it. */
inline tell(c) {
  for (i : 0 .. FDS - 1) {
    if
    :: conn[i] == c -> NEWS(0, i) = SET(0, i) != 0; NEWS(1, i) = SET(1, i) != 0; NEWS(ROOM, i) = SET(ROOM, i) != 0
    :: else
    fi
  }
  i = 0
}

inline freeSlot(fd, generation) {
  inbox[fd] = 0; inboxOf[fd] = 0; workLeft[fd] = false; expensive[fd] = false;
  word[fd] = WITH(generation, FREE)
}

/* Marks an event. One that is marked already, and has the new stay's epoch, has waited while all epochs went by: such a
   one is taken to be forgotten (a million generations in the code). */
inline age(x, generation) {
  if
  :: x >= OLD && EPOCH(x) == EPOCH(generation) -> x = 0
  :: x != 0 && !(x >= OLD && EPOCH(x) == EPOCH(generation)) -> x = GENERATION(x) | OLD
  :: else
  fi
}

/* A stay begins. */
inline beginGeneration(fd, generation) {
  age(EVENT(0, fd), generation);
  age(EVENT(1, fd), generation);
  age(EVENT(ROOM, fd), generation);
#ifdef RATE
  age(TIMER(0, fd), generation);
  age(TIMER(1, fd), generation);
#endif
  age(queue[fd], generation)
}

/* The word of a client that is being given back, of which the room's set has reported an event under `generation`. The event
   shows that the fd is in the set: its thread has only the last step to do. */
#ifdef BREAK_OLD_EPOCH
#define IS_COMING(w, generation) (STATE(w) == BUSY && ROW(w) != ROOM && NEXT(w) == EPOCH(generation))
#else
#define IS_COMING(w, generation) (STATE(w) == BUSY && ROW(w) != ROOM && EPOCH(w) == EPOCH(generation))
#endif

/* ServiceThread.checkDrained */
#if defined(BREAK_DRAINED_ALONE)
#define IS_DRAINED(t) (!IN_USE_BY(t))
#elif defined(BREAK_DRAINED_AND_ROOM)
#define IS_DRAINED(t) (!IN_USE_BY(t) && !IN_USE_BY(ROOM))
#else
#define IS_DRAINED(t) NONE_IN_USE
#endif

proctype Thread(byte t, me) {
  byte fd, generation, c;
#define LIVE (life[t] == me)

turns: /* Reactor.#turn; or a PINNED connection's handler is done; or the thread drains, and has no client. */
  if
  :: atomic {
      LIVE && ANY_READY(t) ->
      for (fd : 0 .. FDS - 1) {
        if
        :: READY(t, fd) -> EVENT(t, fd) = SET(t, fd); NEWS(t, fd) = false
        :: else -> EVENT(t, fd) = 0
        fi
      }
      fd = 0
    }
  :: atomic { LIVE && STATE(word[0]) == PINNED && ROW(word[0]) == t -> fd = 0; generation = WITH(word[0], IDLE); c = id[0]; goto reply }
#if FDS > 1
  :: atomic { LIVE && STATE(word[1]) == PINNED && ROW(word[1]) == t -> fd = 1; generation = WITH(word[1], IDLE); c = id[1]; goto reply }
#endif
#ifdef RATE
  :: atomic { LIVE && TIMER(t, 0) != 0 -> fd = 0; goto lift }
#if FDS > 1
  :: atomic { LIVE && TIMER(t, 1) != 0 -> fd = 1; goto lift }
#endif
#endif
#ifdef DRAIN
  /* ServiceThread.drain: idle clients are taken, answered and closed. */
  :: atomic { LIVE && told[t] && STATE(word[0]) == IDLE && ROW(word[0]) == t -> fd = 0; generation = word[0]; c = id[0]; word[0] = WITH(generation, BUSY); goto read }
#if FDS > 1
  :: atomic { LIVE && told[t] && STATE(word[1]) == IDLE && ROW(word[1]) == t -> fd = 1; generation = word[1]; c = id[1]; word[1] = WITH(generation, BUSY); goto read }
#endif
  :: atomic { LIVE && told[t] && !reported[t] && IS_DRAINED(t) -> reported[t] = true; goto turns }
#endif
  fi;

serve: /* ServiceThread.serve: takeReady, or in hand, or drop. */
  atomic {
    LIVE ->
    generation = 0; c = 0;
    do
    :: fd < FDS && EVENT(t, fd) == 0 -> fd++
    :: else -> break
    od;
    if
    :: fd == FDS -> fd = 0; goto turns
    :: else
    fi;
    generation = GENERATION(EVENT(t, fd));
    if
    :: word[fd] == generation || word[fd] == WITH(generation, MOVING) ->
      assert(EVENT(t, fd) < OLD);
      word[fd] = WITH(generation, BUSY); EVENT(t, fd) = 0
    :: else -> EVENT(t, fd) = 0; goto serve /* PINNED: it reads on when the handler is done. */
    fi
  }

read: /* Connection.event: kept messages first, then recv until nothing is there. Who takes the slot clears the flag. */
  atomic {
    LIVE ->
    MINE(fd, BUSY, generation);
    c = id[fd];
#ifdef RATE
    if
    :: TIMER(t, fd) == generation -> word[fd] = generation; goto serve /* It waits on. */
    :: else
    fi;
#endif
    workLeft[fd] = false;
    assert(inbox[fd] == 0 || inboxOf[fd] == c);
    if
    :: inbox[fd] != 0 -> goto handle
    :: inbox[fd] == 0 && sent[c] > got[c] -> IO(fd, c); inbox[fd] = sent[c] - got[c]; inboxOf[fd] = c; got[c] = sent[c]; goto handle
    :: inbox[fd] == 0 && sent[c] == got[c] && (ended[c] || told[t]) -> IO(fd, c); goto end
    :: inbox[fd] == 0 && sent[c] == got[c] && !ended[c] && !told[t] -> IO(fd, c); goto settle
    fi
  }

handle: /* The service's handler answers at once, burns CPU for a while or for ever, or awaits something. */
  if
  :: LIVE -> goto reply
  :: atomic { LIVE -> burning[t] = true }
    if
    :: atomic { LIVE -> burning[t] = false; goto reply }
#ifndef DRAIN
    :: true -> forever: false
#endif
    fi
#ifdef HOLDS
  :: atomic { LIVE -> MINE(fd, BUSY, generation); word[fd] = WITH(generation, PINNED); goto serve }
#endif
#ifdef RATE
  /* MessageRate.admits: the message comes too soon. An expensive client would be PINNED, as one whose handler awaits something. */
  :: atomic {
      LIVE && !slowed[c] && !expensive[fd] ->
      MINE(fd, BUSY, generation);
      slowed[c] = true; TIMER(t, fd) = generation;
#ifndef BREAK_SLOWED_UNSAVED
      workLeft[fd] = true;
#endif
      word[fd] = generation; goto serve
    }
#endif
  fi;

reply: /* One message is answered. After a short one the thread goes on; a long one ends the turn. */
  atomic {
    LIVE ->
    assert(word[fd] == WITH(generation, BUSY) || word[fd] == WITH(generation, PINNED));
    IO(fd, c);
    assert(inboxOf[fd] == c && inbox[fd] != 0 && answered[c] < got[c]);
    inbox[fd] = inbox[fd] - 1;
    answered[c] = answered[c] + 1;
    word[fd] = WITH(generation, BUSY); /* In the code a PINNED one stays so until it is settled. */
    if
    :: goto read
    :: goto giveBack
#ifdef RATE
    :: inbox[fd] != 0 && !expensive[fd] -> goto ask /* Turn.giveWay */
#endif
#ifdef BREAK_WORK_LEFT_IDLE
    :: inbox[fd] != 0 -> workLeft[fd] = true; word[fd] = generation; goto serve
#endif
    fi
  }

settle: /* Connection.settle: nothing is kept, all was read. Who was given a turn does not rest here. */
  atomic {
    LIVE ->
    if
#ifdef BREAK_TURN_STAYS
    :: word[fd] = generation; goto serve
#else
    :: !expensive[fd] -> word[fd] = generation; goto serve
#endif
    :: goto giveBack
    fi
  }

#ifdef RATE
lift: /* MessageRate.#goOn: takes the client if it still is here, to ask for an event. */
  atomic {
    LIVE ->
    generation = TIMER(t, fd);
    TIMER(t, fd) = 0;
    if
#ifdef BREAK_ASKED_UNTAKEN
    :: word[fd] == generation -> c = id[fd]
#else
    :: word[fd] == generation -> word[fd] = WITH(generation, BUSY); c = id[fd]
#endif
    :: else -> generation = 0; goto turns
    fi
  }
ask: /* EPOLL_CTL_MOD, for EPOLLOUT as well; then it is idle with work left. */
#ifndef BREAK_UNASKED
  atomic { LIVE -> IO(fd, c); NEWS(t, fd) = true }
#endif
  atomic { LIVE -> workLeft[fd] = true; word[fd] = generation; goto serve }
#endif

giveBack: /* The next epoch first: the room's event is never of an epoch that the slot has not had. */
#ifndef BREAK_WORK_LEFT_LATE
  atomic { LIVE -> MINE(fd, BUSY, generation); workLeft[fd] = inbox[fd] != 0 }
#endif
  atomic {
    LIVE ->
    MINE(fd, BUSY, generation);
#ifndef BREAK_OLD_EPOCH
    generation = WORD(IDLE, t, NEXT(generation));
#endif
    beginGeneration(fd, WORD(IDLE, ROOM, EPOCH(generation)));
    word[fd] = WITH(generation, BUSY)
  }
#ifdef BREAK_OLD_EPOCH
#define ROOM_GENERATION WORD(IDLE, ROOM, NEXT(generation))
#else
#define ROOM_GENERATION WORD(IDLE, ROOM, EPOCH(generation))
#endif
#ifndef BREAK_DEL_LAST
  atomic { LIVE -> MINE(fd, BUSY, generation); IO(fd, c); SET(t, fd) = 0; NEWS(t, fd) = false } /* EPOLL_CTL_DEL */
#endif
#ifdef BREAK_IDLE_BEFORE_ADD
  atomic { LIVE -> word[fd] = ROOM_GENERATION }
#endif
  if
  :: atomic { /* EPOLL_CTL_ADD, for EPOLLOUT as well: that the client has come is an event by itself. */
      LIVE ->
#ifndef BREAK_IDLE_BEFORE_ADD
      MINE(fd, BUSY, generation);
#endif
      IO(fd, c);
#ifdef BREAK_COMES_UNTOLD
      addTo(ROOM, fd, c, ROOM_GENERATION, false)
#else
      addTo(ROOM, fd, c, ROOM_GENERATION, true)
#endif
    }
#ifdef ADD_FAILS
  :: atomic { /* It failed: the client stays, under the generation of the new epoch. The acceptor sees that the turn is over. */
      LIVE ->
#ifdef BREAK_FAILED_KEEPS_EPOCH
      generation = WORD(IDLE, t, (EPOCH(generation) + EPOCHS - 1) % EPOCHS);
      word[fd] = WITH(generation, BUSY);
#endif
      MINE(fd, BUSY, generation); IO(fd, c); assert(setOpen[t]); addTo(t, fd, c, generation, workLeft[fd])
    }
    atomic { LIVE -> word[fd] = generation; goto serve }
#endif
  fi;
#ifdef BREAK_WORK_LEFT_LATE
  atomic { LIVE -> workLeft[fd] = inbox[fd] != 0 }
#endif
#ifdef BREAK_DEL_LAST
  atomic { LIVE -> MINE(fd, BUSY, generation); IO(fd, c); SET(t, fd) = 0; NEWS(t, fd) = false }
#endif
  /* ConnectionTable.endGiveBack: it rests in the room, unless the acceptor was faster. */
  atomic {
    LIVE ->
    if
#ifdef BREAK_LAST_STORE
    :: true -> word[fd] = ROOM_GENERATION
#else
    :: word[fd] == WITH(generation, BUSY) -> word[fd] = ROOM_GENERATION
    :: else
#endif
    fi;
    goto serve
  }

end: /* Connection.end. Rule 3: FREE before close. */
  atomic { LIVE -> MINE(fd, BUSY, generation); word[fd] = WITH(generation, CLOSING) }
  atomic { LIVE -> MINE(fd, CLOSING, generation); freeSlot(fd, generation); inClose[t] = true }
  atomic { LIVE -> closeFd(fd, c); inClose[t] = false; goto serve }
}

/* The acceptor may move a client from `from` for no reason of its own, or off a thread that is blocked. */
#define IDLE_ON(fd, row) (STATE(word[fd]) == IDLE && ROW(word[fd]) == row)
#ifdef LIVE_CHECK
#define MAY_MOVE(row) (row != ROOM && burning[row])
#define COUNT_MOVE skip
#else
#define MAY_MOVE(row) (moves < MOVES)
#define COUNT_MOVE moves++
#endif
#define IS_OVER(t) (onTurn[t] != 0 && !(WITH(word[turnFd[t]], IDLE) == onTurn[t] && (STATE(word[turnFd[t]]) == IDLE || STATE(word[turnFd[t]]) == BUSY || STATE(word[turnFd[t]]) == MOVING)))

#define ACCEPT(n) next <= CLIENTS && conn[n] == 0 && !draining -> fd = n; goto accept
#define MOVE(n) STATE(word[n]) == IDLE && (ROW(word[n]) == ROOM || serving[ROW(word[n])]) && MAY_MOVE(ROW(word[n])) -> fd = n; old = word[n]; from = ROW(old); COUNT_MOVE; goto choose
#define TURN(n) queue[n] != 0 && ((FREE_THREAD(0) && onTurn[0] == 0) || (FREE_THREAD(1) && onTurn[1] == 0)) -> fd = n; goto hand
#define HEAR(n) EVENT(ROOM, n) != 0 -> fd = n; goto heard
#ifdef RATE
#define MAY_LEAVE(n) STATE(word[n]) == IDLE
#else
#define MAY_LEAVE(n) IDLE_ON(n, ROOM)
#endif
#define LEAVE(n) handed < HANDOVER && MAY_LEAVE(n) -> fd = n; old = word[n]; handed++; goto leave
#define EMPTY(n) draining && MAY_EMPTY && IDLE_ON(n, ROOM) && (serving[0] || serving[1]) -> fd = n; old = word[n]; from = ROOM; goto toThread
#ifdef BREAK_EMPTIED_ONCE
#define MAY_EMPTY !isDrained
#else
#define MAY_EMPTY true
#endif

proctype Acceptor() {
  byte fd, from, to, generation, old, c, i;
  byte next = 1;
  byte moves, handed;
  bool isDrained;

loop:
  atomic {
    fd = 0; from = 0; to = 0; generation = 0; old = 0; c = 0;
idle:
    if
    :: ACCEPT(0)
    :: MOVE(0)
    :: TURN(0)
    :: HEAR(0)
    :: IS_OVER(0) -> onTurn[0] = 0; turnFd[0] = 0; goto loop
#if FDS > 1
    :: ACCEPT(1)
    :: MOVE(1)
    :: TURN(1)
    :: HEAR(1)
#endif
#if THREADS > 1
    :: IS_OVER(1) -> onTurn[1] = 0; turnFd[1] = 0; goto loop
#endif
    /* WaitingRoom.hear: epoll_wait of the room's set. */
    :: ANY_READY(ROOM) && ALL_HEARD ->
      for (fd : 0 .. FDS - 1) {
        if
        :: READY(ROOM, fd) -> EVENT(ROOM, fd) = SET(ROOM, fd); said[fd] = READABLE(fd); NEWS(ROOM, fd) = false
        :: else
        fi
      }
      goto loop
#if HANDOVER > 0
    :: LEAVE(0)
#if FDS > 1
    :: LEAVE(1)
#endif
#endif
#ifdef DRAIN
    :: EMPTY(0)
#if FDS > 1
    :: EMPTY(1)
#endif
    /* The room is empty: main hears that, and tells the threads to drain. */
    :: draining && !isDrained && !IN_USE_BY(ROOM) -> isDrained = true; told[0] = true; told[1] = true; goto loop
#endif
#ifdef DEATH
    :: gone[0] -> goto takeOver
#endif
    fi
  }

heard: /* WaitingRoom.#event, ConnectionTable.isGivenBack: one load of the word decides. */
#ifdef BREAK_TWO_LOOKS
  atomic {
    if
    :: word[fd] == GENERATION(EVENT(ROOM, fd)) -> goto enqueue
    :: else
    fi
  }
#endif
  atomic {
    old = word[fd]; generation = GENERATION(EVENT(ROOM, fd));
    if
    :: generation == 0 -> goto loop
#ifndef BREAK_TWO_LOOKS
    :: generation != 0 && old == generation -> goto enqueue
#endif
#ifndef BREAK_DROP_COMING
    :: generation != 0 && IS_COMING(old, generation)
#endif
    :: else -> EVENT(ROOM, fd) = 0; said[fd] = false; goto loop
    fi
  }
  /* The acceptor does the last step of giving back itself. If the thread was faster, there is nothing to do. */
  atomic {
    if
    :: word[fd] == old -> word[fd] = generation
    :: else
    fi
  }
enqueue: /* A client that is only back does not wait for a turn. */
  atomic {
    if
    :: EVENT(ROOM, fd) == 0 -> goto loop
    :: else -> assert(EVENT(ROOM, fd) < OLD)
    fi;
    if
#ifdef BREAK_WORK_LEFT_UNHEEDED
    :: said[fd] -> queue[fd] = EVENT(ROOM, fd)
#else
    :: said[fd] || workLeft[fd] -> queue[fd] = EVENT(ROOM, fd)
#endif
    :: else
    fi;
    EVENT(ROOM, fd) = 0; said[fd] = false; goto loop
  }

hand: /* Turns.#give: an entry of a client that has left the room by another way is stale. Then Migrator.move. */
  atomic {
#ifdef BREAK_QUEUE_BY_FD
    old = word[fd];
    if
    :: IDLE_ON(fd, ROOM)
#else
    old = GENERATION(queue[fd]);
    if
    :: old != 0 && word[fd] == old
#endif
    :: else -> queue[fd] = 0; goto loop
    fi;
    assert(queue[fd] < OLD);
    if
    :: FREE_THREAD(0) && onTurn[0] == 0 -> to = 0
#if THREADS > 1
    :: FREE_THREAD(1) && onTurn[1] == 0 -> to = 1
#endif
    :: else -> goto loop /* It has died, or is blocked, since. */
    fi;
    queue[fd] = 0; from = ROOM;
    expensive[fd] = true;
    onTurn[to] = WORD(IDLE, to, NEXT(old)); turnFd[to] = fd;
    goto move
  }

accept: /* Acceptor.#admit: to a thread, or straight into the room. */
  atomic {
    c = next; next++; conn[fd] = c;
    if
    :: serving[0] -> to = 0
#if THREADS > 1
    :: serving[1] -> to = 1
#endif
    :: to = ROOM
    fi;
    assert(STATE(word[fd]) == FREE);
    assert(inbox[fd] == 0 && !workLeft[fd]);
    id[fd] = c;
    generation = WORD(IDLE, to, NEXT(word[fd]));
    beginGeneration(fd, generation);
    word[fd] = WITH(generation, MOVING);
    goto add
  }

choose: /* Where to: from a thread to the room, from the room to a thread, or between threads. */
  atomic {
    if
    :: from != ROOM -> to = ROOM; goto move
    :: from != 0 && serving[0] -> to = 0; goto move
#if THREADS > 1
    :: from != 1 && serving[1] -> to = 1; goto move
#endif
    :: else -> goto loop
    fi
  }
toThread:
  atomic {
    if
    :: serving[0] -> to = 0
#if THREADS > 1
    :: serving[1] -> to = 1
#endif
    :: else -> goto loop
    fi
  }
move: /* Migrator.move: the word was seen, then ConnectionTable.startMove compares and swaps. */
  atomic {
    if
    :: word[fd] != old -> goto moved
    :: else
    fi;
    c = id[fd];
    generation = WORD(IDLE, to, NEXT(old));
    beginGeneration(fd, generation);
    word[fd] = WITH(generation, MOVING);
    old = 0
  }
del:
  atomic { MINE(fd, MOVING, generation); IO(fd, c); SET(from, fd) = 0; NEWS(from, fd) = false } /* EPOLL_CTL_DEL */
add: /* Migrator.#add, then ConnectionTable.settle, unless the thread was faster. */
  atomic {
    MINE(fd, MOVING, generation); IO(fd, c);
    assert(to == ROOM || setOpen[to]);
#ifdef BREAK_WORK_LEFT_UNTOLD
    addTo(to, fd, c, generation, to == ROOM || draining)
#else
    addTo(to, fd, c, generation, to == ROOM || draining || workLeft[fd])
#endif
  }
  atomic {
    if
    :: word[fd] == WITH(generation, MOVING) -> word[fd] = generation
    :: else
    fi
  }
moved:
  atomic {
    if
    :: gone[0] && !serving[0] -> from = 0; to = 0; generation = 0; old = 0; c = 0; fd++; goto inherit
    :: else -> goto loop
    fi
  }

leave: /* HandoverGiver.#pickNext, Migrator.detach, then the other process answers, or ends: see ownership.pml. */
  atomic {
    if
    :: word[fd] != old -> goto loop
    :: else -> c = id[fd]
    fi;
    from = ROW(old);
    old = WORD(IDLE, from, NEXT(old));
    beginGeneration(fd, old);
    word[fd] = WITH(old, MOVING)
  }
  atomic { MINE(fd, MOVING, old); IO(fd, c); SET(from, fd) = 0; NEWS(from, fd) = false } /* EPOLL_CTL_DEL */
  if
  :: atomic { away[c] = true } goto left
  :: atomic { /* HandoverGiver.#lost: the client is made idle again in the room. */
      to = ROOM;
      generation = WORD(IDLE, to, NEXT(old));
      beginGeneration(fd, generation);
      word[fd] = WITH(generation, MOVING);
      old = 0;
      goto add
    }
  fi;
left: /* Closer.letGo: the fd is closed, the connection is not. */
  atomic { MINE(fd, MOVING, old); freeSlot(fd, old) }
  atomic {
    assert(conn[fd] == c);
    assert(SET(0, fd) == 0 && SET(1, fd) == 0 && SET(ROOM, fd) == 0);
    conn[fd] = 0;
    goto loop
  }

takeOver: /* Supervisor.threadGone: idle clients go to the room, whether there is another thread or not. */
  atomic { serving[0] = false; fd = 0 }
inherit:
  atomic {
    if
    :: fd == FDS -> goto inherited
    :: fd < FDS && (STATE(word[fd]) == FREE || ROW(word[fd]) != 0) -> fd++; goto inherit
    :: else -> old = word[fd]
    fi;
    if
    :: STATE(old) == IDLE -> from = 0; to = ROOM; goto move
    :: else -> c = id[fd]
    fi
  }
  /* Closer.close, for PINNED, BUSY, CLOSING. Rule 4: the thread that had it is truly gone. */
  atomic { assert(word[fd] == old); generation = old; word[fd] = WITH(old, CLOSING) }
  atomic { MINE(fd, CLOSING, old); freeSlot(fd, old) }
  atomic { closeFd(fd, c); generation = 0; old = 0; c = 0; fd++; goto inherit }
inherited: /* Supervisor.#takeOver: the thread's epoll set is closed, its row cleared. */
  atomic {
    for (i : 0 .. FDS - 1) { SET(0, i) = 0; NEWS(0, i) = false; EVENT(0, i) = 0 }
#ifdef RATE
    for (i : 0 .. FDS - 1) { TIMER(0, i) = 0 }
#endif
    i = 0; onTurn[0] = 0; turnFd[0] = 0; setOpen[0] = false; gone[0] = false; goto loop
  }
}

/* Main: thread 0 may die anywhere but between free and close (see docs/internals/protocol.md), and is replaced. */
#if defined(DEATH) || defined(DRAIN)
proctype Main() {
#ifdef DEATH
  atomic { !inClose[0] -> life[0] = 0; burning[0] = false }
  gone[0] = true;
  atomic { !gone[0] -> setOpen[0] = true; life[0] = 2; run Thread(0, 2) }
  serving[0] = true;
#endif
#ifdef DRAIN
  draining = true;
  /* ThreadPool.drain, then stop: a thread that has reported goes on serving until all have. */
  atomic { reported[0] && (THREADS == 1 || reported[1]) -> life[0] = 0; life[1] = 0 }
#endif
}
#endif

/* Clients connect at once, and send up to MESSAGES messages; each may end at any time, or never. */
proctype Client(byte c) {
  byte i;
  do
  :: atomic { sent[c] < MESSAGES && !ended[c] -> sent[c] = sent[c] + 1; tell(c) }
  :: atomic { !ended[c] -> ended[c] = true; tell(c); break }
  :: sent[c] == MESSAGES -> break
  od
}

#if !defined(LTL) && (defined(LIVE_CHECK) || defined(DRAIN))
/* When nothing can happen any more: the acceptor is not stuck in the middle of anything, no client waits beside a free thread,
   every fd that is open has an owner, and after a drain nobody is left. */
proctype AtRest() {
  byte fd;
  timeout ->
  assert(Acceptor@idle);
  for (fd : 0 .. FDS - 1) {
    assert(!(WAITS(fd) && ANY_FREE_THREAD));
    assert((conn[fd] == 0) == (STATE(word[fd]) == FREE));
#ifdef DRAIN
    assert(conn[fd] == 0)
#endif
  }
}
#endif

init {
  atomic {
    byte k;
    for (k : 1 .. CLIENTS) { run Client(k) }
    for (k : 0 .. THREADS - 1) { life[k] = 1; serving[k] = true; run Thread(k, 1) }
    run Acceptor();
#if defined(DEATH) || defined(DRAIN)
    run Main();
#endif
#if !defined(LTL) && (defined(LIVE_CHECK) || defined(DRAIN))
    run AtRest();
#endif
  }
}

#ifdef LTL
/* Nobody waits for ever while a thread is free, if every process that can go on does at some time (weak fairness). */
ltl served { !<>[](ANY_WAITS && ANY_FREE_THREAD) }
#endif
