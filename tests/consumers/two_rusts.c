/* Two libraries written in Rust, each with a standard library of its own, in one program. */
#include <stdio.h>

#include <emnify.h>

extern int other_catches_a_panic(void);
extern int other_thread_adds(int left, int right);

int main(void) {
  emnify_client *client;
  char *token;

  if (!other_catches_a_panic() || other_thread_adds(2, 3) != 5) {
    return 1;
  }
  if (emnify_client_new(NULL, &client, NULL) != EMNIFY_OK) {
    return 2;
  }
  if (emnify_auth_token(client, &token, NULL) != EMNIFY_OK) {
    return 3;
  }
  emnify_free(token);
  emnify_free(client);
  if (!other_catches_a_panic()) {
    return 4;
  }
  puts("both work");
  return 0;
}
