/* The hot path through libemnify.so, as a C program sees it, beside the least that any such call can
 * cost and beside what one would write by hand.
 *
 *     hot BASE_URL [ROUNDS]
 *
 * All subjects run in turn in each round, threads pinned to cores. Two figures each: what a call took
 * on its thread in the quickest tenth of all batches of calls, which other work on the machine
 * hardly touches; and the median over the rounds of wall time per call, all threads together, which
 * it does. Prints "over" where a bound is missed, and never fails for it. */
#define _GNU_SOURCE
#include <emnify.h>

#include "../peers/by_hand.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CAPACITY = 4096, MOST_THREADS = 8, MOST_ROUNDS = 101, BATCH = 500 };

/* How many batches took how long per call, in quarters of a nanosecond. */
enum { BUCKETS = 4000 };

/* How long a subject runs in a round, for each thread: short, so that all subjects of a round see the
 * same machine, but several time slices where threads outnumber the cores. */
static const uint64_t TURN_NS = 5000000;

/* Opens nothing anywhere; every simulator knows it. */
static const char APPLICATION_TOKEN[] =
    "SIMULATED-application-token-of-no-value-that-every-simulator-knows-from-the-start";

static emnify_client *client;

/* The token of the subjects that are not the library. The floor reads it without the lock. */
static struct kept_token kept = {.lock = PTHREAD_MUTEX_INITIALIZER};
static _Atomic uint64_t good_until_ns;

static uint64_t nanos(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void check(int holds, const char *what) {
  if (!holds) {
    fprintf(stderr, "hot: %s\n", what);
    exit(1);
  }
}

/* Each subject gives a token to its caller once. The buffer is the caller's own. */

static void floor_copy(char *buffer) {
  check(nanos(CLOCK_BOOTTIME) < atomic_load_explicit(&good_until_ns, memory_order_acquire),
        "the token is over");
  memcpy(buffer, kept.text, kept.length);
}

static void library_copy(char *buffer) {
  size_t length;
  uint32_t expires_in_s;
  check(emnify_auth_token_copy(client, buffer, CAPACITY, &length, &expires_in_s, NULL) == EMNIFY_OK,
        "emnify_auth_token_copy failed");
}

static void library_allocated(char *buffer) {
  char *text;
  (void)buffer;
  check(emnify_auth_token(client, &text, NULL) == EMNIFY_OK, "emnify_auth_token failed");
  emnify_free(text);
}

static void by_hand(char *buffer) {
  check(kept_token_copy(&kept, buffer), "the token is over");
}

static void by_hand_on_the_boot_clock(char *buffer) {
  check(kept_token_copy_boot(&kept, buffer), "the token is over");
}

static const struct subject {
  const char *name;
  void (*call)(char *buffer);
  /* As a multiple of the floor, by number of threads (1, 2, 8); 0: none. */
  double bound[3];
} SUBJECTS[] = {
    {"floor: atomic, boot clock, memcpy", floor_copy, {0, 0, 0}},
    {"emnify_auth_token_copy", library_copy, {2, 2, 2}},
    {"emnify_auth_token + emnify_free", library_allocated, {4, 0, 0}},
    {"by hand: mutex, time(), memcpy", by_hand, {0, 0, 0}},
    {"by hand: mutex, boot clock, memcpy", by_hand_on_the_boot_clock, {0, 0, 0}},
};
enum { SUBJECT_COUNT = sizeof SUBJECTS / sizeof *SUBJECTS };

static const int THREADS[] = {1, 2, 8};

struct worker {
  pthread_t thread;
  int core;
  const struct subject *subject;
  pthread_barrier_t *start;
  uint64_t turn_ns;
  /* A cache line of its own for what is written: threads must not share one by accident. */
  _Alignas(64) uint64_t calls;
  uint64_t begun_ns, ended_ns;
  uint32_t batches[BUCKETS];
};

static void *work(void *argument) {
  struct worker *worker = argument;
  char *buffer = aligned_alloc(64, CAPACITY);
  cpu_set_t cores;
  uint64_t calls = 0;
  uint64_t now, before;
  CPU_ZERO(&cores);
  CPU_SET((size_t)worker->core, &cores);
  check(sched_setaffinity(0, sizeof cores, &cores) == 0, "a thread cannot be pinned");
  check(buffer != NULL, "out of memory");
  memset(buffer, 0, CAPACITY);
  pthread_barrier_wait(worker->start);
  now = worker->begun_ns = nanos(CLOCK_MONOTONIC);
  do {
    uint64_t bucket;
    int i;
    before = now;
    for (i = 0; i < BATCH; i++) {
      worker->subject->call(buffer);
      /* Somebody might look at it. */
      __asm__ volatile("" : : "r"(buffer) : "memory");
    }
    calls += BATCH;
    now = nanos(CLOCK_MONOTONIC);
    bucket = (now - before) * 4 / BATCH;
    worker->batches[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
  } while (now < worker->begun_ns + worker->turn_ns);
  worker->calls = calls;
  worker->ended_ns = now;
  free(buffer);
  return NULL;
}

/* Nanoseconds of wall time per call, all threads together. Adds to the batches. */
static double measure(const struct subject *subject, int threads, const int *cores, int core_count,
                      uint32_t batches[BUCKETS]) {
  static struct worker workers[MOST_THREADS];
  pthread_barrier_t start;
  uint64_t begun_ns = UINT64_MAX, ended_ns = 0, calls = 0;
  int i, bucket;
  pthread_barrier_init(&start, NULL, (unsigned)threads);
  for (i = 0; i < threads; i++) {
    workers[i] = (struct worker){.core = cores[i % core_count], .subject = subject, .start = &start};
    workers[i].turn_ns = TURN_NS * (uint64_t)threads;
    check(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0, "no thread");
  }
  for (i = 0; i < threads; i++) {
    pthread_join(workers[i].thread, NULL);
    calls += workers[i].calls;
    for (bucket = 0; bucket < BUCKETS; bucket++) {
      batches[bucket] += workers[i].batches[bucket];
    }
    if (workers[i].begun_ns < begun_ns) {
      begun_ns = workers[i].begun_ns;
    }
    if (workers[i].ended_ns > ended_ns) {
      ended_ns = workers[i].ended_ns;
    }
  }
  pthread_barrier_destroy(&start);
  return (double)(ended_ns - begun_ns) / (double)calls;
}

static int by_size(const void *left, const void *right) {
  double l = *(const double *)left, r = *(const double *)right;
  return (l > r) - (l < r);
}

static double median(double *values, int count) {
  qsort(values, (size_t)count, sizeof *values, by_size);
  return values[count / 2];
}

/* What a call took in the quickest tenth of the batches. */
static double undisturbed(const uint32_t batches[BUCKETS]) {
  uint64_t all = 0, seen = 0;
  int bucket;
  for (bucket = 0; bucket < BUCKETS; bucket++) {
    all += batches[bucket];
  }
  for (bucket = 0; seen * 10 < all; bucket++) {
    seen += batches[bucket];
  }
  return bucket / 4.0;
}

/* One round of all subjects after the other, many times. */
static void compare(int column, int rounds, const int *cores, int core_count) {
  static double ns[SUBJECT_COUNT][MOST_ROUNDS], ratio[SUBJECT_COUNT][MOST_ROUNDS];
  static uint32_t batches[SUBJECT_COUNT][BUCKETS];
  int threads = THREADS[column];
  double own_floor;
  int round, i;
  memset(batches, 0, sizeof batches);
  for (round = 0; round < rounds; round++) {
    for (i = 0; i < SUBJECT_COUNT; i++) {
      ns[i][round] = measure(&SUBJECTS[i], threads, cores, core_count, batches[i]);
      ratio[i][round] = ns[i][round] / ns[0][round];
    }
  }
  own_floor = undisturbed(batches[0]);
  for (i = 0; i < SUBJECT_COUNT; i++) {
    double own = undisturbed(batches[i]), bound = SUBJECTS[i].bound[column];
    double times = median(ratio[i], rounds);
    printf("%7d  %-35s %7.1f ns %5.2f x %9.1f ns %5.2f x", threads, SUBJECTS[i].name, own,
           own / own_floor, median(ns[i], rounds), times);
    if (bound > 0) {
      printf("   at most %.0f x: %s, %s", bound, own / own_floor <= bound ? "within" : "over",
             times <= bound ? "within" : "over");
    }
    printf("\n");
  }
}

int main(int argc, char **argv) {
  emnify_config config = EMNIFY_CONFIG_INIT;
  emnify_error *error = NULL;
  uint32_t expires_in_s;
  cpu_set_t allowed;
  int cores[CPU_SETSIZE];
  int core_count = 0, rounds, column, core;
  check(argc == 2 || argc == 3, "usage: hot BASE_URL [ROUNDS]");
  rounds = argc == 3 ? atoi(argv[2]) : 51;
  check(rounds > 0 && rounds <= MOST_ROUNDS, "ROUNDS is from 1 to 101");

  check(sched_getaffinity(0, sizeof allowed, &allowed) == 0, "no cores are known");
  for (core = 0; core < CPU_SETSIZE; core++) {
    if (CPU_ISSET((size_t)core, &allowed)) {
      cores[core_count++] = core;
    }
  }

  config.base_url = argv[1];
  config.application_token = APPLICATION_TOKEN;
  if (emnify_client_new(&config, &client, &error) != EMNIFY_OK ||
      emnify_auth_token_copy(client, kept.text, sizeof kept.text, &kept.length, &expires_in_s,
                             &error) != EMNIFY_OK) {
    fprintf(stderr, "hot: %s\n", emnify_error_message(error));
    return 1;
  }
  /* As good for as long as the library's own. */
  kept.good_until_ns = nanos(CLOCK_BOOTTIME) + (uint64_t)expires_in_s * 1000000000u;
  kept.good_until_s = time(NULL) + (time_t)expires_in_s;
  atomic_store(&good_until_ns, kept.good_until_ns);

  printf("\ntoken of %zu bytes, %d cores, %d rounds\n", kept.length, core_count, rounds);
  printf("threads  what                                one call, undisturbed    all threads, median\n");
  for (column = 0; column < 3; column++) {
    compare(column, rounds, cores, core_count);
  }
  emnify_free(client);
  return 0;
}
