/*
 * What to do with each status: wait and try again, ask a person, or mend the program. It ends:
 * after some tries, or when the time is up.
 *
 *     cc retry.c -o retry $(pkg-config --cflags --libs emnify)
 *     EMNIFY_APPLICATION_TOKEN=... ./retry 300
 *
 * The argument says for how many seconds to go on. Exits with 0 if it worked, 1 if it was given up,
 * 2 if a person is needed, 3 for a mistake in the program.
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <emnify.h>

enum { MAX_TRIES = 20 };

enum step { WAIT, ASK_A_PERSON, MEND_THE_PROGRAM };

static enum step step_for(emnify_status status) {
  switch (status) {
  /* An outage, a bad link, a portal, a limit: it goes by. */
  case EMNIFY_ERROR_ACCOUNT_LOCKED:
  case EMNIFY_ERROR_RATE_LIMITED:
  case EMNIFY_ERROR_SERVER:
  case EMNIFY_ERROR_BAD_RESPONSE:
  case EMNIFY_ERROR_NETWORK:
  case EMNIFY_ERROR_TIMEOUT:
    return WAIT;
  /* The clock is set as soon as the network is there; until then this is as an outage. A
   * certificate of a stranger may be a portal's, and goes by as well. */
  case EMNIFY_ERROR_CLOCK:
  case EMNIFY_ERROR_TLS:
    return WAIT;
  /* Credentials and permissions do not change by themselves. */
  case EMNIFY_ERROR_UNAUTHORIZED: /* then emnify_set_application_token */
  case EMNIFY_ERROR_MFA_REQUIRED: /* then emnify_submit_mfa_code */
  case EMNIFY_ERROR_FORBIDDEN:
  case EMNIFY_ERROR_REJECTED:
  case EMNIFY_ERROR_STORAGE:
    return ASK_A_PERSON;
  /* This program never calls emnify_cancel. One that does knows why it did. */
  case EMNIFY_ERROR_CANCELLED:
  case EMNIFY_ERROR_INVALID_ARGUMENT:
  case EMNIFY_ERROR_BUFFER_TOO_SMALL:
  case EMNIFY_ERROR_INTERNAL: /* a defect of the library: please report it */
    return MEND_THE_PROGRAM;
  /* A status of a newer library. */
  default:
    return ASK_A_PERSON;
  }
}

/* Seconds that pass whatever is done to the time of day. */
static long long seconds_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (long long)now.tv_sec;
}

static void sleep_for(long long seconds) {
  struct timespec left;
  left.tv_sec = (time_t)seconds;
  left.tv_nsec = 0;
  while (nanosleep(&left, &left) != 0 && errno == EINTR) {
  }
}

/* A call that may be repeated: it only reads. */
static emnify_status read_sims(emnify_client *client, emnify_error **out_error) {
  emnify_response *response;
  emnify_status status =
      emnify_request(client, "GET", "/api/v1/sim?per_page=1", NULL, &response, out_error);

  if (status == EMNIFY_OK) {
    /* 429 and 5xx are answers; this makes errors of them that say how long to wait. */
    status = emnify_response_check(response, out_error);
    emnify_free(response);
  }
  return status;
}

static int run(emnify_client *client, long long patience) {
  const long long end = seconds_now() + patience;
  int tries;

  for (tries = 1;; tries++) {
    emnify_error *error;
    emnify_status status = read_sims(client, &error);
    enum step step;
    long long wait;

    if (status == EMNIFY_OK) {
      printf("It worked at try %d.\n", tries);
      return 0;
    }
    fprintf(stderr, "%s: %s\n", emnify_status_name(status), emnify_error_message(error));
    step = step_for(status);
    /* At least a second, whatever it says: sign-ins that come too early send nothing, but any other
     * call is sent each time. */
    wait = (long long)emnify_error_retry_after_s(error);
    wait = wait < 1 ? 1 : wait;
    if (!emnify_error_is_retryable(error) && step == WAIT) {
      step = ASK_A_PERSON; /* the library knows better */
    }
    emnify_free(error);

    if (step != WAIT) {
      return step == ASK_A_PERSON ? 2 : 3;
    }
    if (tries == MAX_TRIES || seconds_now() + wait >= end) {
      fprintf(stderr, "Given up after %d tries; the next would be in %lld s.\n", tries, wait);
      return 1;
    }
    fprintf(stderr, "Trying again in %lld s.\n", wait);
    sleep_for(wait);
  }
}

int main(int argc, char **argv) {
  emnify_client *client;
  emnify_error *error;
  long patience = argc > 1 ? strtol(argv[1], NULL, 10) : 300;
  int code;

  if (patience < 1 || patience > 86400) {
    fputs("usage: retry [SECONDS]\n", stderr);
    return 3;
  }
  if (emnify_client_new(NULL, &client, &error) != EMNIFY_OK) {
    fprintf(stderr, "no client: %s\n", emnify_error_message(error));
    emnify_free(error);
    return 3;
  }
  code = run(client, patience);
  emnify_free(client);
  return code;
}
