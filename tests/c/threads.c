/*
 * Many threads and one client; and threads with as little stack as small devices give them.
 *
 *     threads BASE_URL [TLS_BASE_URL CA_FILE]
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

struct place {
  const char *base_url, *ca_file;
};

/* Everything a device does, once: its stack is what the thread was given. */
static void *device(void *argument) {
  const struct place *place = argument;
  emnify_config config = EMNIFY_CONFIG_INIT;
  emnify_client *own;
  emnify_response *response;
  emnify_error *error;
  emnify_status status;
  char *token;

  config.application_token = APPLICATION_TOKEN;
  config.base_url = place->base_url;
  config.ca_file = place->ca_file;
  status = emnify_client_new(&config, &own, &error);
  EXPECT_STATUS(status, EMNIFY_OK, error);
  token = token_of(own);
  status = emnify_request(own, "GET", "/api/v1/sim", NULL, &response, &error);
  EXPECT_STATUS(status, EMNIFY_OK, error);
  EXPECT(emnify_response_http_status(response) == 200, "200");
  emnify_free(response);
  status = emnify_request(own, "POST", "/api/v1/endpoint/1/sms", "{\"payload\":\"x\"}", &response,
                          &error);
  EXPECT_STATUS(status, EMNIFY_OK, error);
  status = emnify_response_check(response, &error);
  emnify_free(error);
  emnify_free(response);
  emnify_invalidate(own, token);
  emnify_free(token);
  emnify_free(token_of(own));
  emnify_free(own);

  /* And a failure. */
  config.base_url = "https://127.0.0.1:1";
  status = emnify_client_new(&config, &own, &error);
  EXPECT_STATUS(status, EMNIFY_OK, error);
  status = emnify_auth_token(own, &token, &error);
  EXPECT_STATUS(status, EMNIFY_ERROR_NETWORK, error);
  emnify_free(own);
  return NULL;
}

static void little_stack(struct place place) {
  pthread_attr_t attributes;
  pthread_t thread;

  EXPECT(pthread_attr_init(&attributes) == 0, "attributes");
  EXPECT(pthread_attr_setstacksize(&attributes, 64 * 1024) == 0, "64 KiB to be allowed");
  EXPECT(pthread_create(&thread, &attributes, device, &place) == 0, "a thread");
  pthread_join(thread, NULL);
  pthread_attr_destroy(&attributes);
}

int main(int argc, char **argv) {
  struct place plain = {NULL, NULL}, tls;

  EXPECT(argc == 2 || argc == 4, "one argument or three");
  herd(argv[1]);
  /* Fewer rounds where something slow looks on. */
  freed_while_in_use(argv[1], getenv("FEW_ROUNDS") != NULL ? 5 : ROUNDS);
  if (argc == 4) {
    plain.base_url = argv[1];
    plain.ca_file = argv[3];
    little_stack(plain);
    tls.base_url = argv[2];
    tls.ca_file = argv[3];
    little_stack(tls);
  }
  return 0;
}
