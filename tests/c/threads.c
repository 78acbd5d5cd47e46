/*
 * Many threads and one client, or many.
 *
 *     threads BASE_URL
 */
#include <pthread.h>
#include <sched.h>

#include "check.h"

enum { USERS = 4, HERD = 64, ROUNDS = 50 };

static emnify_client *client;
static int gone; /* set before the client is freed; atomic */
static pthread_barrier_t start;

/* Uses the client until it is gone. Each call either succeeds or says why not. */
static void *user(void *argument) {
  unsigned refused = 0;
  (void)argument;
  pthread_barrier_wait(&start);
  while (refused < 3) {
    char *token;
    char buffer[4096];
    emnify_error *error;
    emnify_response *response;
    int was_gone = __atomic_load_n(&gone, __ATOMIC_SEQ_CST);
    emnify_status status = emnify_auth_token(client, &token, &error);
    EXPECT(status == EMNIFY_OK || status == EMNIFY_ERROR_INVALID_ARGUMENT, "a token or a refusal: %s",
           emnify_error_message(error));
    EXPECT((token != NULL) == (status == EMNIFY_OK), "a token exactly if it succeeded");
    EXPECT(status == EMNIFY_ERROR_INVALID_ARGUMENT || was_gone < 2, "a freed client to be refused");
    emnify_free(token);
    emnify_free(error);
    status = emnify_auth_token_copy(client, buffer, sizeof buffer, NULL, NULL, NULL);
    EXPECT((status == EMNIFY_OK) == (buffer[0] != '\0'), "a token exactly if it succeeded");
    status = emnify_request(client, "GET", "/api/v1/sim?per_page=1", NULL, &response, &error);
    EXPECT((response != NULL) == (status == EMNIFY_OK), "a response exactly if it succeeded");
    EXPECT(status == EMNIFY_OK || status == EMNIFY_ERROR_INVALID_ARGUMENT, "a response, got: %s",
           emnify_error_message(error));
    emnify_free(response);
    emnify_free(error);
    refused += status == EMNIFY_ERROR_INVALID_ARGUMENT;
  }
  return NULL;
}

/* A client that is freed while four threads use it, each time at another moment. */
static void freed_while_in_use(const char *base_url, int rounds) {
  int round;
  for (round = 0; round < rounds; round++) {
    pthread_t threads[USERS];
    int i;
    client = client_at(base_url);
    __atomic_store_n(&gone, 0, __ATOMIC_SEQ_CST);
    pthread_barrier_init(&start, NULL, USERS + 1);
    for (i = 0; i < USERS; i++) {
      EXPECT(pthread_create(&threads[i], NULL, user, NULL) == 0, "a thread");
    }
    pthread_barrier_wait(&start);
    usleep((useconds_t)(round % 10) * 400);
    emnify_free(client);
    __atomic_store_n(&gone, 2, __ATOMIC_SEQ_CST);
    emnify_free(client);
    for (i = 0; i < USERS; i++) {
      pthread_join(threads[i], NULL);
    }
    pthread_barrier_destroy(&start);
  }
}

static void *one_of_a_herd(void *argument) {
  (void)argument;
  pthread_barrier_wait(&start);
  return token_of(client);
}

/* The Rust side sees to it that the first sign-in takes a while, and counts. */
static void herd(const char *base_url) {
  pthread_t threads[HERD];
  void *first = NULL, *token;
  int i;

  client = client_at(base_url);
  pthread_barrier_init(&start, NULL, HERD);
  for (i = 0; i < HERD; i++) {
    EXPECT(pthread_create(&threads[i], NULL, one_of_a_herd, NULL) == 0, "a thread");
  }
  for (i = 0; i < HERD; i++) {
    pthread_join(threads[i], &token);
    EXPECT(first == NULL || strcmp(first, token) == 0, "one token for all");
    if (first == NULL) {
      first = token;
    } else {
      emnify_free(token);
    }
  }
  emnify_free(first);
  emnify_free(client);
  pthread_barrier_destroy(&start);
}

/* Asks for tokens that are there, and meets no other place to be cancelled in. */
static void *asks_on(void *argument) {
  while (!__atomic_load_n(&gone, __ATOMIC_SEQ_CST)) {
    char buffer[4096];
    emnify_free(token_of(argument));
    EXPECT(emnify_auth_token_copy(argument, buffer, sizeof buffer, NULL, NULL, NULL) == EMNIFY_OK,
           "a copy");
  }
  pthread_testcancel();
  EXPECT(0, "the thread to be cancelled after the calls");
  return NULL;
}

/* A thread is cancelled while it asks one of many clients, and others come and go. It may be the last to
 * let go of those, whose connections are then closed. */
static void cancelled_among_many(const char *base_url) {
  enum { MANY = 20, COMING_AND_GOING = 20 };
  emnify_client *clients[MANY];
  pthread_t thread;
  void *result;
  int i;
  for (i = 0; i < MANY; i++) {
    clients[i] = client_at(base_url);
  }
  client = clients[MANY - 1];
  emnify_free(token_of(client));
  __atomic_store_n(&gone, 0, __ATOMIC_SEQ_CST);
  EXPECT(pthread_create(&thread, NULL, asks_on, client) == 0, "a thread");
  EXPECT(pthread_cancel(thread) == 0, "to cancel");
  for (i = 0; i < COMING_AND_GOING; i++) {
    emnify_client *other = client_at(base_url);
    emnify_free(token_of(other));
    emnify_free(other);
  }
  __atomic_store_n(&gone, 1, __ATOMIC_SEQ_CST);
  pthread_join(thread, &result);
  EXPECT(result == PTHREAD_CANCELED, "the thread to end where the program lets it");
  for (i = 0; i < MANY; i++) {
    emnify_free(clients[i]);
  }
}

int main(int argc, char **argv) {
  EXPECT(argc == 2, "one argument");
  herd(argv[1]);
  /* Fewer rounds where something slow looks on. */
  freed_while_in_use(argv[1], getenv("FEW_ROUNDS") != NULL ? 5 : ROUNDS);
  cancelled_among_many(argv[1]);
  return 0;
}
