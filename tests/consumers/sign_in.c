/* A program of another project, which knows of the library what is installed. */
#include <stdio.h>

#include <emnify.h>

int main(void) {
  emnify_client *client;
  emnify_error *error;
  char *token;

  /* Settings from the environment. */
  if (emnify_client_new(NULL, &client, &error) == EMNIFY_OK) {
    if (emnify_auth_token(client, &token, &error) == EMNIFY_OK) {
      printf("signed in with %s\n", emnify_version());
      emnify_free(token);
    }
    emnify_free(client);
  }
  if (error != NULL) {
    fprintf(stderr, "%s\n", emnify_error_message(error));
    emnify_free(error);
    return 1;
  }
  return 0;
}
