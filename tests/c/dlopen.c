/*
 * A plugin's life: the library is opened, used and closed again and again, with a call of another
 * thread still in it; and what it leaves behind, which is nothing.
 *
 *     dlopen LIBRARY BASE_URL
 *
 * BASE_URL names its host ("localhost"), so that names are looked up. Each sign-in takes a while.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>

#include "check.h"

enum { ROUNDS = 30 };

struct library {
  void *handle;
  emnify_status (*client_new)(const emnify_config *, emnify_client **, emnify_error **);
  emnify_status (*auth_token)(emnify_client *, char **, emnify_error **);
  void (*release)(void *);
};

/* ISO C has no cast from an object's pointer to a function's; POSIX promises that this works. */
#define LOAD(library, member, name) \
  do { \
    *(void **)&(library)->member = dlsym((library)->handle, name); \
    EXPECT((library)->member != NULL, "%s", name); \
  } while (0)

static struct library open_it(const char *path) {
  struct library library;
  library.handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  EXPECT(library.handle != NULL, "the library to be opened, got %s", dlerror());
  LOAD(&library, client_new, "emnify_client_new");
  LOAD(&library, auth_token, "emnify_auth_token");
  LOAD(&library, release, "emnify_free");
  return library;
}

static int count(const char *directory) {
  DIR *open = opendir(directory);
  int entries = 0;
  EXPECT(open != NULL, "%s", directory);
  while (readdir(open) != NULL) {
    entries++;
  }
  closedir(open);
  return entries - 2; /* . and .. */
}

struct call {
  struct library library;
  emnify_client *client;
  int begun;
};

static void *pending(void *argument) {
  struct call *call = argument;
  char *token;
  __atomic_store_n(&call->begun, 1, __ATOMIC_SEQ_CST);
  EXPECT(call->library.auth_token(call->client, &token, NULL) == EMNIFY_OK, "a token");
  call->library.release(token);
  call->library.release(call->client);
  return NULL;
}

int main(int argc, char **argv) {
  struct call calls[ROUNDS];
  pthread_t threads[ROUNDS];
  emnify_config config = EMNIFY_CONFIG_INIT;
  int i, descriptors, patience;

  EXPECT(argc == 3, "two arguments");
  config.application_token = APPLICATION_TOKEN;
  config.base_url = argv[2];
  descriptors = count("/proc/self/fd");
  EXPECT(count("/proc/self/task") == 1, "one thread");

  for (i = 0; i < ROUNDS; i++) {
    struct call *call = &calls[i];
    call->begun = 0;
    call->library = open_it(argv[1]);
    EXPECT(call->library.client_new(&config, &call->client, NULL) == EMNIFY_OK, "a client");
    EXPECT(pthread_create(&threads[i], NULL, pending, call) == 0, "a thread");
    while (!__atomic_load_n(&call->begun, __ATOMIC_SEQ_CST)) {
      usleep(100);
    }
    usleep((useconds_t)i * 500);
    EXPECT(dlclose(call->library.handle) == 0, "the library to be closed");
  }
  for (i = 0; i < ROUNDS; i++) {
    pthread_join(threads[i], NULL);
  }

  /* A look-up ends by itself, and its thread with it; all else is gone with the clients. */
  for (patience = 0; count("/proc/self/task") > 1; patience++) {
    EXPECT(patience < 2000, "no thread left behind, got %d", count("/proc/self/task") - 1);
    usleep(10 * 1000);
  }
  EXPECT(count("/proc/self/fd") == descriptors, "%d descriptors, got %d", descriptors,
         count("/proc/self/fd"));
  return 0;
}
