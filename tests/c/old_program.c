/*
 * A program that was compiled with an older header: its struct ends earlier, and what lies behind it
 * is not the library's. It knows the library by these declarations only.
 *
 *     old_program BASE_URL
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct {
  size_t struct_size;
  const char *application_token;
  const char *username;
  const char *password;
  const char *password_sha1;
  const char *refresh_token;
  const char *device_fingerprint;
  const char *base_url;
} old_config;

int32_t emnify_client_new(const old_config *config, void **out_client, void **out_error);
int32_t emnify_auth_token(void *client, char **out_token, void **out_error);
const char *emnify_error_message(const void *error);
void emnify_free(void *object);

int main(int argc, char **argv) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  char *pages =
      mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  old_config *config;
  void *client, *error;
  char *token;

  if (argc != 2 || pages == MAP_FAILED || mprotect(pages + page, page, PROT_NONE) != 0) {
    return 2;
  }
  /* At the end of what may be read. */
  config = (old_config *)(void *)(pages + page - sizeof *config);
  memset(config, 0, sizeof *config);
  config->struct_size = sizeof *config;
  config->application_token =
      "SIMULATED-application-token-of-no-value-that-every-simulator-knows-from-the-start";
  config->base_url = argv[1];
  if (emnify_client_new(config, &client, &error) != 0 ||
      emnify_auth_token(client, &token, &error) != 0) {
    fprintf(stderr, "expected a token, got: %s\n", emnify_error_message(error));
    return 1;
  }
  emnify_free(token);
  emnify_free(client);
  return 0;
}
