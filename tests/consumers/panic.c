/* Makes the library panic, as it is installed: Rust takes a clock that fails for impossible. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <emnify.h>

static int no_clock;

int clock_gettime(clockid_t clock, struct timespec *now) {
  if (no_clock) {
    errno = EINVAL;
    return -1;
  }
  return (int)syscall(SYS_clock_gettime, clock, now);
}

int main(void) {
  emnify_client *client;
  emnify_error *error;
  char *token;
  emnify_status status;

  if (emnify_client_new(NULL, &client, NULL) != EMNIFY_OK) {
    return 1;
  }
  no_clock = 1;
  status = emnify_auth_token(client, &token, &error);
  no_clock = 0;
  printf("%s\n", emnify_status_name(status));
  emnify_free(error);

  /* The client goes on. */
  status = emnify_auth_token(client, &token, NULL);
  printf("%s\n", emnify_status_name(status));
  emnify_free(token);
  emnify_free(client);
  return 0;
}
