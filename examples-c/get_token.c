/*
 * Signs in, uses the token as a bearer, and is handed the same token again without a request.
 *
 *     cc get_token.c -o get_token $(pkg-config --cflags --libs emnify)
 *     EMNIFY_APPLICATION_TOKEN=... ./get_token
 *
 * Linked with the static library instead:
 *
 *     cc get_token.c -o get_token \
 *         $(pkg-config --cflags --libs --static emnify | sed s/-lemnify/-l:libemnify.a/)
 */
#include <stdio.h>
#include <string.h>

#include <emnify.h>

/* Says what went wrong, releases the error, and returns the program's exit code. */
static int failed(const char *what, emnify_error *error) {
  fprintf(stderr, "%s: %s\n", what, emnify_error_message(error));
  if (emnify_error_is_retryable(error)) {
    fprintf(stderr, "Try again in %u s.\n", (unsigned)emnify_error_retry_after_s(error));
  }
  emnify_free(error);
  return 1;
}

int main(void) {
  emnify_client *client;
  emnify_error *error;
  emnify_response *response;
  char *token;
  char again[4096];
  unsigned expires_in;
  uint32_t expires_in_s;
  int same;

  /* NULL: settings from the environment. A program with settings of its own writes
   *
   *     emnify_config config = EMNIFY_CONFIG_INIT;
   *     config.application_token = my_token;
   *
   * and gives &config. */
  if (emnify_client_new(NULL, &client, &error) != EMNIFY_OK) {
    return failed("No client", error);
  }

  /* Signs in. The token is ours until emnify_free. */
  if (emnify_auth_token(client, &token, &error) != EMNIFY_OK) {
    emnify_free(client);
    return failed("No token", error);
  }

  /* Costs no request: the client keeps the token. This form allocates nothing. */
  if (emnify_auth_token_copy(client, again, sizeof again, NULL, &expires_in_s, &error) !=
      EMNIFY_OK) {
    emnify_free(token);
    emnify_free(client);
    return failed("No token the second time", error);
  }
  same = strcmp(token, again) == 0;
  expires_in = (unsigned)expires_in_s;
  printf("Signed in: a token of %u characters, good for %u min %u s.\n", (unsigned)strlen(token),
         expires_in / 60, expires_in % 60);
  printf("Asked again: %s.\n", same ? "the same token" : "another token");
  memset(again, 0, sizeof again);
  emnify_free(token); /* wiped, then released */

  /* Sends the token as a bearer. */
  if (emnify_request(client, "GET", "/api/v1/sim?per_page=5", NULL, &response, &error) !=
      EMNIFY_OK) {
    emnify_free(client);
    return failed("No list of SIMs", error);
  }
  if (emnify_response_check(response, &error) != EMNIFY_OK) { /* not a 2xx */
    emnify_free(response);
    emnify_free(client);
    return failed("No list of SIMs", error);
  }
  printf("The first of %u pages of SIMs: %.72s...\n",
         (unsigned)emnify_response_total_pages(response), emnify_response_body(response, NULL));
  emnify_free(response);

  emnify_free(client);
  return same ? 0 : 1;
}
