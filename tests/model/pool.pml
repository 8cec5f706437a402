/*
 * The pool of ipc/ as a model for spin: two rings a worker, the words to sleep on, the coordinator's ledger, the frames
 * that it lends, and workers that may die at any step. docs/model.md says what is left out, and why. tests/model/check
 * runs it with budgets (CRASHES=3 …) in the environment, and with one guard (WITHOUT=…) taken away after the other.
 *
 * A step is what another process can see: an access to shared memory, or a system call. What a process does in its own
 * memory, or in what is its alone at that time (a slot that is not committed yet, a frame that was lent to it), is
 * joined to a step. So each process is one atomic sequence, but where it asks for a step: there the others may go on for as
 * long as they like, and a worker may die. (A rendezvous in an atomic sequence lets go of the processor, and hands it
 * back; there is always somebody to meet.)
 */

#ifndef WORKERS
#define WORKERS 1
#endif
#define TASKS 3
#define RETRIES 1
#define FRAMES 4
#define CAPACITY 2
#define DEPTH 2    /* tasks that a worker may have unanswered */
#define LIVES (2 * WORKERS)   /* one life after the other of a worker, by turns */
#define REGIONS (2 * WORKERS) /* a worker has a second one when the first is not safe any more */
#define NONE 255

#define WHEN(condition) if :: (condition) ->
#define END :: else fi

/* What can be taken away. */
#define WRITE_BEFORE_COMMIT 1
#define WRITE_BEFORE_COMMIT_BY_WORKERS 2
#define ANNOUNCEMENT 3
#define RECHECK 4
#define RECHECK_BY_WORKERS 5
#define LOOK_UNDER_THE_FUTEX_LOCK 6
#define WAKING_THE_WORKER 7
#define BELL 8
#define EPOCH_CHECK 9
#define FIFO_CHECK 10
#define FRAME_CHECK 11
#define DROP_CHECK 12
#define ONE_ROOM_CHECK 13
#define EARLY_CHECK 14
#define GIVING_INPUTS_BACK 15
#define GIVING_ROOM_BACK 16
#define TAKING_FRAMES_BACK 17
#define ROOM_AFTER_A_FAILURE 18
#define DRAINING 19
#define REAPING_FIRST 20
#define NEW_RINGS 21
#define REQUEUING 22
#define OLDEST_FIRST 23
#define SUSPECT_CHECK 24
#define SENT_CHECK 25
#define NOTICING_A_FAILURE 26
#define A_NEW_REGION 27
#define LIMIT_OF_RETRIES 28
#define HEARING_THE_EDGE 29
#define HAS(guard) (without != guard)

/* Codes of messages. Towards the worker, and back. */
#define RUN 1
#define ROOM 2
#define READY 1
#define DONE 2
#define MORE_ROOM 3
#define DROPPED 4
#define NO_MEM 5

/* What a frame holds. */
#define INPUT(t) (1 + (t))
#define ANSWER(t) (64 + (t))

c_decl {
  static int from_environment(const char *name) {
    const char *value = getenv(name);
    return value ? atoi(value) : 0;
  }
};

byte without;
byte tasks;
byte frames;       /* of a region; a task takes two, so that with three the second of two tasks finds it full */
byte crashes;      /* deaths of their own accord, of all workers together */
byte timeouts;     /* how often the time of a task runs out */
byte lies;         /* messages that no honest worker would send */
byte large;        /* answers for which a worker asks for more room */
byte no_memory;    /* times that somebody has no memory: worker, region, or the user of the pool */
bool wakeful;      /* nobody sleeps, so nobody must be woken: what is sent is seen at once */
byte lost_starts;  /* deaths of the fork server with a request in its hands */
bool may_lose_starts;

/* --- Shared memory, by region ------------------------------------------------------------------------------------ */

typedef Message { byte id; byte epoch; byte code; byte input; byte output }
typedef Ring { byte tail; byte head; Message slot[CAPACITY] }
Ring to_worker[REGIONS];
Ring to_coordinator[REGIONS];
byte identity[REGIONS];        /* the epoch that the channel is for; 0: retired */
bool worker_asleep[REGIONS];   /* the words */
bool coordinator_asleep[REGIONS];
byte frame[REGIONS * FRAMES];

inline copy_message(into, from) {
  d_step {
    into.id = from.id; into.epoch = from.epoch; into.code = from.code; into.input = from.input; into.output = from.output
  }
}

inline clear_message(message) {
  d_step { message.id = 0; message.epoch = 0; message.code = 0; message.input = 0; message.output = 0 }
}

/* What lies in free slots and frames is nobody's business: the fewer states, the better. */
inline forget_slots(queue, from, number) {
  clear_message(queue.slot[(from) % CAPACITY]);
  WHEN(number == CAPACITY) clear_message(queue.slot[(from + 1) % CAPACITY]) END
}

/* --- The kernel: processes, futexes, eventfds --------------------------------------------------------------------- */

#define NOT_THERE 0
#define ASKED 1
#define ALIVE 2
#define DEAD 3 /* not reaped */
byte life[LIVES];
byte life_epoch[LIVES];
byte life_region[LIVES];
bool told[LIVES];    /* the fork server has told the coordinator of the process */
bool killed[LIVES];  /* SIGKILL is on its way */
bool lost[LIVES];    /* the fork server died over it: the coordinator will never hear of it */
bool body[LIVES];    /* the process that plays this life has not left its last one yet */
bool futex_waits[REGIONS];
bool bell[WORKERS];
bool server_dead;
bool over;

/* --- What only the proof knows ------------------------------------------------------------------------------------- */

byte doing[LIVES];   /* the task that this life has begun, and not answered */
bool lied[LIVES];
byte fate[TASKS];    /* how often it was answered or failed */

/* --- The coordinator's private memory ------------------------------------------------------------------------------- */

#define EMPTY 0
#define STARTING 1
#define RUNNING 2
#define DYING 3
#define BY_TIMEOUT 1
#define BY_PROTOCOL 2

typedef Lent { byte id; byte task; byte input; byte output; bool asked; bool unsaid; bool dropped }
typedef Slot {
  byte state;
  byte epoch;
  byte region;
  bool known;       /* the process is known */
  bool said_ready;
  bool bad;         /* a handle of this channel saw a violation */
  byte reason;
  byte suspect;
  byte retry;
  bool alone;
  bool crowded;
  byte lent;        /* frames, by bits */
  byte length;
  Lent unanswered[DEPTH];
  byte unsent;      /* the last of these, which the ring did not take */
  byte out_length;
  Message out[3];
  byte tail;        /* own indices, and what was last seen of the peer's */
  byte seen_head;
  byte head
}
Slot slot[WORKERS];
byte pending;       /* tasks, by bits */
byte attempts[TASKS];
byte next_id = 1;

#define S slot[w]
#define R slot[w].region
#define LIFE_OF(w) (2 * (w) + (slot[w].epoch & 1))
#define LIFE LIFE_OF(w)
#define OLDEST slot[w].unanswered[0]
#define BUSY(w) (slot[w].state == RUNNING && slot[w].length > 0)
#define HEARD(w) ((slot[w].state == STARTING || slot[w].state == RUNNING) && slot[w].reason == 0)

inline lend(f) {
  f = 0;
  do
  :: f < frames && (S.lent & (1 << f)) -> f++
  :: f < frames && !(S.lent & (1 << f)) -> S.lent = S.lent | (1 << f); break
  :: f == frames -> f = NONE; break
  od
}

inline give_back(f) {
  WHEN(f != NONE)
    assert(S.lent & (1 << f)); /* given back once */
    frame[R * FRAMES + f] = 0;
    S.lent = S.lent & ~(1 << f)
  END
}

inline count_frame(f) {
  WHEN(f != NONE)
    assert(!(n & (1 << f))); /* no frame is lent twice */
    n = n | (1 << f)
  END
}

/* Each task is in one place; each lent frame belongs to one task. unfinished: whether any task is. */
inline check_books() {
  d_step {
    unfinished = false;
    for (t : 0 .. TASKS - 1) {
      n = fate[t] + ((pending >> t) & 1);
      for (w : 0 .. WORKERS - 1) {
        n = n + (S.retry == t);
        for (k : 0 .. DEPTH - 1) { n = n + (k < S.length && S.unanswered[k].task == t) }
      }
      assert(n == 1); /* no task is lost, or done twice */
      unfinished = unfinished || fate[t] == 0
    }
    for (w : 0 .. WORKERS - 1) {
      n = 0;
      for (k : 0 .. DEPTH - 1) {
        WHEN(k < S.length) count_frame(S.unanswered[k].input); count_frame(S.unanswered[k].output) END
      }
      assert(n == S.lent) /* no frame is leaked */
    }
    t = 0; n = 0; k = 0; w = 0
  }
}

inline finish(whom) {
  assert(fate[whom] == 0); /* answered or failed once */
  fate[whom] = 1
}

inline kill_worker(why) {
  WHEN(S.state != DYING && S.state != EMPTY)
    S.reason = why;
    assert(why != BY_PROTOCOL || lied[LIFE]); /* no honest worker is taken for a liar */
    WHEN(S.known) S.state = DYING; killed[LIFE] = true END
  END
}

chan coordinator_step = [0] of { bit };
chan worker_step = [0] of { bit };

/* --- Coordinator: sending ------------------------------------------------------------------------------------------- */

inline put_out(number, what, in, out_frame) {
  d_step {
    S.out[S.out_length].id = number;
    S.out[S.out_length].epoch = S.epoch;
    S.out[S.out_length].code = what;
    S.out[S.out_length].input = in;
    S.out[S.out_length].output = out_frame;
    S.out_length++
  }
}

#if WORKERS == 1
#define OTHERS_WORK false
#else
#define OTHERS_WORK (slot[1 - w].length > 0)
#endif

/* Lends two frames to task t, and queues it for worker w. ok: it is out of our hands; else the worker is full. */
inline load(t) {
  if
  :: lend(a);
    b = NONE;
    WHEN(a != NONE)
      lend(b);
      WHEN(b == NONE) give_back(a) END
    END;
    assert(b != NONE || S.length > 0) /* an idle worker has room for a task */
  :: no_memory > 0 -> no_memory--; b = NONE /* the machine has none */
  fi;
  ok = true;
  if
  :: b != NONE ->
    frame[R * FRAMES + a] = INPUT(t);
    put_out(next_id, RUN, a, b);
    S.unanswered[S.length].id = next_id;
    S.unanswered[S.length].task = t;
    S.unanswered[S.length].input = a;
    S.unanswered[S.length].output = b;
    S.length++;
    next_id++
  :: b == NONE && (S.length > 0 || OTHERS_WORK) -> S.crowded = true; ok = false
  :: b == NONE && !(S.length > 0 || OTHERS_WORK) ->
    finish(t);
    heard = HAS(NOTICING_A_FAILURE) /* it may have been the last: nobody may sleep now */
  fi;
  a = 0; b = 0
}

/* n := a worker, t := the task that it gets next: what is to be tried alone, or the first that waits; NONE: nothing. */
inline choose() {
  d_step {
    n = NONE;
    t = 0;
    for (w : 0 .. WORKERS - 1) {
      WHEN(n == NONE && S.state == RUNNING && S.length == 0 && S.retry != NONE && !S.crowded) n = w; t = S.retry END
    }
    WHEN(n == NONE && pending != 0)
      do
      :: !(pending & (1 << t)) -> t++
      :: else -> break
      od;
      for (w : 0 .. WORKERS - 1) {
        WHEN(S.state == RUNNING && !S.alone && S.retry == NONE && !S.crowded && S.length < DEPTH)
          if
          :: n == NONE -> n = w
          :: n != NONE && S.length < slot[n].length -> n = w
          :: else
          fi
        END
      }
    END;
    w = n;
    n = 0
  }
}

inline dispatch() {
  do
  :: choose();
    WHEN(w == NONE) break END;
    load(t);
    if
    :: ok && S.retry == t -> S.retry = NONE; S.alone = S.length > 0
    :: ok && S.retry != t -> pending = pending & ~(1 << t)
    :: !ok
    fi
  od;
  t = 0; w = 0; ok = false
}

/* A push of the whole outbox, with one commit; then the worker is woken if it said that it sleeps. */
inline flush() {
  WHEN(S.state == RUNNING && S.out_length > 0)
    WHEN(CAPACITY - (S.tail - S.seen_head) < S.out_length)
      coordinator_step ? 0;
      n = to_worker[R].head;
      if
      :: n < S.seen_head || n > S.tail -> S.bad = true
      :: else -> S.seen_head = n
      fi;
      n = 0
    END;
    if
    :: S.bad || CAPACITY - (S.tail - S.seen_head) < S.out_length ->
      /* The depth is such that all of it has room if the worker is honest. */
      for (k : 0 .. S.out_length - 1) { S.unsent = S.unsent + (S.out[k].code == RUN) }
      clear_out();
      kill_worker(BY_PROTOCOL)
    :: else ->
      WHEN(!HAS(WRITE_BEFORE_COMMIT)) to_worker[R].tail = S.tail + S.out_length; coordinator_step ? 0 END;
      for (k : 0 .. S.out_length - 1) { copy_message(to_worker[R].slot[(S.tail + k) % CAPACITY], S.out[k]) }
      coordinator_step ? 0;
      S.tail = S.tail + S.out_length;
      to_worker[R].tail = S.tail;
      OLDEST.unsaid = false;
      clear_out();
      wake_worker()
    fi
  END
}

inline clear_out() {
  d_step { clear_message(S.out[0]); clear_message(S.out[1]); clear_message(S.out[2]); k = 0; S.out_length = 0 }
}

inline wake_worker() {
  WHEN(HAS(WAKING_THE_WORKER) && !wakeful)
    coordinator_step ? 0;
    n = worker_asleep[R];
    worker_asleep[R] = false;
    WHEN(n == 1) coordinator_step ? 0; futex_waits[R] = false END;
    n = 0
  END
}

/* --- Coordinator: hearing ------------------------------------------------------------------------------------------- */

inline drop_oldest() {
  d_step {
    S.unanswered[0].id = S.unanswered[1].id; S.unanswered[1].id = 0;
    S.unanswered[0].task = S.unanswered[1].task; S.unanswered[1].task = 0;
    S.unanswered[0].input = S.unanswered[1].input; S.unanswered[1].input = 0;
    S.unanswered[0].output = S.unanswered[1].output; S.unanswered[1].output = 0;
    S.unanswered[0].asked = S.unanswered[1].asked; S.unanswered[1].asked = false;
    S.unanswered[0].unsaid = S.unanswered[1].unsaid; S.unanswered[1].unsaid = false;
    S.unanswered[0].dropped = S.unanswered[1].dropped; S.unanswered[1].dropped = false;
    S.length--
  }
}

/* The oldest task is over. */
inline settle() {
  finish(OLDEST.task);
  WHEN(HAS(GIVING_INPUTS_BACK)) give_back(OLDEST.input) END;
  give_back(OLDEST.output);
  drop_oldest();
  WHEN(S.length == 0) S.alone = false END
}

inline nobody_is_full() {
  d_step { for (n : 0 .. WORKERS - 1) { slot[n].crowded = false } n = 0 }
}

/* The message m of worker w; ok: whether it makes sense. */
inline judge() {
  ok = true;
  if
  :: HAS(EPOCH_CHECK) && m.epoch != S.epoch -> ok = false
  :: else ->
    assert(m.epoch == S.epoch); /* nothing of another generation is believed */
    if
    :: m.code == READY && (S.said_ready || m.id != 0) -> ok = false
    :: m.code == READY && !(S.said_ready || m.id != 0) ->
      S.said_ready = true;
      WHEN(S.known && S.state == STARTING) S.state = RUNNING END
    :: m.code != READY -> judge_answer()
    fi
  fi
}

inline judge_answer() {
  if
  :: HAS(FIFO_CHECK) && (S.length == 0 || OLDEST.id != m.id) -> ok = false
  :: HAS(EARLY_CHECK) && S.length > 0 && OLDEST.id == m.id && OLDEST.unsaid -> ok = false
  :: else ->
    assert(S.length > 0 && OLDEST.id == m.id); /* an answer counts for the task that it is about */
    assert(!OLDEST.unsaid);                    /* and is made in room that it was told of */
    if
    :: m.code == DONE && HAS(FRAME_CHECK) && (OLDEST.dropped || m.output != OLDEST.output) -> ok = false
    :: m.code == DONE && !(HAS(FRAME_CHECK) && (OLDEST.dropped || m.output != OLDEST.output)) ->
      assert(OLDEST.output == m.output && OLDEST.output != NONE); /* only what was lent is read */
      assert(lied[LIFE] || frame[R * FRAMES + m.output] == ANSWER(OLDEST.task)); /* and holds the right answer */
      if
      :: settle(); nobody_is_full()
      :: no_memory > 0 -> /* the user has no memory for the answer */
        no_memory--;
        settle();
        WHEN(HAS(ROOM_AFTER_A_FAILURE)) nobody_is_full() END
      fi
    :: m.code == MORE_ROOM && HAS(ONE_ROOM_CHECK) && OLDEST.asked -> ok = false
    :: m.code == MORE_ROOM && !(HAS(ONE_ROOM_CHECK) && OLDEST.asked) -> WHEN(S.state == RUNNING) answer_room() END
    :: m.code == DROPPED && HAS(DROP_CHECK) && !OLDEST.dropped -> ok = false
    :: m.code == DROPPED && !(HAS(DROP_CHECK) && !OLDEST.dropped) ->
      assert(OLDEST.dropped); /* nothing is dropped unless it was told to */
      settle();
      nobody_is_full()
    :: m.code == NO_MEM -> settle(); nobody_is_full()
    fi
  fi
}

inline answer_room() {
  assert(!OLDEST.asked); /* once a task: what it gives back cannot be given back again */
  give_back(OLDEST.input);
  WHEN(HAS(GIVING_ROOM_BACK)) give_back(OLDEST.output) END;
  OLDEST.input = NONE;
  OLDEST.asked = true;
  OLDEST.unsaid = true;
  if
  :: lend(a); OLDEST.output = a
  :: no_memory > 0 -> no_memory--; OLDEST.output = NONE; OLDEST.dropped = true
  fi;
  a = 0;
  put_out(OLDEST.id, ROOM, NONE, OLDEST.output)
}

/* A pop of all that is there, then a judgement of each. */
inline collect() {
  coordinator_step ? 0;
  c = to_coordinator[R].tail - S.head;
  if
  :: S.bad || c > CAPACITY -> S.bad = true; kill_worker(BY_PROTOCOL)
  :: !(S.bad || c > CAPACITY) && c > 0 ->
    for (j : 0 .. c - 1) { copy_message(got[j], to_coordinator[R].slot[(S.head + j) % CAPACITY]) }
    forget_slots(to_coordinator[R], S.head, c);
    S.head = S.head + c;
    to_coordinator[R].head = S.head;
    heard = true;
    for (j : 0 .. c - 1) {
      copy_message(m, got[j]);
      judge();
      WHEN(!ok) kill_worker(BY_PROTOCOL); break END
    }
    clear_message(m); clear_message(got[0]); clear_message(got[1]);
    ok = false; j = 0
  :: else
  fi;
  c = 0
}

/* --- Coordinator: sleeping ------------------------------------------------------------------------------------------ */

#define GONE(w) (life[LIFE_OF(w)] == DEAD || (without == REAPING_FIRST && killed[LIFE_OF(w)]))
#define TOLD(w) (slot[w].state == STARTING && !slot[w].known && told[LIFE_OF(w)])
#define DEATH(w) (slot[w].known && GONE(w))
#define ANSWER_OF(w) (HEARD(w) && (slot[w].bad || to_coordinator[slot[w].region].tail != slot[w].head))
#define EVENT(w) (bell[w] || TOLD(w) || DEATH(w))
#if WORKERS == 1
#define ANY_EVENT (server_dead || EVENT(0))
#define ANY_BUSY BUSY(0)
#define ANY_ANSWER ANSWER_OF(0)
#else
#define ANY_EVENT (server_dead || EVENT(0) || EVENT(1))
#define ANY_BUSY (BUSY(0) || BUSY(1))
#define ANY_ANSWER (ANSWER_OF(0) || ANSWER_OF(1))
#endif

inline sleep() {
  may_sleep = true;
  for (w : 0 .. WORKERS - 1) {
    WHEN(S.state != EMPTY && !wakeful)
      WHEN(HAS(ANNOUNCEMENT)) coordinator_step ? 0; coordinator_asleep[R] = true END;
      WHEN(HAS(RECHECK))
        coordinator_step ? 0;
        WHEN(ANSWER_OF(w)) may_sleep = false END
      END
    END
  }
  /* epoll_wait */
  coordinator_step ? 0;
  if
  :: !may_sleep
  :: may_sleep && (ANY_EVENT || (wakeful && ANY_ANSWER))
  :: may_sleep && timeouts > 0 && ANY_BUSY -> timeouts--; timer = true
  fi;
  d_step {
    may_sleep = false;
    for (w : 0 .. WORKERS - 1) {
      bell[w] = bell[w] && !HAS(HEARING_THE_EDGE); /* once a ring */
      heard_told = heard_told | (TOLD(w) << w);
      gone = gone | (DEATH(w) << w)
    }
    heard_server = server_dead
  }
  for (w : 0 .. WORKERS - 1) {
    WHEN(S.state != EMPTY && !wakeful) coordinator_step ? 0; coordinator_asleep[R] = false END
  }
  for (w : 0 .. WORKERS - 1) {
    WHEN(heard_told & (1 << w)) worker_is_known() END;
    WHEN(heard_server && S.state == STARTING && !S.known) abandon_life() END
  }
  WHEN(heard_server) server_dead = false /* a new one */ END;
  heard_server = false;
  heard_told = 0
}

inline worker_is_known() {
  S.known = true;
  if
  :: S.reason != 0 -> S.state = DYING; killed[LIFE] = true
  :: S.reason == 0 && S.said_ready -> S.state = RUNNING
  :: else
  fi
}

/* --- Coordinator: supervision --------------------------------------------------------------------------------------- */

/* Nobody is attached to the region: its process is reaped, or never was, or this is another region. */
inline start() {
  S.epoch++;
  life[LIFE] == NOT_THERE; /* of the numbers of lives, there are only two here */
  WHEN(HAS(NEW_RINGS)) clear_ring(to_worker[R]); clear_ring(to_coordinator[R]) END;
  d_step {
    S.tail = to_worker[R].tail;
    S.seen_head = to_worker[R].head;
    S.head = to_coordinator[R].head;
    S.bad = false;
    S.unsent = 0;
    worker_asleep[R] = false;
    coordinator_asleep[R] = false;
    futex_waits[R] = false;
    identity[R] = S.epoch;
    S.state = STARTING;
    S.reason = 0;
    S.suspect = 0;
    S.said_ready = false;
    S.known = false;
    S.alone = false;
    S.crowded = false;
    told[LIFE] = false;
    killed[LIFE] = false;
    lost[LIFE] = false;
    lied[LIFE] = false;
    doing[LIFE] = NONE;
    life_epoch[LIFE] = S.epoch;
    life_region[LIFE] = R;
    life[LIFE] = ASKED
  }
}

inline clear_ring(queue) {
  d_step { queue.tail = 0; queue.head = 0; clear_message(queue.slot[0]); clear_message(queue.slot[1]) }
}

/* It is not known whether the life ever began; whoever comes finds a region that is nobody's. */
inline abandon_life() {
  lost[LIFE] = true;
  coordinator_step ? 0;
  identity[R] = 0;
  wake_worker();
  take_frames_back();
  S.state = EMPTY;
  WHEN(HAS(A_NEW_REGION)) S.region = S.region ^ 1 END
}

inline take_frames_back() {
  d_step {
    for (k : 0 .. FRAMES - 1) { frame[R * FRAMES + k] = 0 }
    k = 0;
    S.lent = 0
  }
}

/* What the dead worker left. */
inline distribute() {
  S.state = EMPTY;
  S.known = false;
  S.alone = false;
  WHEN(HAS(TAKING_FRAMES_BACK)) take_frames_back() END;
  clear_out();
  WHEN(S.length > 0 && (S.length > S.unsent || !HAS(SENT_CHECK)) &&
       (S.reason != BY_TIMEOUT || OLDEST.id == S.suspect || !HAS(SUSPECT_CHECK)))
    charge()
  END;
  do
  :: S.length > 0 ->
    WHEN(HAS(REQUEUING)) pending = pending | (1 << OLDEST.task) END;
    drop_oldest()
  :: else -> break
  od;
  WHEN(HAS(REAPING_FIRST)) killed[LIFE] = false END;
  told[LIFE] = false;
  lied[LIFE] = false;
  doing[LIFE] = NONE;
  S.suspect = 0;
  S.unsent = 0;
  S.reason = 0;
  S.said_ready = false;
  heard = false
}

inline charge() {
  k = (HAS(OLDEST_FIRST) -> 0 : S.length - 1);
  t = S.unanswered[k].task;
  /* Only the task that it was working on is charged; for its time, only the one whose time it was. */
  assert(lied[LIFE] || doing[LIFE] == NONE || doing[LIFE] == t);
  assert(S.reason != BY_TIMEOUT || S.unanswered[k].id == S.suspect);
  assert(S.length > S.unsent); /* and it was sent */
  assert(S.retry == NONE);
  attempts[t]++;
  if
  :: attempts[t] > RETRIES && HAS(LIMIT_OF_RETRIES) -> finish(t)
  :: else -> S.retry = t
  fi;
  assert(attempts[t] <= RETRIES + 1); /* it is not tried for ever */
  if
  :: k == 1 -> S.length--
  :: else -> drop_oldest()
  fi;
  t = 0; k = 0
}

/* One after the other: what each has said; then, after a sleep, who is gone; then the clocks. */
#define ANSWERS 1
#define DEATHS 2
#define CLOCKS 3

inline attend() {
  if
  :: pass == CLOCKS ->
    late = false;
    if
    :: BUSY(w) && timer -> timer = false; late = true
    :: BUSY(w) && !timer && timeouts > 0 -> timeouts--; late = true
    :: true
    fi;
    listen = late;
    i = (late -> OLDEST.id : 0)
  :: pass != CLOCKS && (gone & (1 << w)) ->
    WHEN(HAS(REAPING_FIRST)) life[LIFE] = NOT_THERE END;
    listen = HAS(DRAINING) && S.reason != BY_PROTOCOL
  :: else -> listen = HEARD(w)
  fi;
  WHEN(listen) collect() END;
  WHEN(gone & (1 << w)) gone = gone & ~(1 << w); distribute() END;
  /* It may have answered meanwhile. */
  WHEN(late && BUSY(w) && OLDEST.id == i) S.suspect = i; kill_worker(BY_TIMEOUT) END;
  d_step { listen = false; late = false; i = 0 }
}

proctype Coordinator() {
  byte w, t, n, k, a, b, c, i, j, pass;
  byte heard_told, gone;
  bool ok, heard, may_sleep, timer, unfinished, heard_server, listen, late;
  Message m;
  Message got[CAPACITY];

  atomic {
    do
    ::
      check_books();
      WHEN(!unfinished) break END;
      for (w : 0 .. WORKERS - 1) {
        WHEN(S.state == EMPTY) start() END
      }
      dispatch();
      for (w : 0 .. WORKERS - 1) { flush() }
      pass = ANSWERS;
      do
      :: pass > CLOCKS -> break
      :: else ->
        WHEN(pass == DEATHS) sleep() END;
        for (w : 0 .. WORKERS - 1) { attend() }
        pass = pass + (pass == ANSWERS && heard -> 2 : 1)
      od;
      heard = false; timer = false; pass = 0; w = 0
    od;

    /* It ends: every process is killed and reaped. */
    coordinator_step ? 0;
    over = true;
    for (i : 0 .. LIVES - 1) { life[i] = NOT_THERE }
  }
}

/* --- Worker --------------------------------------------------------------------------------------------------------- */

/* Nothing comes after it: see `unless` below. */
inline leave() { life[me] = (lost[me] -> NOT_THERE : DEAD) }

/* A push of p. answers: the task in hand is over with it. */
inline post(answers) {
  WHEN(tail - seen_head == CAPACITY) worker_step ? 0; seen_head = to_coordinator[r].head END;
  assert(lied[me] || tail - seen_head < CAPACITY); /* an honest worker has room for what it was asked */
  WHEN(tail - seen_head >= CAPACITY) leave() END;
  WHEN(!HAS(WRITE_BEFORE_COMMIT_BY_WORKERS)) to_coordinator[r].tail = tail + 1; worker_step ? 0 END;
  copy_message(to_coordinator[r].slot[tail % CAPACITY], p);
  worker_step ? 0;
  tail++;
  to_coordinator[r].tail = tail;
  WHEN(answers) doing[me] = NONE END;
  clear_message(p)
}

inline ring() {
  WHEN(HAS(BELL) && !wakeful)
    worker_step ? 0;
    n = coordinator_asleep[r];
    coordinator_asleep[r] = false;
    WHEN(n == 1) worker_step ? 0; bell[me / 2] = true END;
    n = 0
  END
}

/* A pop of all that is there. */
inline take() {
  worker_step ? 0;
  c = to_worker[r].tail - head;
  if
  :: c > CAPACITY -> assert(lied[me]); leave() /* an honest coordinator is not taken for a liar */
  :: c > 0 && c <= CAPACITY ->
    for (n : 0 .. c - 1) { copy_message(inbox[count], to_worker[r].slot[(head + n) % CAPACITY]); count++ }
    forget_slots(to_worker[r], head, c);
    head = head + c;
    to_worker[r].head = head;
    n = 0; c = 0
  :: else
  fi
}

/* Until there is something to take. */
inline wait() {
  do
  :: wakeful ->
    to_worker[r].tail != head || identity[r] != epoch;
    worker_step ? 0;
    if
    :: to_worker[r].tail != head -> break
    :: else -> leave()
    fi
  :: !wakeful ->
    worker_step ? 0;
    worker_asleep[r] = true;
    WHEN(HAS(RECHECK_BY_WORKERS)) worker_step ? 0 END;
    if
    :: HAS(RECHECK_BY_WORKERS) && to_worker[r].tail != head
    :: else ->
      worker_step ? 0;
      futex_waits[r] = worker_asleep[r] || !HAS(LOOK_UNDER_THE_FUTEX_LOCK);
      /* Now and then it asks whether the channel is retired: the one thing for which it needs a clock. */
      !futex_waits[r] || identity[r] != epoch
    fi;
    worker_step ? 0;
    worker_asleep[r] = false;
    worker_step ? 0;
    if
    :: to_worker[r].tail != head -> break
    :: else -> WHEN(identity[r] != epoch) leave() END
    fi
  od
}

/* Takes number x out of the inbox, into m. */
inline take_out(x) {
  copy_message(m, inbox[x]);
  do
  :: x < 2 -> copy_message(inbox[x], inbox[x + 1]); x++
  :: else -> break
  od;
  clear_message(inbox[2]);
  x = 0;
  count--
}

inline say(number, what, out_frame) { p.id = number; p.epoch = epoch; p.code = what; p.output = out_frame }

/* Sends what nobody honest sends, or writes where nobody honest writes. */
inline lie() {
  lies--;
  lied[me] = true;
  n = 0;
  if
  :: say(m.id, DONE, m.output)
  :: say(m.id, DONE, m.output); p.epoch = epoch - 1 /* stale */
  :: say(m.id + 1, DONE, m.output)                  /* foreign, or early */
  :: say(m.id - 1, DONE, m.output)                  /* repeated */
  :: say(m.id, DONE, (m.output + 1) % FRAMES)       /* of what it was not lent */
  :: say(m.id, MORE_ROOM, 0)
  :: say(m.id, DROPPED, 0)
  :: say(0, READY, 0)
  :: n = 1; to_coordinator[r].tail = tail + 3
  :: n = 1; to_worker[r].head = head + 3
  :: n = 1; to_worker[r].head = head - 1
  fi;
  if
  :: n == 1 -> n = 0
  :: else -> post(false); ring()
  fi;
  if
  :: true /* and goes on as if nothing were */
  :: leave()
  fi
}

/* What was sent before the coordinator knew of the need stands in front, and waits its turn. */
inline wait_for_room() {
  i = 0;
  do
  :: i < count && inbox[i].code == ROOM -> take_out(i); break
  :: i < count && inbox[i].code != ROOM -> i++
  :: i == count ->
    take();
    if
    :: i < count
    :: else -> wait()
    fi
  od
}

inline run_message() {
  t = frame[r * FRAMES + m.input] - INPUT(0);
  assert(lied[me] || t < TASKS); /* the input is there, whole, and this message's alone */
  doing[me] = t;
  if
  :: lies > 0 -> lie()
  :: true
  fi;
  if
  :: frame[r * FRAMES + m.output] = ANSWER(t); say(m.id, DONE, m.output)
  :: no_memory > 0 -> no_memory--; say(m.id, NO_MEM, m.output)
  :: large > 0 ->
    large--;
    say(m.id, MORE_ROOM, m.output);
    post(false);
    ring();
    if
    :: lies > 0 -> lies--; lied[me] = true; m.output = (m.output + 1) % FRAMES /* and does not wait for it */
    :: true -> wait_for_room()
    fi;
    if
    :: m.output == NONE -> say(m.id, DROPPED, NONE)
    :: else -> frame[r * FRAMES + m.output] = ANSWER(t); say(m.id, DONE, m.output)
    fi
  fi;
  t = 0;
  clear_message(m);
  post(true);
  take();
  /* The bell may wait while there is more to do. */
  if
  :: ring()
  :: count > 0
  fi
}

proctype Worker(byte me) {
  byte r, epoch, tail, seen_head, head, count, n, c, i, t;
  Message m, p;
  Message inbox[3];

  do
  :: over -> break
  :: life[me] == ALIVE ->
    {
      atomic {
        worker_step ? 0;
        body[me] = true;
        r = life_region[me];
        epoch = life_epoch[me];
        if
        :: identity[r] != epoch -> leave()
        :: else -> tail = to_coordinator[r].tail; seen_head = to_coordinator[r].head; head = to_worker[r].head
        fi;
        say(0, READY, 0);
        post(false);
        ring();
        do
        :: count > 0 ->
          take_out(i);
          if
          :: m.code == RUN -> run_message()
          :: else -> assert(lied[me]); leave()
          fi
        :: count == 0 ->
          take();
          WHEN(count == 0) ring(); wait() END
        od
      }
    } unless { atomic { life[me] != ALIVE ->
      body[me] = false;
      r = 0; epoch = 0; tail = 0; seen_head = 0; head = 0; count = 0; n = 0; c = 0; i = 0; t = 0;
      clear_message(m); clear_message(p); clear_message(inbox[0]); clear_message(inbox[1]); clear_message(inbox[2])
    } }
  od
}

/* --- Kernel: starts, deaths, and what the fork server tells ---------------------------------------------------------- */

/* That the worker may be heard of before the fork server tells of it matters only where that can die in between. */
#define STEPS_OF(x) \
  :: atomic { life[x] == ASKED && !body[x] -> life[x] = ALIVE; told[x] = !may_lose_starts } \
  :: atomic { life[x] == ASKED && lost[x] -> life[x] = NOT_THERE } \
  :: atomic { life[x] == ALIVE && killed[x] -> life[x] = DEAD } \
  :: atomic { life[x] == ALIVE && crashes > 0 -> crashes--; life[x] = (lost[x] -> NOT_THERE : DEAD) } \
  :: atomic { life[x] >= ALIVE && !told[x] && !lost[x] && !server_dead -> told[x] = true } \
  :: atomic { life[x] >= ASKED && !told[x] && !lost[x] && lost_starts > 0 -> lost_starts--; server_dead = true }

proctype Kernel() {
  do
  :: over -> break
  STEPS_OF(0)
  STEPS_OF(1)
#if WORKERS == 2
  STEPS_OF(2)
  STEPS_OF(3)
#endif
  od
}

proctype Others() {
end:
  do
  :: coordinator_step ! 0
  :: worker_step ! 0
  od
}

/* Every budget may be used up or not, and what is not used must not be waited for: so it is drawn first. */
#define DRAW(budget) \
  do \
  :: budget > 0 -> budget-- \
  :: true -> break \
  od

init {
  byte w;
  atomic {
    c_code {
      now.without = from_environment("WITHOUT");
      now.tasks = from_environment("TASKS");
      now.frames = from_environment("FRAMES");
      now.crashes = from_environment("CRASHES");
      now.timeouts = from_environment("TIMEOUTS");
      now.wakeful = from_environment("WAKEFUL");
      now.lies = from_environment("LIES");
      now.large = from_environment("LARGE");
      now.no_memory = from_environment("NO_MEMORY");
      now.lost_starts = from_environment("LOST_STARTS");
    };
    may_lose_starts = lost_starts > 0;
    DRAW(crashes);
    DRAW(timeouts);
    DRAW(lies);
    DRAW(large);
    DRAW(no_memory);
    DRAW(lost_starts);
    pending = (1 << tasks) - 1;
    for (w : 0 .. TASKS - 1) { fate[w] = w >= tasks }
    for (w : 0 .. WORKERS - 1) { S.retry = NONE; S.region = 2 * w }
    for (w : 0 .. LIVES - 1) { doing[w] = NONE }
    for (w : 0 .. LIVES - 1) { run Worker(w) }
    w = 0;
    run Kernel();
    run Others();
    run Coordinator()
  }
}
