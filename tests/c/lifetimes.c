/*
 * Threads and processes that end in the middle of things: cancelled, in destructors, by exit; and
 * objects that several threads release at once.
 *
 *     lifetimes BASE_URL
 *
 * The Rust side lets /api/v1/hangs hang, and answers sign-ins after a while.
 */
#include <fcntl.h>
#include <pthread.h>
#include <time.h>

#include "check.h"

static const char *base_url;
static emnify_client *shared;
static pthread_key_t key;
static int after_call;

/* A thread that is cancelled while it waits for the network. The call has to end first: nothing can
 * unwind it. */
static void *waits(void *argument) {
  emnify_client *client = argument;
  char *token;
  emnify_status status = emnify_auth_token(client, &token, NULL);
  __atomic_store_n(&after_call, 1, __ATOMIC_SEQ_CST);
  EXPECT(status == EMNIFY_OK, "a token, got %s", emnify_status_name(status));
  emnify_free(token);
  pthread_testcancel();
  EXPECT(0, "the thread to be cancelled after the call");
  return NULL;
}

static void cancelled_thread(void) {
  emnify_client *client = client_at(base_url);
  pthread_t thread;
  void *result;
  EXPECT(pthread_create(&thread, NULL, waits, client) == 0, "a thread");
  usleep(50 * 1000);
  EXPECT(pthread_cancel(thread) == 0, "to cancel");
  pthread_join(thread, &result);
  EXPECT(result == PTHREAD_CANCELED && after_call, "the thread to end where the program lets it");
  emnify_free(token_of(client));
  emnify_free(client);
}

/* What a thread's own data may still be needed for when the thread is almost gone. */
static void uses_everything(void *argument) {
  emnify_client *client;
  emnify_response *response;
  emnify_error *error;
  emnify_status status;
  char *text;
  (void)argument;
  emnify_free(token_of(shared));
  client = client_at(base_url);
  emnify_free(token_of(client));
  status = emnify_request(client, "GET", "/api/v1/sim", NULL, &response, &error);
  EXPECT_STATUS(status, EMNIFY_OK, error);
  emnify_free(response);
  emnify_free(client);
  text = emnify_json_quote("text");
  emnify_free(text);
  status = emnify_request(NULL, NULL, NULL, NULL, NULL, &error);
  EXPECT_STATUS(status, EMNIFY_ERROR_INVALID_ARGUMENT, error);
}

/* The system calls destructors until no thread-local value is left, four rounds at most; the library's
 * own values are gone after the first. */
static void in_each_round(void *left) {
  static char rounds[4];
  char *this_round = left == &key ? rounds : (char *)left + 1;
  uses_everything(NULL);
  if (this_round < rounds + 3) {
    pthread_setspecific(key, this_round);
  }
}

static void *ends_with_a_destructor(void *argument) {
  pthread_setspecific(key, argument);
  /* Whatever the library keeps for a thread is there now, and gone when the destructor runs. */
  uses_everything(NULL);
  return NULL;
}

static void destructors(void) {
  int round;
  pthread_key_create(&key, in_each_round);
  for (round = 0; round < 3; round++) {
    pthread_t thread;
    EXPECT(pthread_create(&thread, NULL, ends_with_a_destructor, &key) == 0, "a thread");
    pthread_join(thread, NULL);
  }
}

static void *releases(void *argument) {
  void **objects = argument;
  int i;
  for (i = 0; i < 100; i++) {
    emnify_free(objects[i]);
    EXPECT(emnify_error_http_status(objects[i]) == 0, "nothing in a freed object");
  }
  return NULL;
}

/* Four threads release the same hundred objects. */
static void released_at_once(void) {
  void *objects[100];
  pthread_t threads[4];
  int i;
  for (i = 0; i < 100; i++) {
    emnify_error *error;
    if (i % 2 == 0) {
      objects[i] = token_of(shared);
    } else {
      EXPECT(emnify_client_new(NULL, NULL, &error) != EMNIFY_OK, "an error");
      objects[i] = error;
    }
  }
  for (i = 0; i < 4; i++) {
    EXPECT(pthread_create(&threads[i], NULL, releases, objects) == 0, "a thread");
  }
  for (i = 0; i < 4; i++) {
    pthread_join(threads[i], NULL);
  }
}

static void *hangs(void *argument) {
  emnify_response *response;
  emnify_error *error;
  emnify_status status = emnify_request(argument, "GET", "/api/v1/hangs", NULL, &response, &error);
  EXPECT_STATUS(status, EMNIFY_ERROR_CANCELLED, error);
  EXPECT(response == NULL, "no response");
  return NULL;
}

/* emnify_cancel ends a call that waits; a good token is still there, and resume undoes it. */
static void cancelled_call(void) {
  emnify_client *client = client_at(base_url);
  emnify_response *response;
  emnify_error *error;
  emnify_status status;
  pthread_t thread;
  struct timespec before, after;

  emnify_free(token_of(client));
  EXPECT(pthread_create(&thread, NULL, hangs, client) == 0, "a thread");
  usleep(100 * 1000);
  clock_gettime(CLOCK_MONOTONIC, &before);
  EXPECT(emnify_cancel(client) == EMNIFY_OK, "to cancel");
  pthread_join(thread, NULL);
  clock_gettime(CLOCK_MONOTONIC, &after);
  EXPECT(after.tv_sec - before.tv_sec < 5, "the call to end at once");
  emnify_free(token_of(client));
  status = emnify_request(client, "GET", "/api/v1/sim", NULL, &response, &error);
  EXPECT_STATUS(status, EMNIFY_ERROR_CANCELLED, error);
  EXPECT(emnify_resume(client) == EMNIFY_OK, "to resume");
  status = emnify_request(client, "GET", "/api/v1/sim", NULL, &response, &error);
  EXPECT_STATUS(status, EMNIFY_OK, error);
  emnify_free(response);
  emnify_free(client);
}

/* A program that starts another one does not hand its connections on. */
static void descriptors_are_closed_on_exec(void) {
  int fd, sockets = 0;
  emnify_response *response;
  EXPECT(emnify_request(shared, "GET", "/api/v1/sim", NULL, &response, NULL) == EMNIFY_OK, "a list");
  emnify_free(response);
  for (fd = 3; fd < 256; fd++) {
    char path[64], target[64];
    ssize_t length;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    length = readlink(path, target, sizeof target);
    if (length > 7 && memcmp(target, "socket:", 7) == 0) {
      sockets++;
      EXPECT((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0, "the socket %d to be closed on exec", fd);
    }
  }
  EXPECT(sockets > 0, "a connection that is kept");
}

static void *never_ends(void *argument) {
  for (;;) {
    emnify_client *client = client_at(argument);
    emnify_free(token_of(client));
    emnify_free(client);
  }
  return NULL;
}

static void at_exit(void) { uses_everything(NULL); }

int main(int argc, char **argv) {
  pthread_t thread;
  EXPECT(argc == 2, "one argument");
  base_url = argv[1];
  shared = client_at(base_url);
  emnify_free(token_of(shared));
  cancelled_thread();
  destructors();
  released_at_once();
  cancelled_call();
  descriptors_are_closed_on_exec();
  emnify_free(shared);

  /* The process ends while a thread is in the library, and another handler is not done yet. */
  shared = client_at(base_url);
  EXPECT(atexit(at_exit) == 0, "a handler");
  EXPECT(pthread_create(&thread, NULL, never_ends, argv[1]) == 0, "a thread");
  usleep(20 * 1000);
  return 0;
}
