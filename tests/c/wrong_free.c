/*
 * Releases an object in the wrong way: with the C library's free.
 *
 *     wrong_free BASE_URL token|error|client
 */
#include "check.h"

int main(int argc, char **argv) {
  emnify_client *client;
  emnify_error *error;

  EXPECT(argc == 3, "two arguments");
  client = client_at(argv[1]);
  if (strcmp(argv[2], "token") == 0) {
    free(token_of(client));
  } else if (strcmp(argv[2], "client") == 0) {
    free(client);
  } else {
    EXPECT(emnify_client_new(NULL, NULL, &error) != EMNIFY_OK, "an error");
    free(error);
  }
  puts("it went on");
  return 0;
}
