/*
 * The pool of ipc/ as a model for spin: two rings a worker, the words to sleep on, the coordinator's ledger, the frames
 * that it lends, and workers that may die at any step. docs/model.md says what is left out, and why. tests/model/check
 * runs it, and takes away one guard after the other (the macros WITHOUT_...) to see that spin misses each.
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
#ifndef TASKS
#define TASKS 2
#endif
#ifndef CRASHES
#define CRASHES 3  /* deaths of their own accord, of all workers together */
#endif
#ifndef TIMEOUTS
#define TIMEOUTS 0 /* how often the time of a task runs out */
#endif
#ifndef LIES
#define LIES 0     /* messages that no honest worker would send */
#endif
#ifndef LARGE
#define LARGE 0    /* answers for which a worker asks for more room */
#endif
#ifndef NO_MEMORY
#define NO_MEMORY 0 /* times that somebody has no memory: worker, region, or the user of the pool */
#endif
#ifndef LOST_STARTS
#define LOST_STARTS 0 /* deaths of the fork server with a request in its hands */
#endif
#ifndef RETRIES
#define RETRIES 1
#endif

#ifndef FRAMES
#define FRAMES 4   /* of a region; a task takes two, so that with three the second of two tasks finds it full */
#endif

#define CAPACITY 2
#define DEPTH 2    /* tasks that a worker may have unanswered */
#define LIVES (2 * WORKERS)   /* one life after the other of a worker, by turns */
#define REGIONS (2 * WORKERS) /* a worker has a second one when the first is not safe any more */
#define NONE 255

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

/* --- Shared memory, by region ------------------------------------------------------------------------------------ */

typedef Message {
  byte id;
  byte epoch;
  byte code;
  byte input;
  byte output
}
typedef Ring {
  byte tail;
  byte head;
  Message slot[CAPACITY]
}
Ring to_worker[REGIONS];
Ring to_coordinator[REGIONS];
byte identity[REGIONS];        /* the epoch that the channel is for; 0: retired */
bool worker_asleep[REGIONS];   /* the words */
bool coordinator_asleep[REGIONS];
byte frame[REGIONS * FRAMES];

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

byte crashes = CRASHES;
byte timeouts = TIMEOUTS;
byte lies = LIES;
byte large = LARGE;
byte no_memory = NO_MEMORY;
byte lost_starts = LOST_STARTS;

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

typedef Lent {
  byte id;
  byte task;
  byte input;
  byte output;
  bool asked;
  bool dropped
}
typedef Slot {
  byte state;
  byte epoch;
  byte region;
  bool known;       /* the process is known */
  bool said_ready;
  bool channel;
  bool bad;         /* a handle of this channel saw a violation */
  byte reason;
  byte suspect;
  byte retry;
  bool alone;
  bool crowded;
  byte lent;        /* frames, by bits */
  byte length;
  Lent unanswered[DEPTH];
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
#define LIFE (2 * w + (slot[w].epoch & 1))
#define OLDEST slot[w].unanswered[0]

inline lend(f) {
  f = 0;
  do
  :: f < FRAMES && (S.lent & (1 << f)) -> f++
  :: f < FRAMES && !(S.lent & (1 << f)) -> S.lent = S.lent | (1 << f); break
  :: f == FRAMES -> f = NONE; break
  od
}

inline give_back(f) {
  if
  :: f != NONE ->
    assert(S.lent & (1 << f)); /* given back once */
    frame[R * FRAMES + f] = 0;
    S.lent = S.lent & ~(1 << f)
  :: else
  fi
}

/* Each task is in one place; each lent frame belongs to one task. */
inline check_books() {
  d_step {
    t = 0;
    do
    :: t < TASKS ->
      n = fate[t] + ((pending >> t) & 1);
      w = 0;
      do
      :: w < WORKERS ->
        n = n + (S.retry == t);
        k = 0;
        do
        :: k < S.length -> n = n + (S.unanswered[k].task == t); k++
        :: else -> break
        od;
        w++
      :: else -> break
      od;
      assert(n == 1); /* no task is lost, or done twice */
      t++
    :: else -> break
    od;
    w = 0;
    do
    :: w < WORKERS ->
      n = 0;
      k = 0;
      do
      :: k < S.length ->
        if
        :: S.unanswered[k].input != NONE ->
          assert(!(n & (1 << S.unanswered[k].input)));
          n = n | (1 << S.unanswered[k].input)
        :: else
        fi;
        if
        :: S.unanswered[k].output != NONE ->
          assert(!(n & (1 << S.unanswered[k].output))); /* no frame is lent twice */
          n = n | (1 << S.unanswered[k].output)
        :: else
        fi;
        k++
      :: else -> break
      od;
      assert(n == S.lent); /* no frame is leaked */
      w++
    :: else -> break
    od;
    t = 0; n = 0; k = 0; w = 0
  }
}

inline finish(whom) {
  assert(fate[whom] == 0); /* answered or failed once */
  fate[whom] = 1
}

inline kill_worker(why) {
  if
  :: S.state == DYING || S.state == EMPTY
  :: else ->
    S.reason = why;
    assert(why != BY_PROTOCOL || lied[LIFE]); /* no honest worker is taken for a liar */
    if
    :: S.known -> S.state = DYING; killed[LIFE] = true
    :: else
    fi
  fi
}

chan coordinator_step = [0] of { bit };
chan worker_step = [0] of { bit };

/* --- Coordinator: sending ------------------------------------------------------------------------------------------- */

inline put_out(number, what, in, out_frame) {
  S.out[S.out_length].id = number;
  S.out[S.out_length].epoch = S.epoch;
  S.out[S.out_length].code = what;
  S.out[S.out_length].input = in;
  S.out[S.out_length].output = out_frame;
  S.out_length++
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
    if
    :: a != NONE ->
      lend(b);
      if
      :: b == NONE -> give_back(a)
      :: else
      fi
    :: else -> b = NONE
    fi;
    assert(b != NONE || S.length > 0) /* an idle worker has room for a task */
  :: no_memory > 0 -> no_memory--; b = NONE /* the machine has none */
  fi;
  if
  :: b != NONE ->
    frame[R * FRAMES + a] = INPUT(t);
    put_out(next_id, RUN, a, b);
    S.unanswered[S.length].id = next_id;
    S.unanswered[S.length].task = t;
    S.unanswered[S.length].input = a;
    S.unanswered[S.length].output = b;
    S.length++;
    next_id++;
    ok = true
  :: b == NONE && (S.length > 0 || OTHERS_WORK) -> S.crowded = true; ok = false
  :: b == NONE && !(S.length > 0 || OTHERS_WORK) ->
    finish(t);
#ifndef WITHOUT_NOTICING_A_FAILURE
    heard = true; /* it may have been the last: nobody may sleep now */
#endif
    ok = true
  fi;
  a = 0;
  b = 0
}

/* w := a worker that may get a task, or NONE. */
inline least_busy() {
  d_step {
    n = NONE;
    w = 0;
    do
    :: w < WORKERS ->
      if
      :: S.state == RUNNING && !S.alone && S.retry == NONE && !S.crowded && S.length < DEPTH ->
        if
        :: n == NONE -> n = w
        :: n != NONE && S.length < slot[n].length -> n = w
        :: else
        fi
      :: else
      fi;
      w++
    :: else -> break
    od;
    w = n;
    n = 0
  }
}

inline dispatch() {
  w = 0;
  do
  :: w < WORKERS ->
    if
    :: S.state == RUNNING && S.length == 0 && S.retry != NONE ->
      t = S.retry;
      load(t);
      if
      :: ok -> S.retry = NONE; S.alone = S.length > 0
      :: else
      fi
    :: else
    fi;
    w++
  :: else -> break
  od;
  t = 0;
  do
  :: t < TASKS && (pending & (1 << t)) ->
    least_busy();
    if
    :: w == NONE -> break
    :: else ->
      load(t);
      if
      :: ok -> pending = pending & ~(1 << t); t++
      :: else
      fi
    fi
  :: t < TASKS && !(pending & (1 << t)) -> t++
  :: t == TASKS -> break
  od;
  t = 0; w = 0; ok = false
}

/* A push of the whole outbox, with one commit; then the worker is woken if it said that it sleeps. */
inline flush() {
  if
  :: S.state == RUNNING && S.out_length > 0 ->
    if
    :: CAPACITY - (S.tail - S.seen_head) < S.out_length ->
      coordinator_step ? 0;
      n = to_worker[R].head;
      if
      :: n < S.seen_head || n > S.tail -> S.bad = true
      :: else -> S.seen_head = n
      fi;
      n = 0
    :: else
    fi;
    if
    :: S.bad || CAPACITY - (S.tail - S.seen_head) < S.out_length ->
      /* The depth is such that all of it has room if the worker is honest. */
      clear_out();
      kill_worker(BY_PROTOCOL)
    :: else ->
#ifdef WITHOUT_WRITE_BEFORE_COMMIT
      to_worker[R].tail = S.tail + S.out_length;
      coordinator_step ? 0;
#endif
      k = 0;
      do
      :: k < S.out_length ->
        copy_message(to_worker[R].slot[(S.tail + k) % CAPACITY], S.out[k]);
        k++
      :: else -> break
      od;
      coordinator_step ? 0;
      S.tail = S.tail + S.out_length;
      to_worker[R].tail = S.tail;
      clear_out();
      wake_worker()
    fi
  :: else
  fi
}

inline clear_out() {
  clear_message(S.out[0]);
  clear_message(S.out[1]);
  clear_message(S.out[2]);
  k = 0;
  S.out_length = 0
}

inline wake_worker() {
#ifndef WITHOUT_WAKING_THE_WORKER
  coordinator_step ? 0;
  n = worker_asleep[R];
  worker_asleep[R] = false;
  if
  :: n == 1 -> n = 0; coordinator_step ? 0; futex_waits[R] = false
  :: else
  fi
#else
  skip
#endif
}

/* --- Coordinator: hearing ------------------------------------------------------------------------------------------- */

inline settle() {
#ifndef WITHOUT_GIVING_INPUTS_BACK
  give_back(OLDEST.input);
#endif
  give_back(OLDEST.output);
  drop_oldest();
  if
  :: S.length == 0 -> S.alone = false
  :: else
  fi
}

inline drop_oldest() {
  d_step {
    S.unanswered[0].id = S.unanswered[1].id;
    S.unanswered[0].task = S.unanswered[1].task;
    S.unanswered[0].input = S.unanswered[1].input;
    S.unanswered[0].output = S.unanswered[1].output;
    S.unanswered[0].asked = S.unanswered[1].asked;
    S.unanswered[0].dropped = S.unanswered[1].dropped;
    S.length--;
    S.unanswered[S.length].id = 0;
    S.unanswered[S.length].task = 0;
    S.unanswered[S.length].input = 0;
    S.unanswered[S.length].output = 0;
    S.unanswered[S.length].asked = false;
    S.unanswered[S.length].dropped = false
  }
}

inline nobody_is_full() {
  d_step {
    n = 0;
    do
    :: n < WORKERS -> slot[n].crowded = false; n++
    :: else -> break
    od;
    n = 0
  }
}

/* The message m of worker w; ok: whether it makes sense. */
inline judge() {
  ok = true;
  if
#ifndef WITHOUT_EPOCH_CHECK
  :: m.epoch != S.epoch -> ok = false
#endif
  :: else ->
    assert(m.epoch == S.epoch); /* nothing of another generation is believed */
    if
    :: m.code == READY ->
      if
      :: S.state == RUNNING || S.said_ready || m.id != 0 -> ok = false
      :: else ->
        S.said_ready = true;
        if
        :: S.known && S.state == STARTING -> S.state = RUNNING
        :: else
        fi
      fi
    :: else -> judge_answer()
    fi
  fi
}

inline judge_answer() {
  if
#ifndef WITHOUT_FIFO_CHECK
  :: S.length == 0 || OLDEST.id != m.id -> ok = false
#endif
  :: else ->
    assert(S.length > 0 && OLDEST.id == m.id); /* an answer counts for the task that it is about */
    if
    :: m.code == DONE ->
      if
#ifndef WITHOUT_FRAME_CHECK
      :: OLDEST.dropped || m.output != OLDEST.output -> ok = false
#endif
      :: else ->
        assert(OLDEST.output == m.output && OLDEST.output != NONE); /* only what was lent is read */
        assert(lied[LIFE] || frame[R * FRAMES + m.output] == ANSWER(OLDEST.task)); /* and holds the right answer */
        if
        :: finish(OLDEST.task); settle(); nobody_is_full()
        :: no_memory > 0 -> /* the user has no memory for the answer */
          no_memory--;
          finish(OLDEST.task);
          settle();
#ifndef WITHOUT_ROOM_AFTER_A_FAILURE
          nobody_is_full()
#endif
        fi
      fi
    :: m.code == MORE_ROOM ->
      if
#ifndef WITHOUT_ONE_ROOM_CHECK
      :: OLDEST.asked -> ok = false
#endif
      :: else ->
        if
        :: S.state == RUNNING -> answer_room()
        :: else
        fi
      fi
    :: m.code == DROPPED ->
      if
#ifndef WITHOUT_DROP_CHECK
      :: !OLDEST.dropped -> ok = false
#endif
      :: else ->
        assert(OLDEST.dropped); /* nothing is dropped unless it was told to */
        finish(OLDEST.task);
        settle();
        nobody_is_full()
      fi
    :: m.code == NO_MEM -> finish(OLDEST.task); settle(); nobody_is_full()
    fi
  fi
}

inline answer_room() {
  assert(!OLDEST.asked); /* once a task: what it gives back cannot be given back again */
  give_back(OLDEST.input);
#ifndef WITHOUT_GIVING_ROOM_BACK
  give_back(OLDEST.output);
#endif
  OLDEST.input = NONE;
  OLDEST.asked = true;
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
    j = 0;
    do
    :: j < c -> copy_message(got[j], to_coordinator[R].slot[(S.head + j) % CAPACITY]); j++
    :: else -> break
    od;
    forget_slots(to_coordinator[R], S.head, c);
    S.head = S.head + c;
    to_coordinator[R].head = S.head;
    heard = true;
    j = 0;
    do
    :: j < c ->
      copy_message(m, got[j]);
      judge();
      j++;
      if
      :: !ok -> kill_worker(BY_PROTOCOL); break
      :: else
      fi
    :: else -> break
    od;
    clear_message(m); clear_message(got[0]); clear_message(got[1]);
    ok = false; j = 0
  :: else
  fi;
  c = 0
}

inline copy_message(into, from) {
  d_step {
    into.id = from.id; into.epoch = from.epoch; into.code = from.code; into.input = from.input; into.output = from.output
  }
}

/* What lies in free slots and frames is nobody's business: the fewer states, the better. */
inline forget_slots(queue, from, number) {
  if
  :: number == CAPACITY -> clear_message(queue.slot[0]); clear_message(queue.slot[1])
  :: else -> clear_message(queue.slot[(from) % CAPACITY])
  fi
}

inline forget_frames() {
  d_step {
    k = 0;
    do
    :: k < FRAMES -> frame[R * FRAMES + k] = 0; k++
    :: else -> k = 0; break
    od
  }
}

inline clear_message(message) {
  d_step {
    message.id = 0; message.epoch = 0; message.code = 0; message.input = 0; message.output = 0
  }
}

/* --- Coordinator: sleeping ------------------------------------------------------------------------------------------ */

#ifdef WITHOUT_REAPING_FIRST
#define GONE(w) (life[2 * w + (slot[w].epoch & 1)] == DEAD || killed[2 * w + (slot[w].epoch & 1)])
#else
#define GONE(w) (life[2 * w + (slot[w].epoch & 1)] == DEAD)
#endif
#define TOLD(w) (slot[w].state == STARTING && !slot[w].known && told[2 * w + (slot[w].epoch & 1)])
#define DEATH(w) (slot[w].known && GONE(w))
#define EVENT(w) (bell[w] || TOLD(w) || DEATH(w))
#define BUSY(w) (slot[w].state == RUNNING && slot[w].length > 0)
#if WORKERS == 1
#define ANY_EVENT (server_dead || EVENT(0))
#define ANY_BUSY BUSY(0)
#else
#define ANY_EVENT (server_dead || EVENT(0) || EVENT(1))
#define ANY_BUSY (BUSY(0) || BUSY(1))
#endif

inline sleep() {
  may_sleep = true;
  w = 0;
  do
  :: w < WORKERS ->
    if
    :: S.channel ->
#ifndef WITHOUT_ANNOUNCEMENT
      coordinator_step ? 0;
      coordinator_asleep[R] = true;
#endif
#ifndef WITHOUT_RECHECK
      coordinator_step ? 0;
      if
      :: S.state != DYING && (S.bad || to_coordinator[R].tail != S.head) -> may_sleep = false
      :: else
      fi
#endif
    :: else
    fi;
    w++
  :: else -> w = 0; break
  od;
  /* epoll_wait */
  coordinator_step ? 0;
  if
  :: !may_sleep
  :: may_sleep && ANY_EVENT
  :: may_sleep && timeouts > 0 && ANY_BUSY -> timeouts--; timer = true
  fi;
  may_sleep = false;
  do
  :: w < WORKERS ->
    heard_bell = heard_bell | (bell[w] << w);
    heard_told = heard_told | (TOLD(w) << w);
    heard_death = heard_death | (DEATH(w) << w);
    w++
  :: else -> w = 0; break
  od;
  heard_server = server_dead;
  do
  :: w < WORKERS ->
    if
    :: S.channel -> coordinator_step ? 0; coordinator_asleep[R] = false
    :: else
    fi;
    w++
  :: else -> w = 0; break
  od;
  hear();
  collect_all()
}

inline collect_all() {
  w = 0;
  do
  :: w < WORKERS ->
    if
    :: S.state == STARTING || S.state == RUNNING -> collect()
    :: else
    fi;
    w++
  :: else -> w = 0; break
  od
}

inline hear() {
  do
  :: w < WORKERS ->
    if
    :: heard_told & (1 << w) -> worker_is_known()
    :: else
    fi;
    w++
  :: else -> heard_told = 0; w = 0; break
  od;
  if
  :: heard_server ->
    heard_server = false;
    do
    :: w < WORKERS ->
      if
      :: S.state == STARTING && !S.known -> abandon_life()
      :: else
      fi;
      w++
    :: else -> w = 0; break
    od;
    server_dead = false /* a new one */
  :: else
  fi;
  do
  :: w < WORKERS ->
    if
    :: heard_bell & (1 << w) -> coordinator_step ? 0; heard_bell = heard_bell & ~(1 << w); bell[w] = false
    :: else
    fi;
    if
    :: heard_death & (1 << w) -> heard_death = heard_death & ~(1 << w); bury()
    :: else
    fi;
    w++
  :: else -> w = 0; break
  od
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
#ifndef WITHOUT_NEW_RINGS
  clear_ring(to_worker[R]);
  clear_ring(to_coordinator[R]);
#endif
  S.tail = to_worker[R].tail;
  S.seen_head = to_worker[R].head;
  S.head = to_coordinator[R].head;
  S.bad = false;
  worker_asleep[R] = false;
  coordinator_asleep[R] = false;
  futex_waits[R] = false;
  identity[R] = S.epoch;
  S.channel = true;
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

inline clear_ring(queue) {
  queue.tail = 0;
  queue.head = 0;
  clear_message(queue.slot[0]);
  clear_message(queue.slot[1])
}

/* It is not known whether the life ever began; whoever comes finds a region that is nobody's. */
inline abandon_life() {
  lost[LIFE] = true;
#ifndef WITHOUT_RETIRING
  coordinator_step ? 0;
  identity[R] = 0;
#endif
  wake_worker();
  S.channel = false;
  S.state = EMPTY;
  forget_frames();
  S.lent = 0;
#ifndef WITHOUT_A_NEW_REGION
  S.region = S.region ^ 1
#endif
}

inline bury() {
  /* Reaped. */
#ifndef WITHOUT_REAPING_FIRST
  life[LIFE] = NOT_THERE;
#endif
#ifndef WITHOUT_DRAINING
  if
  :: S.reason != BY_PROTOCOL -> collect()
  :: else
  fi;
#endif
  S.channel = false;
  S.state = EMPTY;
  S.known = false;
  S.alone = false;
#ifndef WITHOUT_TAKING_FRAMES_BACK
  forget_frames();
  S.lent = 0;
#endif
  clear_out();
  if
#ifdef WITHOUT_SUSPECT_CHECK
  :: S.length > 0 -> charge()
#else
  :: S.length > 0 && (S.reason != BY_TIMEOUT || OLDEST.id == S.suspect) -> charge()
#endif
  :: else
  fi;
  do
  :: S.length > 0 ->
#ifndef WITHOUT_REQUEUING
    pending = pending | (1 << OLDEST.task);
#endif
    drop_oldest()
  :: else -> break
  od;
#ifndef WITHOUT_REAPING_FIRST
  killed[LIFE] = false;
#endif
  told[LIFE] = false;
  lied[LIFE] = false;
  doing[LIFE] = NONE;
  S.suspect = 0;
  S.reason = 0;
  S.said_ready = false;
  heard = false
}

inline charge() {
  k = 0;
#ifdef WITHOUT_OLDEST_FIRST
  k = S.length - 1;
#endif
  t = S.unanswered[k].task;
  /* Only the task that it was working on is charged; for its time, only the one whose time it was. */
  assert(lied[LIFE] || doing[LIFE] == NONE || doing[LIFE] == t);
  assert(S.reason != BY_TIMEOUT || S.unanswered[k].id == S.suspect);
  assert(S.retry == NONE);
  attempts[t]++;
  if
#ifdef WITHOUT_LIMIT_OF_RETRIES
  :: true -> S.retry = t
#else
  :: attempts[t] > RETRIES -> finish(t)
  :: else -> S.retry = t
#endif
  fi;
  if
  :: k == 1 -> S.length--
  :: else -> drop_oldest()
  fi;
  t = 0; k = 0
}

inline check_clocks() {
  w = 0;
  do
  :: w < WORKERS ->
    if
    :: BUSY(w) && (timer || timeouts > 0) ->
      if
      :: !timer -> timeouts--
      :: timer -> timer = false
      fi;
      i = OLDEST.id;
      collect(); /* it may have answered meanwhile */
      if
      :: BUSY(w) && OLDEST.id == i -> S.suspect = i; kill_worker(BY_TIMEOUT)
      :: else
      fi;
      i = 0
    :: true
    fi;
    w++
  :: else -> w = 0; break
  od;
  timer = false
}

inline count_unfinished() {
  d_step {
    unfinished = (pending != 0);
    w = 0;
    do
    :: w < WORKERS -> unfinished = unfinished || S.length > 0 || S.retry != NONE; w++
    :: else -> w = 0; break
    od
  }
}

proctype Coordinator() {
  byte w, t, n, k, a, b, c, i, j;
  byte heard_bell, heard_told, heard_death;
  bool ok, heard, may_sleep, timer, unfinished, heard_server;
  Message m;
  Message got[CAPACITY];

  atomic {
    do
    ::
      check_books();
      count_unfinished();
      if
      :: unfinished -> unfinished = false
      :: else -> break
      fi;
      do
      :: w < WORKERS ->
        if
        :: S.state == EMPTY -> start()
        :: else
        fi;
        w++
      :: else -> w = 0; break
      od;
      dispatch();
      do
      :: w < WORKERS -> flush(); w++
      :: else -> w = 0; break
      od;
      collect_all();
      if
      :: !heard -> sleep()
      :: else
      fi;
      heard = false;
      check_clocks();
      heard = false
    od;

    /* It ends: every process is killed and reaped. */
    coordinator_step ? 0;
    over = true;
    do
    :: i < LIVES -> life[i] = NOT_THERE; i++
    :: else -> i = 0; break
    od;
    do
    :: i < TASKS -> assert(fate[i] == 1); i++
    :: else -> break
    od
  }
}

/* --- Worker --------------------------------------------------------------------------------------------------------- */

/* Nothing comes after it: see `unless` below. */
inline leave() {
  life[me] = (lost[me] -> NOT_THERE : DEAD)
}

/* A push of p. answers: the task in hand is over with it. */
inline post(answers) {
  if
  :: tail - seen_head == CAPACITY -> worker_step ? 0; seen_head = to_coordinator[r].head
  :: else
  fi;
  assert(lied[me] || tail - seen_head < CAPACITY); /* an honest worker has room for what it was asked */
  if
  :: tail - seen_head >= CAPACITY -> leave()
  :: else
  fi;
#ifdef WITHOUT_WRITE_BEFORE_COMMIT_BY_WORKERS
  to_coordinator[r].tail = tail + 1;
  worker_step ? 0;
#endif
  copy_message(to_coordinator[r].slot[tail % CAPACITY], p);
  worker_step ? 0;
  tail++;
  to_coordinator[r].tail = tail;
  if
  :: answers -> doing[me] = NONE
  :: else
  fi;
  clear_message(p)
}

inline ring() {
#ifndef WITHOUT_BELL
  worker_step ? 0;
  n = coordinator_asleep[r];
  coordinator_asleep[r] = false;
  if
  :: n == 1 -> n = 0; worker_step ? 0; bell[me / 2] = true
  :: else
  fi
#else
  skip
#endif
}

/* A pop of all that is there. */
inline take() {
  worker_step ? 0;
  c = to_worker[r].tail - head;
  if
  :: c > CAPACITY -> assert(lied[me]); leave() /* an honest coordinator is not taken for a liar */
  :: c > 0 && c <= CAPACITY ->
    n = 0;
    do
    :: n < c -> copy_message(inbox[count], to_worker[r].slot[(head + n) % CAPACITY]); count++; n++
    :: else -> break
    od;
    forget_slots(to_worker[r], head, c);
    head = head + c;
    to_worker[r].head = head;
    n = 0;
    c = 0
  :: else
  fi
}

/* Until there is something to take. */
inline wait() {
  do
  ::
    worker_step ? 0;
    worker_asleep[r] = true;
#ifndef WITHOUT_RECHECK_BY_WORKERS
    worker_step ? 0;
#endif
    if
#ifndef WITHOUT_RECHECK_BY_WORKERS
    :: to_worker[r].tail != head
#endif
    :: else ->
      worker_step ? 0;
#ifdef WITHOUT_LOOK_UNDER_THE_FUTEX_LOCK
      futex_waits[r] = true;
#else
      futex_waits[r] = worker_asleep[r];
#endif
      /* Now and then it asks whether the channel is retired: the one thing for which it needs a clock. */
      !futex_waits[r] || identity[r] != epoch
    fi;
    worker_step ? 0;
    worker_asleep[r] = false;
    worker_step ? 0;
    if
    :: to_worker[r].tail != head -> break
    :: else ->
      if
      :: identity[r] != epoch -> leave()
      :: else
      fi
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

inline say(number, what, out_frame) {
  p.id = number;
  p.epoch = epoch;
  p.code = what;
  p.output = out_frame
}

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
    wait_for_room();
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
          if
          :: count == 0 ->
            ring();
            wait()
          :: else
          fi
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
#define TOLD_AT_ONCE (LOST_STARTS == 0)
#define STEPS_OF(x) \
  :: atomic { life[x] == ASKED && !body[x] -> life[x] = ALIVE; told[x] = TOLD_AT_ONCE } \
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
    DRAW(crashes);
    DRAW(timeouts);
    DRAW(lies);
    DRAW(large);
    DRAW(no_memory);
    DRAW(lost_starts);
    pending = (1 << TASKS) - 1;
    do
    :: w < WORKERS -> S.retry = NONE; S.region = 2 * w; w++
    :: else -> break
    od;
    w = 0;
    do
    :: w < LIVES -> doing[w] = NONE; w++
    :: else -> break
    od;
    w = 0;
    do
    :: w < LIVES -> run Worker(w); w++
    :: else -> break
    od;
    w = 0;
    run Kernel();
    run Others();
    run Coordinator()
  }
}
