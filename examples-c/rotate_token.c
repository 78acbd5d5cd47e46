/*
 * Replaces the device's application token by a new one, so that a power cut at any moment leaves a
 * device that can sign in: the file holds either the old token or the new one, whole, and the old
 * one is revoked last.
 *
 *     cc rotate_token.c -o rotate_token $(pkg-config --cflags --libs emnify)
 *     EMNIFY_APPLICATION_TOKEN=... ./rotate_token FILE OLD_ID
 *
 * FILE holds the token from the first rotation on, and is then read instead of the environment.
 * OLD_ID is the id of the present token: this program prints it at each rotation.
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <emnify.h>

enum { TOKEN_SIZE = 4096 };

static void wipe(char *bytes, size_t length) {
  volatile char *each = bytes;
  while (length-- > 0) {
    *each++ = 0;
  }
}

static int write_all(int file, const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t written = write(file, bytes, length);
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written <= 0) {
      return -1;
    }
    bytes += written;
    length -= (size_t)written;
  }
  return 0;
}

/* Makes the renaming of a file in this folder last. */
static int sync_folder_of(const char *path) {
  char copy[PATH_MAX];
  int folder, failed;

  snprintf(copy, sizeof copy, "%s", path); /* dirname changes it */
  folder = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) {
    return -1;
  }
  failed = fsync(folder);
  close(folder);
  return failed;
}

/* The emnify_keep_fn: writes beside the file, and renames it when all of it is on the disk.
 * Anything but 0 undoes the rotation. */
static int32_t keep(const char *application_token, void *context) {
  const char *path = context;
  char beside[PATH_MAX];
  int file, failed;

  if ((size_t)snprintf(beside, sizeof beside, "%s.new", path) >= sizeof beside) {
    return 1;
  }
  unlink(beside); /* of a rotation that was interrupted */
  file = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (file < 0) {
    perror(beside);
    return 1;
  }
  failed = write_all(file, application_token, strlen(application_token)) != 0 || fsync(file) != 0;
  failed = close(file) != 0 || failed;
  if (failed || rename(beside, path) != 0) {
    perror(beside);
    unlink(beside);
    return 1;
  }
  if (sync_folder_of(path) != 0) {
    /* The file holds the new token, though until the disk catches up a power cut may bring back
     * the old one. To undo the rotation now would revoke what the file holds: so go on. */
    perror(path);
  }
  return 0;
}

/* Reads the token from the file. Returns its length, 0 where there is no file, or -1. */
static int read_token(const char *path, char *token) {
  ssize_t length;
  int file = open(path, O_RDONLY | O_CLOEXEC);

  if (file < 0) {
    return errno == ENOENT ? 0 : -1;
  }
  do {
    length = read(file, token, TOKEN_SIZE - 1);
  } while (length < 0 && errno == EINTR);
  close(file);
  if (length <= 0) {
    return -1; /* an empty file is no token, and no reason to fall back to a revoked one */
  }
  token[length] = '\0';
  return (int)length;
}

static emnify_client *client_for(const char *path) {
  static char token[TOKEN_SIZE];
  emnify_config config = EMNIFY_CONFIG_INIT;
  emnify_client *client = NULL;
  emnify_error *error;

  switch (read_token(path, token)) {
  case -1:
    fprintf(stderr, "%s cannot be read\n", path);
    return NULL;
  case 0:
    config.application_token = getenv("EMNIFY_APPLICATION_TOKEN");
    break;
  default:
    config.application_token = token;
  }
  /* With a config the environment is not looked at, so that we have to. */
  config.base_url = getenv("EMNIFY_BASE_URL");
  config.ca_file = getenv("EMNIFY_CA_FILE");
  if (emnify_client_new(&config, &client, &error) != EMNIFY_OK) {
    fprintf(stderr, "no client: %s\n", emnify_error_message(error));
    emnify_free(error);
  }
  wipe(token, sizeof token); /* the client has its copy */
  return client;
}

int main(int argc, char **argv) {
  emnify_client *client;
  emnify_error *error;
  uint64_t old_id, new_id;
  int32_t old_revoked;
  char *end;

  old_id = argc == 3 ? (uint64_t)strtoull(argv[2], &end, 10) : 0;
  if (argc != 3 || old_id == 0 || *end != '\0' || strlen(argv[1]) > PATH_MAX - 5) {
    fputs("usage: rotate_token FILE OLD_ID\n", stderr);
    return 2;
  }
  client = client_for(argv[1]);
  if (client == NULL) {
    return 2;
  }
  /* A description that no other token has lets the new one's id be told. */
  if (emnify_application_token_rotate(client, old_id, "example gateway", NULL, NULL, keep, argv[1],
                                      &new_id, &old_revoked, &error) != EMNIFY_OK) {
    fprintf(stderr, "not rotated, the old token still works: %s\n", emnify_error_message(error));
    emnify_free(error);
    emnify_free(client);
    return 1;
  }
  emnify_free(client);
  printf("The application token is now %" PRIu64 ".\n", new_id);
  if (!old_revoked) {
    printf("The old one, %" PRIu64 ", still works: revoke it later.\n", old_id);
  }
  return 0;
}
