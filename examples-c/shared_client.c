/*
 * Threads that share one client: the first that needs a token signs in, all others wait for it, and
 * none of them has to lock anything.
 *
 *     cc -pthread shared_client.c -o shared_client $(pkg-config --cflags --libs emnify)
 *     EMNIFY_APPLICATION_TOKEN=... ./shared_client
 */
#include <pthread.h>
#include <stdio.h>

#include <emnify.h>

enum { WORKERS = 8 };

struct worker {
  pthread_t thread;
  emnify_client *client; /* shared, and not ours to release */
  unsigned number;
  int http_status; /* 0: it failed */
};

/* One page of the list of SIMs for each worker. Errors and responses are the thread's own. */
static void *work(void *argument) {
  struct worker *worker = argument;
  emnify_response *response;
  emnify_error *error;
  char path[64];

  snprintf(path, sizeof path, "/api/v1/sim?per_page=1&page=%u", worker->number);
  if (emnify_request(worker->client, "GET", path, NULL, &response, &error) != EMNIFY_OK) {
    fprintf(stderr, "worker %u: %s\n", worker->number, emnify_error_message(error));
    emnify_free(error);
    /* The others need not wait for an answer that does not come: theirs end now as well. */
    emnify_cancel(worker->client);
    return NULL;
  }
  worker->http_status = (int)emnify_response_http_status(response);
  emnify_free(response);
  return NULL;
}

int main(void) {
  struct worker workers[WORKERS];
  emnify_client *client;
  emnify_error *error;
  unsigned started, i, good = 0;

  /* Once, before the threads. NULL: settings from the environment. */
  if (emnify_client_new(NULL, &client, &error) != EMNIFY_OK) {
    fprintf(stderr, "no client: %s\n", emnify_error_message(error));
    emnify_free(error);
    return 1;
  }

  for (started = 0; started < WORKERS; started++) {
    struct worker *worker = &workers[started];
    worker->client = client;
    worker->number = started + 1;
    worker->http_status = 0;
    if (pthread_create(&worker->thread, NULL, work, worker) != 0) {
      fputs("no more threads\n", stderr);
      break;
    }
  }
  for (i = 0; i < started; i++) {
    pthread_join(workers[i].thread, NULL);
    if (workers[i].http_status == 200) {
      good++;
    }
  }
  printf("%u of %d workers got their page, with one sign-in.\n", good, (int)WORKERS);

  /* After the threads. A call that comes too late would fail and do no harm. */
  emnify_free(client);
  return good == WORKERS ? 0 : 1;
}
