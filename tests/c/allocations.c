/*
 * What calls cost the heap.
 *
 *     allocations BASE_URL
 *
 * The C library's malloc and its kin are replaced by ones that count, for the library as well, in
 * either way of linking.
 */
#include <errno.h>

#include "check.h"

/* The C library's own, under the names that it keeps for such a purpose. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *memory);

static __thread unsigned long taken, released;
/* And how many of them were of so many bytes or more. */
static __thread size_t large = SIZE_MAX;
static __thread unsigned long taken_large;

static void note(size_t size) {
  taken++;
  taken_large += size >= large;
}

void *malloc(size_t size) {
  note(size);
  return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
  note(count * size);
  return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size) {
  note(size);
  return __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  note(size);
  return __libc_memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
  note(size);
  *memory = __libc_memalign(alignment, size);
  return *memory == NULL ? ENOMEM : 0;
}

void free(void *memory) {
  released++;
  __libc_free(memory);
}

static int copies(emnify_client *client, char *buffer, size_t capacity, size_t *length) {
  uint32_t expires_in_s;
  emnify_error *error;
  return emnify_auth_token_copy(client, buffer, capacity, length, &expires_in_s, &error) ==
         EMNIFY_OK;
}

/* More than the library has quick ways for. */
enum { CLIENTS = 20 };

/* Each of many clients has a token of its own, and hands it out for nothing. */
static void many(const char *base_url, char *buffer, size_t capacity) {
  emnify_client *clients[CLIENTS];
  char *tokens[CLIENTS];
  size_t length;
  int round, i;
  for (i = 0; i < CLIENTS; i++) {
    clients[i] = client_at(base_url);
    tokens[i] = token_of(clients[i]);
    EXPECT(i == 0 || strcmp(tokens[i], tokens[i - 1]) != 0, "a token of its own");
  }
  for (round = 0; round < 3; round++) {
    /* Other clients come in the place of some, and take over what those had. */
    for (i = round; i < CLIENTS && round < 2; i += 3) {
      emnify_free(clients[i]);
      emnify_free(tokens[i]);
      clients[i] = client_at(base_url);
      tokens[i] = token_of(clients[i]);
    }
    taken = released = 0;
    for (i = 0; i < CLIENTS; i++) {
      EXPECT(copies(clients[i], buffer, capacity, &length), "a copy");
      EXPECT(strcmp(buffer, tokens[i]) == 0, "the token of client %d and no other", i);
    }
    EXPECT(taken == 0 && released == 0, "nothing to be allocated or released");
  }
  for (i = 0; i < CLIENTS; i++) {
    emnify_free(clients[i]);
    EXPECT(!copies(clients[i], buffer, capacity, &length), "a released client to be refused");
    EXPECT(buffer[0] == 0, "nothing of its token");
    emnify_free(tokens[i]);
  }
}

/* A list is large, and memory small: the answer is kept as it came, and once. */
static void large_answer(emnify_client *client) {
  static const char PATH[] = "/api/v1/sim?per_page=1000";
  emnify_response *response;
  size_t length;
  int round;
  for (round = 0; round < 2; round++) {
    EXPECT(emnify_request(client, "GET", PATH, NULL, &response, NULL) == EMNIFY_OK, "a list");
    EXPECT(strlen(emnify_response_body(response, &length)) == length, "a NUL behind it");
    EXPECT(length > 50000, "a long list, got %zu bytes", length);
    emnify_free(response);
    EXPECT(round == 0 || taken_large == 1, "memory for one body, got it %lu times", taken_large);
    /* The second time it is known what to look for. */
    large = length;
    taken_large = 0;
  }
  large = SIZE_MAX;
}

int main(int argc, char **argv) {
  static char buffer[4096];
  unsigned long before;
  emnify_client *client;
  size_t length;
  char *token;
  int i;

  EXPECT(argc == 2, "one argument");
  client = client_at(argv[1]);
  before = taken;
  token = token_of(client);
  EXPECT(taken > before, "the sign-in to be seen by what counts here");
  before = taken;
  emnify_free(token_of(client));
  EXPECT(taken > before, "the copy that is handed out to be seen as well");
  EXPECT(copies(client, buffer, sizeof buffer, &length), "a copy");

  taken = released = 0;
  for (i = 0; i < 1000; i++) {
    EXPECT(copies(client, buffer, sizeof buffer, &length), "a copy");
  }
  EXPECT(taken == 0, "nothing to be allocated by 1,000 copies, got %lu", taken);
  EXPECT(released == 0, "nothing to be released by 1,000 copies, got %lu", released);
  EXPECT(strcmp(buffer, token) == 0 && length == strlen(token), "the token");
  large_answer(client);
  emnify_free(token);
  emnify_free(client);
  many(argv[1], buffer, sizeof buffer);
  return 0;
}
