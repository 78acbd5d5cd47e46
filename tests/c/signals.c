/*
 * Signals: a peer that resets raises no SIGPIPE, a storm of signals neither fails nor prolongs a
 * call, and no disposition, mask or alternative stack is changed.
 *
 *     signals BASE_URL
 *
 * Each sign-in at BASE_URL is answered after half a second.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#include "check.h"

struct dispositions {
  struct sigaction actions[65];
  sigset_t mask;
  stack_t stack;
};

static void look(struct dispositions *found) {
  int signal;
  memset(found, 0, sizeof *found);
  for (signal = 1; signal < 65; signal++) {
    sigaction(signal, NULL, &found->actions[signal]); /* fails for those of the C library */
  }
  pthread_sigmask(SIG_BLOCK, NULL, &found->mask);
  sigaltstack(NULL, &found->stack);
}

static void expect_unchanged(const struct dispositions *before, const char *what) {
  struct dispositions after;
  int signal;
  look(&after);
  for (signal = 1; signal < 65; signal++) {
    EXPECT(before->actions[signal].sa_handler == after.actions[signal].sa_handler &&
               before->actions[signal].sa_flags == after.actions[signal].sa_flags,
           "signal %d as before %s", signal, what);
    EXPECT(sigismember(&before->mask, signal) == sigismember(&after.mask, signal),
           "the mask as before %s", what);
  }
  EXPECT(before->stack.ss_flags == after.stack.ss_flags, "the stack as before %s", what);
}

/* Reads a little of each request and resets the connection, while the client goes on writing. */
static int listener;

static void *resets(void *argument) {
  (void)argument;
  for (;;) {
    const struct linger at_once = {1, 0};
    char bytes[64];
    int connection = accept(listener, NULL, NULL);
    if (connection < 0) {
      return NULL;
    }
    EXPECT(read(connection, bytes, sizeof bytes) > 0, "a request");
    setsockopt(connection, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(connection);
  }
}

static void peer_that_resets(const char *base_url) {
  struct sockaddr_in address;
  socklen_t length = sizeof address;
  char url[64], *json;
  const size_t size = 8 * 1024 * 1024;
  pthread_t thread;
  emnify_client *client = client_at(base_url);
  int i;

  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  listener = socket(AF_INET, SOCK_STREAM, 0);
  EXPECT(bind(listener, (struct sockaddr *)&address, length) == 0 && listen(listener, 16) == 0 &&
             getsockname(listener, (struct sockaddr *)&address, &length) == 0,
         "a listener");
  snprintf(url, sizeof url, "http://127.0.0.1:%u", (unsigned)ntohs(address.sin_port));
  EXPECT(pthread_create(&thread, NULL, resets, NULL) == 0, "a thread");

  /* A sign-in. It fits into one segment, and so only a part of these find the socket broken. */
  for (i = 0; i < 20; i++) {
    emnify_client *other = client_at(url);
    emnify_error *error;
    char *token;
    emnify_status status = emnify_auth_token(other, &token, &error);
    EXPECT_STATUS(status, EMNIFY_ERROR_NETWORK, error);
    emnify_free(other);
  }
  shutdown(listener, SHUT_RDWR);
  pthread_join(thread, NULL);
  close(listener);

  /* The Rust side scripts a reset for this path; a body of 8 MiB is still being written then. */
  json = malloc(size + 3);
  memset(json, 'x', size + 2);
  json[0] = json[size + 1] = '"';
  json[size + 2] = '\0';
  for (i = 0; i < 5; i++) {
    emnify_response *response;
    emnify_error *error;
    emnify_status status =
        emnify_request(client, "POST", "/api/v1/reset", json, &response, &error);
    EXPECT_STATUS(status, EMNIFY_ERROR_NETWORK, error);
    EXPECT(response == NULL, "no response");
  }
  free(json);
  emnify_free(client);
}

/* That one can get SIGPIPE at all here, lest the above prove nothing. */
static void sigpipe_is_deadly(void) {
  struct sigaction action;
  EXPECT(sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_DFL,
         "SIGPIPE at its default");
}

static volatile sig_atomic_t alarms;

static void count_alarm(int signal) {
  (void)signal;
  alarms++;
}

static double seconds_since(const struct timespec *start) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

static void storm(const char *base_url) {
  struct sigaction action;
  struct itimerval timer = {{0, 1000}, {0, 1000}};
  const struct itimerval none = {{0, 0}, {0, 0}};
  struct dispositions before;
  struct timespec start;
  emnify_client *client;
  emnify_response *response;
  emnify_error *error;
  emnify_status status;

  memset(&action, 0, sizeof action); /* without SA_RESTART */
  action.sa_handler = count_alarm;
  EXPECT(sigaction(SIGALRM, &action, NULL) == 0, "a handler");
  look(&before);
  EXPECT(setitimer(ITIMER_REAL, &timer, NULL) == 0, "a timer");

  client = client_at(base_url);
  emnify_free(token_of(client));
  status = emnify_request(client, "GET", "/api/v1/sim", NULL, &response, &error);
  EXPECT_STATUS(status, EMNIFY_OK, error);
  emnify_free(response);
  emnify_free(client);
  EXPECT(alarms > 100, "a storm, got %d signals", (int)alarms);

  /* Nor does it put off the end of a wait. The Rust side lets this path hang. */
  {
    emnify_config config = EMNIFY_CONFIG_INIT;
    config.application_token = APPLICATION_TOKEN;
    config.base_url = base_url;
    config.timeout_ms = 1500;
    status = emnify_client_new(&config, &client, &error);
    EXPECT_STATUS(status, EMNIFY_OK, error);
    clock_gettime(CLOCK_MONOTONIC, &start);
    emnify_free(token_of(client));
    status = emnify_request(client, "GET", "/api/v1/hangs", NULL, &response, &error);
    EXPECT_STATUS(status, EMNIFY_ERROR_TIMEOUT, error);
    EXPECT(seconds_since(&start) > 1.4 && seconds_since(&start) < 10, "1.5 s after half a second");
    emnify_free(client);
  }
  setitimer(ITIMER_REAL, &none, NULL);
  expect_unchanged(&before, "the storm");
  action.sa_handler = SIG_DFL;
  sigaction(SIGALRM, &action, NULL);
}

int main(int argc, char **argv) {
  struct dispositions before;

  EXPECT(argc == 2, "one argument");
  sigpipe_is_deadly();
  look(&before);
  peer_that_resets(argv[1]);
  expect_unchanged(&before, "the peer that resets");
  storm(argv[1]);
  return 0;
}
