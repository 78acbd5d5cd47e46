/*
 * A loop of one's own, as in a program around poll(): the renewal has its place in it, and each
 * round has a token at once, in a buffer that is always there. Nothing is allocated for that.
 *
 *     cc poll_loop.c -o poll_loop $(pkg-config --cflags --libs emnify)
 *     EMNIFY_APPLICATION_TOKEN=... ./poll_loop
 *
 * Ends on SIGINT and SIGTERM. Arguments: after how many rounds to end, 0 for never, and how many
 * milliseconds a round takes.
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <emnify.h>

static volatile sig_atomic_t ending;

/* A byte in this pipe ends the waiting, also where the signal comes just before it begins. */
static int woken[2];

static void end(int number) {
  const int before = errno;
  (void)number;
  ending = 1;
  if (write(woken[1], "", 1) < 0) {
    /* The pipe is full of such bytes: that will do. */
  }
  errno = before;
}

static char bearer[4096];

static long long milliseconds_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A plain memset of what is not read again may be left out by the compiler. */
static void wipe(char *bytes, size_t length) {
  volatile char *each = bytes;
  while (length-- > 0) {
    *each++ = 0;
  }
}

/* Renews if that is due. The one place that may wait for the network, timeout_ms at most; a program
 * that must not wait there gives this to a thread of its own. Returns when to come again. */
static long long renew(emnify_client *client) {
  emnify_error *error;
  uint32_t next_s; /* set also where it fails, at least 1 */

  if (emnify_renew_if_due(client, &next_s, &error) != EMNIFY_OK) {
    fprintf(stderr, "no token: %s; next try in %u s\n", emnify_error_message(error),
            (unsigned)next_s);
    emnify_free(error);
  }
  return milliseconds_now() + (long long)next_s * 1000;
}

/* What the program is there for. Takes the token anew each time: one that was kept may be over. */
static int use_token(emnify_client *client, long round) {
  size_t length;
  uint32_t expires_in_s;
  emnify_error *error;

  if (emnify_auth_token_copy(client, bearer, sizeof bearer, &length, &expires_in_s, &error) !=
      EMNIFY_OK) {
    fprintf(stderr, "round %ld without a token: %s\n", round, emnify_error_message(error));
    emnify_free(error);
    return 0;
  }
  /* Here it would go out as "Authorization: Bearer ...". If that is answered with a 401, say so
   * with emnify_invalidate: the next round has another one. */
  printf("round %ld: a token of %u characters, good for %u s\n", round, (unsigned)length,
         (unsigned)expires_in_s);
  wipe(bearer, length);
  return 1;
}

int main(int argc, char **argv) {
  const long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
  const long round_ms = argc > 2 ? strtol(argv[2], NULL, 10) : 1000;
  struct sigaction action;
  struct pollfd descriptor;
  emnify_client *client;
  emnify_error *error;
  long long renewal = 0; /* at once */
  long round, good = 0;

  if (rounds < 0 || round_ms < 1 || round_ms > 3600000) {
    fputs("usage: poll_loop [ROUNDS [MILLISECONDS]]\n", stderr);
    return 2;
  }
  if (emnify_client_new(NULL, &client, &error) != EMNIFY_OK) {
    fprintf(stderr, "no client: %s\n", emnify_error_message(error));
    emnify_free(error);
    return 2;
  }
  if (pipe(woken) != 0) {
    perror("pipe");
    emnify_free(client);
    return 2;
  }
  descriptor.fd = woken[0];
  descriptor.events = POLLIN;
  memset(&action, 0, sizeof action);
  action.sa_handler = end;
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);

  for (round = 1; !ending && (rounds == 0 || round <= rounds); round++) {
    if (milliseconds_now() >= renewal) {
      renewal = renew(client);
    }
    good += use_token(client, round);
    fflush(stdout);
    /* A real program has more descriptors here, and wakes at the earlier of its own time and the
     * renewal's. */
    if (rounds == 0 || round < rounds) {
      poll(&descriptor, 1, (int)round_ms);
    }
  }
  printf("%ld of %ld rounds had a token.\n", good, round - 1);
  emnify_free(client);
  return good == round - 1 ? 0 : 1;
}
