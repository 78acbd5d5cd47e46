/* What the programs here share: to say what was expected, and to stop. */
#ifndef CHECK_H
#define CHECK_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <emnify.h>

/* Known to every simulator; opens nothing anywhere. */
#define APPLICATION_TOKEN \
  "SIMULATED-application-token-of-no-value-that-every-simulator-knows-from-the-start"

/* Stands in every secret that a program makes up: no message may show it. */
#define CANARY "CaNaRy"

/* Ends the process without the exit handlers, so that it may be used in a child after a fork. */
#define EXPECT(condition, ...) \
  do { \
    if (!(condition)) { \
      fprintf(stderr, "%s:%d: expected ", __FILE__, __LINE__); \
      fprintf(stderr, __VA_ARGS__); \
      fprintf(stderr, "; not so: %s\n", #condition); \
      _exit(1); \
    } \
  } while (0)

/* The status of a call, with the error's words where it is another. Releases the error. */
#define EXPECT_STATUS(got, wanted, error) \
  expect_status(__FILE__, __LINE__, #got, (got), (wanted), &(error))

static inline void expect_status(const char *file, int line, const char *call, emnify_status got,
                                 emnify_status wanted, emnify_error **error) {
  if (got != wanted) {
    fprintf(stderr, "%s:%d: expected %s, got %s (%s) from %s\n", file, line,
            emnify_status_name(wanted), emnify_status_name(got), emnify_error_message(*error),
            call);
    _exit(1);
  }
  if ((*error == NULL) != (got == EMNIFY_OK) || emnify_error_status(*error) != got) {
    fprintf(stderr, "%s:%d: expected an error object exactly if the call failed, from %s\n", file,
            line, call);
    _exit(1);
  }
  if (strstr(emnify_error_message(*error), CANARY) != NULL) {
    fprintf(stderr, "%s:%d: expected no secret in the message of %s\n", file, line, call);
    _exit(1);
  }
  emnify_free(*error);
  *error = NULL;
}

/* A client for the simulator at base_url, or the end. */
static inline emnify_client *client_at(const char *base_url) {
  emnify_config config = EMNIFY_CONFIG_INIT;
  emnify_client *client;
  emnify_error *error;
  emnify_status status;

  config.application_token = APPLICATION_TOKEN;
  config.base_url = base_url;
  status = emnify_client_new(&config, &client, &error);
  EXPECT_STATUS(status, EMNIFY_OK, error);
  return client;
}

/* A token, or the end. */
static inline char *token_of(emnify_client *client) {
  emnify_error *error;
  char *token;
  emnify_status status = emnify_auth_token(client, &token, &error);
  EXPECT_STATUS(status, EMNIFY_OK, error);
  EXPECT(token != NULL && token[0] != '\0', "a token from a call that succeeded");
  return token;
}

#endif /* CHECK_H */
