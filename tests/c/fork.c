/*
 * A process that forks while its other threads are anywhere in the library.
 *
 *     fork BASE_URL [FAILING_URL]...
 *
 * Each FAILING_URL answers the first sign-in in a way of its own, so that a client for it is refused,
 * locked, challenged and so on when the process forks.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"

enum { ITERATIONS = 150, PATIENCE_S = 20 };

static const char *base_url;
static emnify_client *shared;
static int over;

static int going_on(void) { return !__atomic_load_n(&over, __ATOMIC_SEQ_CST); }

/* In the pool, the cache, the sockets: a new client signs in each time. */
static void *renews(void *argument) {
  (void)argument;
  while (going_on()) {
    emnify_client *client = client_at(base_url);
    char *token = token_of(client);
    emnify_invalidate(client, token);
    emnify_free(token);
    emnify_free(token_of(client));
    emnify_free(client);
  }
  return NULL;
}

/* In the registry of objects and in malloc. */
static void *allocates(void *argument) {
  (void)argument;
  while (going_on()) {
    char *text = emnify_json_quote("text");
    emnify_error *error;
    EXPECT(emnify_client_new(NULL, NULL, &error) != EMNIFY_OK, "an error to play with");
    emnify_free(error);
    emnify_free(text);
  }
  return NULL;
}

/* In the client that the children inherit. */
static void *uses(void *argument) {
  (void)argument;
  while (going_on()) {
    emnify_response *response;
    emnify_error *error;
    uint32_t next;
    emnify_free(token_of(shared));
    emnify_invalidate(shared, "another token");
    EXPECT(emnify_renew_if_due(shared, &next, NULL) == EMNIFY_OK, "a good token");
    emnify_status status =
        emnify_request(shared, "GET", "/api/v1/sim?per_page=1", NULL, &response, &error);
    EXPECT_STATUS(status, EMNIFY_OK, error);
    emnify_free(response);
  }
  return NULL;
}

/* At once: a call that waited for a lock of a thread that is not here would wait for ever. */
static void refused_at_once(emnify_client *client) {
  struct timespec before, after;
  emnify_error *error;
  emnify_response *response;
  char *token;
  char buffer[16];
  uint32_t next;
  emnify_status status;

  clock_gettime(CLOCK_MONOTONIC, &before);
  status = emnify_auth_token(client, &token, &error);
  EXPECT(strstr(emnify_error_message(error), "fork") != NULL, "a message about the fork, got: %s",
         emnify_error_message(error));
  EXPECT_STATUS(status, EMNIFY_ERROR_INVALID_ARGUMENT, error);
#define REFUSED(call) EXPECT((call) == EMNIFY_ERROR_INVALID_ARGUMENT, "a refusal")
  REFUSED(emnify_auth_token_copy(client, buffer, sizeof buffer, NULL, NULL, NULL));
  REFUSED(emnify_request(client, "GET", "/api/v1/sim", NULL, &response, NULL));
  REFUSED(emnify_renew_if_due(client, &next, NULL));
  REFUSED(emnify_set_application_token(client, APPLICATION_TOKEN, NULL));
  REFUSED(emnify_invalidate(client, "x"));
  REFUSED(emnify_reset(client));
  REFUSED(emnify_cancel(client));
  REFUSED(emnify_resume(client));
#undef REFUSED
  clock_gettime(CLOCK_MONOTONIC, &after);
  EXPECT(after.tv_sec - before.tv_sec < 5, "refusals at once");
}

static void child(int iteration, emnify_error *inherited_error, char *inherited_token) {
  emnify_client *client;
  char *text, *token;

  alarm(PATIENCE_S); /* its default ends the process */
  refused_at_once(shared);
  text = emnify_url_escape("a b");
  EXPECT(strcmp(text, "a%20b") == 0, "the library to work");
  emnify_free(text);

  client = client_at(base_url);
  if (iteration % 5 == 0) {
    token = token_of(client);
    EXPECT(strcmp(token, inherited_token) != 0, "a token of its own");
    emnify_free(token);
  }

  /* What was inherited is memory of the child's own. A text may be released here as well, so that
   * the secret is not in two processes; the rest is no object here. */
  EXPECT(emnify_error_message(inherited_error)[0] == '\0', "no object of the parent");
  emnify_free(inherited_error);
  emnify_free(inherited_token);
  emnify_free(inherited_token);
  emnify_free(client);
  /* The header advises against it; it must do no harm. */
  if (iteration % 3 == 0) {
    emnify_free(shared);
    EXPECT(emnify_reset(shared) == EMNIFY_ERROR_INVALID_ARGUMENT, "a freed client to be refused");
  }
  if (iteration % 7 == 0) {
    pid_t pid = fork();
    int status;
    if (pid == 0) {
      alarm(PATIENCE_S);
      emnify_free(token_of(client_at(base_url)));
      _exit(0);
    }
    EXPECT(waitpid(pid, &status, 0) == pid && status == 0, "a grandchild to work");
  }
  _exit(0);
}

/* Whatever a client knew in the parent, in the child it says that it is not of here. */
static void in_each_state(char **urls, int count) {
  emnify_client *clients[16], *never_used = client_at(base_url);
  int i, status;
  pid_t pid;

  EXPECT(count <= 16, "fewer states");
  for (i = 0; i < count; i++) {
    clients[i] = client_at(urls[i]);
    EXPECT(emnify_auth_token(clients[i], NULL, NULL) == EMNIFY_ERROR_INVALID_ARGUMENT, "no place");
    EXPECT(emnify_renew_if_due(clients[i], NULL, NULL) != EMNIFY_OK, "a sign-in that fails");
  }
  pid = fork();
  EXPECT(pid >= 0, "a child");
  if (pid == 0) {
    alarm(PATIENCE_S);
    refused_at_once(never_used);
    for (i = 0; i < count; i++) {
      refused_at_once(clients[i]);
    }
    _exit(0);
  }
  EXPECT(waitpid(pid, &status, 0) == pid && status == 0, "the child to succeed");
  for (i = 0; i < count; i++) {
    emnify_free(clients[i]);
  }
  emnify_free(never_used);
}

int main(int argc, char **argv) {
  void *(*const work[])(void *) = {renews, allocates, uses, uses};
  pthread_t threads[4];
  emnify_error *error;
  char *token;
  int i;

  EXPECT(argc >= 2, "an argument");
  base_url = argv[1];
  in_each_state(argv + 2, argc - 2);
  shared = client_at(base_url);
  token = token_of(shared);
  EXPECT(emnify_client_new(NULL, NULL, &error) != EMNIFY_OK, "an error to play with");

  for (i = 0; i < 4; i++) {
    EXPECT(pthread_create(&threads[i], NULL, work[i], NULL) == 0, "a thread");
  }
  for (i = 0; i < ITERATIONS; i++) {
    int status;
    pid_t pid = fork();
    EXPECT(pid >= 0, "a child");
    if (pid == 0) {
      child(i, error, token);
    }
    EXPECT(waitpid(pid, &status, 0) == pid, "the child to end");
    EXPECT(status == 0, "the child %d to succeed, got %#x (%s)", i, (unsigned)status,
           WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? "it hung" : "see above");
  }
  __atomic_store_n(&over, 1, __ATOMIC_SEQ_CST);
  for (i = 0; i < 4; i++) {
    pthread_join(threads[i], NULL);
  }
  /* The children took nothing away from the parent. */
  EXPECT(emnify_error_message(error)[0] != '\0', "the error untouched");
  emnify_free(error);
  emnify_free(token);
  emnify_free(token_of(shared));
  emnify_free(shared);
  return 0;
}
