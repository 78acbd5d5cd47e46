/*
 * Forgets to release what it was given, or does not, or still holds it at the end.
 *
 *     leaks BASE_URL nothing|token|error|response|list|client|held
 */
#include <pthread.h>

#include "check.h"

/* Where the program could still release them from. */
static void *held[4];

static int forgets(char **argv, const char *what) { return strcmp(argv[2], what) == 0; }

/* In a thread of its own, with whose stack the last copies of the pointers go. */
static void *work(void *argument) {
  char **argv = argument;
  emnify_client *client = client_at(argv[1]);
  emnify_application_tokens *list;
  emnify_response *response;
  emnify_error *error;
  char *token = token_of(client);

  EXPECT(emnify_request(client, "GET", "/api/v1/sim", NULL, &response, NULL) == EMNIFY_OK, "a list");
  EXPECT(emnify_application_token_list(client, &list, NULL) == EMNIFY_OK, "a list");
  EXPECT(emnify_client_new(NULL, NULL, &error) != EMNIFY_OK, "an error");
  if (forgets(argv, "held")) {
    held[0] = token;
    held[1] = error;
    held[2] = response;
    held[3] = list;
    emnify_free(client);
    return NULL;
  }
  emnify_free(forgets(argv, "token") ? NULL : (void *)token);
  emnify_free(forgets(argv, "error") ? NULL : (void *)error);
  emnify_free(forgets(argv, "response") ? NULL : (void *)response);
  emnify_free(forgets(argv, "list") ? NULL : (void *)list);
  emnify_free(forgets(argv, "client") ? NULL : (void *)client);
  return NULL;
}

int main(int argc, char **argv) {
  pthread_t thread;
  EXPECT(argc == 3, "two arguments");
  EXPECT(pthread_create(&thread, NULL, work, argv) == 0, "a thread");
  EXPECT(pthread_join(thread, NULL) == 0, "its end");
  return 0;
}
