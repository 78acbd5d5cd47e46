/*
 * What memory still shows of secrets: nothing where it was given back, and nothing anywhere once
 * the client is gone.
 *
 *     traces BASE_URL CA_FILE APPLICATION_TOKEN USERNAME PASSWORD REFRESH_TOKEN CANARY \
 *            NEXT_REFRESH_TOKEN
 *
 * The arguments from APPLICATION_TOKEN on are reversed, so that they are no finds. CA_FILE is "" on
 * plain HTTP; where it is not, what the service sent is not looked for, since rustls has copies of its
 * own. What the service is scripted to answer is in tests/c_process.rs.
 */
#include <fcntl.h>
#include <malloc.h>

#include "check.h"

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *memory);

/* The end of a secret is enough to know it by, and is kept reversed. */
#define END 16

struct secret {
  const char *name;
  char reversed[END];
};

static struct secret secrets[16];
static size_t known;

static void know_end(const char *name, const char *reversed) {
  struct secret *secret = &secrets[known];
  EXPECT(strlen(reversed) >= END, "%s to be long enough to be told from chance", name);
  secret->name = name;
  memcpy(secret->reversed, reversed, END);
  /* Last: from now on it is looked for. */
  known++;
}

static char *straight(const char *reversed) {
  static char texts[8][512];
  static size_t used;
  char *text = texts[used++];
  size_t length = strlen(reversed), at;
  EXPECT(length < sizeof texts[0] && used <= 8, "fewer and shorter texts");
  for (at = 0; at < length; at++) {
    text[at] = reversed[length - 1 - at];
  }
  return text;
}

/* The text that is meant by a reversed one, for the caller to wipe. */
static char *know(const char *name, const char *reversed) {
  know_end(name, reversed);
  return straight(reversed);
}

static void know_given(const char *name, const char *text) {
  char reversed[END + 1] = "";
  size_t length = strlen(text), at;
  EXPECT(length >= END, "%s to be long enough", name);
  for (at = 0; at < END; at++) {
    reversed[at] = text[length - 1 - at];
  }
  know_end(name, reversed);
}

static void wipe(char *text) {
  volatile char *at = text;
  while (*at != '\0') {
    *at++ = '\0';
  }
}

static const struct secret *found_at(const char *at) {
  size_t number, matching;
  for (number = 0; number < known; number++) {
    for (matching = 0; matching < END; matching++) {
      if (at[matching] != secrets[number].reversed[END - 1 - matching]) {
        break;
      }
    }
    if (matching == END) {
      return &secrets[number];
    }
  }
  return NULL;
}

/* The allocator: every block is looked through when it is given back. */

static void look_through(const char *block, size_t size) {
  size_t at;
  for (at = 0; at + END <= size; at++) {
    const struct secret *found = found_at(block + at);
    EXPECT(found == NULL, "no secret in memory that is given back, and byte %lu of %lu begins %s",
           (unsigned long)at, (unsigned long)size, found->name);
  }
}

void *malloc(size_t size) { return __libc_malloc(size); }

void *calloc(size_t count, size_t size) { return __libc_calloc(count, size); }

void *aligned_alloc(size_t alignment, size_t size) { return __libc_memalign(alignment, size); }

int posix_memalign(void **memory, size_t alignment, size_t size) {
  *memory = __libc_memalign(alignment, size);
  return *memory == NULL ? 12 /* ENOMEM */ : 0;
}

void free(void *memory) {
  if (memory != NULL && known > 0) {
    look_through(memory, malloc_usable_size(memory));
  }
  __libc_free(memory);
}

/* Always moves, as any may. */
void *realloc(void *old, size_t size) {
  void *moved = __libc_malloc(size);
  if (moved != NULL && old != NULL) {
    size_t before = malloc_usable_size(old);
    memcpy(moved, old, before < size ? before : size);
    free(old);
  }
  return moved;
}

/* How often the secret stands in this process's memory, the look itself left out. */
static unsigned occurrences(const char *name) {
  static char window[64 * 1024];
  FILE *maps = fopen("/proc/self/maps", "r");
  int memory = open("/proc/self/mem", O_RDONLY);
  unsigned long window_start = (unsigned long)window, window_end = window_start + sizeof window;
  char line[512], readable, writable;
  unsigned long start, end;
  unsigned count = 0;

  EXPECT(maps != NULL && memory >= 0, "to be able to read its own memory");
  while (fgets(line, sizeof line, maps) != NULL) {
    if (sscanf(line, "%lx-%lx %c%c", &start, &end, &readable, &writable) != 4 || writable != 'w') {
      continue;
    }
    while (end - start >= END) {
      size_t want = end - start < sizeof window ? end - start : sizeof window;
      ssize_t got = pread(memory, window, want, (off_t)start), at;
      if (got < END) {
        break; /* such as what the kernel keeps for itself */
      }
      for (at = 0; at + END <= got; at++) {
        unsigned long here = start + (unsigned long)at;
        const struct secret *found = found_at(window + at);
        if (found != NULL && strcmp(found->name, name) == 0 &&
            (here + END <= window_start || here >= window_end)) {
          count++;
        }
      }
      start += (unsigned long)got - (END - 1);
    }
  }
  fclose(maps);
  close(memory);
  return count;
}

/* Exactly, so that a look which sees nothing is noticed, too. */
static void expect_occurrences(const char *name, unsigned times, const char *when) {
  unsigned count = occurrences(name);
  EXPECT(count == times, "%s to be in memory %u times %s, and it is there %u times", name, times,
         when, count);
}

static void expect_no_traces(void) {
  size_t number;
  for (number = 0; number < known; number++) {
    expect_occurrences(secrets[number].name, 0, "when the client is gone");
  }
  known = 0;
}

/* Of known length, in chunks, in gzip, behind the body, and cut off: each answer has the canary. */
static void have_it_answered(emnify_client *client, const char *reversed) {
  char *text = know("the canary", reversed), *body = emnify_json_quote(text);
  emnify_error *error;
  emnify_response *response;
  size_t length;
  int round;

  for (round = 0; round < 3; round++) {
    EXPECT_STATUS(emnify_request(client, "POST", "/api/v1/canary", body, &response, &error),
                  EMNIFY_OK, error);
    EXPECT(strstr(emnify_response_body(response, &length), text) != NULL, "the canary");
    emnify_free(response);
  }
  EXPECT_STATUS(emnify_request(client, "POST", "/api/v1/canary", body, &response, &error),
                EMNIFY_OK, error);
  EXPECT(strcmp(emnify_response_body(response, NULL), "{}") == 0, "the body alone");
  emnify_free(response);
  EXPECT_STATUS(emnify_request(client, "POST", "/api/v1/canary", body, &response, &error),
                EMNIFY_ERROR_BAD_RESPONSE, error);
  emnify_free(body);
  wipe(text);
}

static void with_an_application_token(emnify_config config, char **reversed) {
  int plain = config.ca_file == NULL;
  char *first = know("the application token", reversed[0]);
  emnify_client *client;
  emnify_error *error;
  char *token, *created;
  char copy[2048];

  config.application_token = first;
  EXPECT_STATUS(emnify_client_new(&config, &client, &error), EMNIFY_OK, error);
  wipe(first);
  token = token_of(client);
  if (plain) {
    know_given("the auth token", token);
  }
  emnify_free(token);
  EXPECT_STATUS(emnify_auth_token_copy(client, copy, sizeof copy, NULL, NULL, &error), EMNIFY_OK,
                error);
  wipe(copy);
  if (plain) {
    have_it_answered(client, reversed[4]);
    expect_occurrences("the auth token", 1, "with a client that holds it");
  }
  expect_occurrences("the application token", 1, "with a client that has it");

  EXPECT_STATUS(emnify_application_token_create(client, "traces", NULL, NULL, &created, NULL, &error),
                EMNIFY_OK, error);
  if (plain) {
    know_given("the new application token", created);
  }
  EXPECT_STATUS(emnify_set_application_token(client, created, &error), EMNIFY_OK, error);
  emnify_free(created);
  expect_occurrences("the application token", 0, "with a client that has another");
  emnify_free(token_of(client));
  emnify_free(client);
  expect_no_traces();
}

static void with_a_user(emnify_config config, char **reversed) {
  char *username = straight(reversed[1]);
  char *password = know("the password", reversed[2]);
  emnify_client *client;
  emnify_error *error;

  config.username = username;
  config.password = password;
  EXPECT_STATUS(emnify_client_new(&config, &client, &error), EMNIFY_OK, error);
  wipe(password);
  expect_occurrences("the password", 0, "once it is hashed");
  emnify_free(token_of(client));
  emnify_free(client);
  expect_no_traces();
}

/* The service answers the first with a second, and that with none. */
static void with_a_refresh_token(emnify_config config, char **reversed) {
  char *refresh = know("the refresh token", reversed[3]);
  emnify_client *client;
  emnify_error *error;
  char *token;

  if (config.ca_file == NULL) {
    wipe(know("the next refresh token", reversed[5]));
  }
  config.refresh_token = refresh;
  EXPECT_STATUS(emnify_client_new(&config, &client, &error), EMNIFY_OK, error);
  wipe(refresh);
  token = token_of(client);
  EXPECT(emnify_invalidate(client, token) == EMNIFY_OK, "a token to be invalidated");
  emnify_free(token);
  emnify_free(token_of(client));
  expect_occurrences("the next refresh token", 0, "once it is spent");
  emnify_free(client);
  expect_no_traces();
}

int main(int argc, char **argv) {
  emnify_config config = EMNIFY_CONFIG_INIT;
  EXPECT(argc == 9, "eight arguments");
  config.base_url = argv[1];
  config.ca_file = argv[2][0] == '\0' ? NULL : argv[2];
  with_an_application_token(config, argv + 3);
  with_a_user(config, argv + 3);
  with_a_refresh_token(config, argv + 3);
  return 0;
}
