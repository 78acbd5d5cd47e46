/*
 * A process at its limits: no descriptors left, no threads left. Calls fail and say so, and work
 * again when the shortage is over.
 *
 *     limits BASE_URL CA_FILE
 *
 * BASE_URL names its host ("localhost"), so that a look-up is needed, which takes a thread.
 */
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <sys/resource.h>

#include "check.h"

static void *nothing(void *argument) { return argument; }

static void works_again(emnify_client *client) {
  emnify_response *response;
  emnify_error *error;
  emnify_status status;
  EXPECT(emnify_reset(client) == EMNIFY_OK, "the back-off to be forgotten");
  emnify_free(token_of(client));
  status = emnify_request(client, "GET", "/api/v1/sim", NULL, &response, &error);
  EXPECT_STATUS(status, EMNIFY_OK, error);
  emnify_free(response);
}

static void no_descriptors(const char *base_url, const char *ca_file) {
  struct rlimit before, none;
  emnify_config config = EMNIFY_CONFIG_INIT;
  emnify_client *client = client_at(base_url), *other;
  emnify_client *signed_in = client_at(base_url);
  emnify_response *response;
  emnify_error *error;
  emnify_status status;
  char *token;
  int i, next;

  emnify_free(token_of(signed_in));
  EXPECT(getrlimit(RLIMIT_NOFILE, &before) == 0, "a limit");
  next = open("/dev/null", O_RDONLY);
  none = before;
  none.rlim_cur = (rlim_t)next;
  close(next);
  EXPECT(setrlimit(RLIMIT_NOFILE, &none) == 0, "a limit");
  EXPECT(open("/dev/null", O_RDONLY) < 0, "no descriptor to be left");

  for (i = 0; i < 3; i++) {
    status = emnify_auth_token(client, &token, &error);
    EXPECT(token == NULL && emnify_error_is_retryable(error), "a failure that may pass");
    EXPECT_STATUS(status, EMNIFY_ERROR_NETWORK, error);
    emnify_reset(client);
  }
  config.application_token = APPLICATION_TOKEN;
  config.base_url = "https://127.0.0.1:1";
  config.ca_file = ca_file;
  status = emnify_client_new(&config, &other, &error);
  EXPECT(other == NULL, "no client whose CA file could not be read");
  EXPECT(strstr(emnify_error_message(error), "ca_file") != NULL, "a message about it, got: %s",
         emnify_error_message(error));
  EXPECT_STATUS(status, EMNIFY_ERROR_INVALID_ARGUMENT, error);
  /* A token that is good needs no descriptor. */
  emnify_free(token_of(signed_in));
  status = emnify_request(signed_in, "GET", "/api/v1/sim", NULL, &response, &error);
  if (status == EMNIFY_OK) { /* over the connection that is there */
    emnify_free(response);
  }
  emnify_free(error);

  EXPECT(setrlimit(RLIMIT_NOFILE, &before) == 0, "the limit as it was");
  works_again(client);
  works_again(signed_in);
  emnify_free(client);
  emnify_free(signed_in);
}

static void no_threads(const char *base_url) {
  struct rlimit before, none;
  emnify_client *client = client_at(base_url);
  emnify_error *error;
  emnify_status status;
  pthread_t thread;
  char *token;
  int i;

  if (getuid() == 0) { /* whom no limit holds */
    EXPECT(setgroups(0, NULL) == 0 && setgid(65534) == 0 && setuid(65534) == 0, "another user");
  }
  EXPECT(getrlimit(RLIMIT_NPROC, &before) == 0, "a limit");
  none = before;
  none.rlim_cur = 0;
  EXPECT(setrlimit(RLIMIT_NPROC, &none) == 0, "a limit");
  if (pthread_create(&thread, NULL, nothing, NULL) == 0) {
    pthread_join(thread, NULL);
    puts("skipped: this system makes threads beyond RLIMIT_NPROC");
    emnify_free(client);
    return;
  }
  for (i = 0; i < 3; i++) {
    status = emnify_auth_token(client, &token, &error);
    EXPECT(token == NULL && emnify_error_is_retryable(error), "a failure that may pass");
    EXPECT(strstr(emnify_error_message(error), "thread") != NULL, "what is short, got: %s",
           emnify_error_message(error));
    EXPECT_STATUS(status, EMNIFY_ERROR_NETWORK, error);
    emnify_reset(client);
  }
  EXPECT(setrlimit(RLIMIT_NPROC, &before) == 0, "the limit as it was");
  works_again(client);
  emnify_free(client);
}

int main(int argc, char **argv) {
  EXPECT(argc == 3, "two arguments");
  no_descriptors(argv[1], argv[2]);
  no_threads(argv[1]);
  return 0;
}
