/*
 * The log callback: which lines come, on which thread, with which context; that it may use the
 * client; that no line shows a secret.
 *
 *     log BASE_URL
 *
 * The simulator answers the first sign-in with 503.
 */
#include <pthread.h>

#include "check.h"

struct journal {
  emnify_client *client;
  pthread_t caller;
  unsigned lines[5], reentered;
  int inside;
};

/* Whatever stands in a request and must not stand in a line. */
static const char *secrets[] = {APPLICATION_TOKEN, "SIMULATED", "eyJ", "Bearer", CANARY};

static void log_line(int32_t level, const char *message, void *context) {
  struct journal *journal = context;
  size_t i;

  EXPECT(level >= EMNIFY_LOG_ERROR && level <= EMNIFY_LOG_DEBUG, "a level, got %d", (int)level);
  EXPECT(message[0] != '\0' && strchr(message, '\n') == NULL, "one line, got: %s", message);
  EXPECT(pthread_equal(journal->caller, pthread_self()), "the caller's own thread");
  for (i = 0; i < sizeof secrets / sizeof *secrets; i++) {
    EXPECT(strstr(message, secrets[i]) == NULL, "no secret in: %s", message);
  }
  journal->lines[level]++;
  /* No lock is held, so all of this may be called; once, or it would not end. */
  if (journal->client != NULL && !journal->inside) {
    emnify_client *other;
    emnify_error *error;
    uint32_t next;
    char *token;
    char buffer[4096];

    journal->inside = 1;
    journal->reentered++;
    (void)!emnify_auth_token(journal->client, &token, NULL);
    emnify_free(token);
    (void)!emnify_auth_token_copy(journal->client, buffer, sizeof buffer, NULL, NULL, NULL);
    (void)!emnify_renew_if_due(journal->client, &next, &error);
    emnify_free(error);
    emnify_invalidate(journal->client, "another token");
    emnify_reset(journal->client);
    other = client_at("http://127.0.0.1:1");
    emnify_free(other);
    journal->inside = 0;
  }
}

static emnify_client *client_with(const char *base_url, int32_t level, struct journal *journal) {
  emnify_config config = EMNIFY_CONFIG_INIT;
  emnify_client *client;
  emnify_error *error;
  emnify_status status;

  memset(journal, 0, sizeof *journal);
  journal->caller = pthread_self();
  config.application_token = APPLICATION_TOKEN;
  config.base_url = base_url;
  config.log_level = level;
  config.log = log_line;
  config.log_context = journal;
  status = emnify_client_new(&config, &client, &error);
  EXPECT_STATUS(status, EMNIFY_OK, error);
  return client;
}

static void sign_in_and_list(emnify_client *client) {
  emnify_response *response;
  emnify_error *error;
  emnify_status status;

  emnify_free(token_of(client));
  status = emnify_request(client, "GET", "/api/v1/sim?q=" CANARY, NULL, &response, &error);
  EXPECT_STATUS(status, EMNIFY_OK, error);
  emnify_free(response);
}

static void *on_a_thread(void *argument) {
  struct journal *journal = argument;
  journal->caller = pthread_self();
  sign_in_and_list(journal->client);
  return NULL;
}

int main(int argc, char **argv) {
  struct journal journal;
  emnify_client *client;
  pthread_t thread;
  char *token;

  EXPECT(argc == 2, "one argument");

  /* A failure is a warning, which is what a program gets that sets no level. */
  client = client_with(argv[1], 0, &journal);
  journal.client = client;
  EXPECT(emnify_auth_token(client, &token, NULL) == EMNIFY_ERROR_SERVER, "the scripted 503");
  EXPECT(journal.lines[EMNIFY_LOG_WARNING] >= 1 && journal.reentered >= 1, "a warning");
  EXPECT(journal.lines[EMNIFY_LOG_INFO] == 0 && journal.lines[EMNIFY_LOG_DEBUG] == 0,
         "nothing less important than a warning");
  emnify_free(client);

  /* A healthy client has nothing to warn of. */
  client = client_with(argv[1], EMNIFY_LOG_WARNING, &journal);
  sign_in_and_list(client);
  EXPECT(journal.lines[1] + journal.lines[2] + journal.lines[3] + journal.lines[4] == 0, "silence");
  emnify_free(client);

  client = client_with(argv[1], EMNIFY_LOG_INFO, &journal);
  sign_in_and_list(client);
  EXPECT(journal.lines[EMNIFY_LOG_INFO] >= 1, "a line about the sign-in");
  EXPECT(journal.lines[EMNIFY_LOG_DEBUG] == 0, "nothing less important than that");
  emnify_free(client);

  client = client_with(argv[1], EMNIFY_LOG_DEBUG, &journal);
  journal.client = client;
  EXPECT(pthread_create(&thread, NULL, on_a_thread, &journal) == 0, "a thread");
  pthread_join(thread, NULL);
  EXPECT(journal.lines[EMNIFY_LOG_INFO] >= 1 && journal.lines[EMNIFY_LOG_DEBUG] >= 1,
         "a line for the sign-in and one for the request");
  emnify_free(client);
  return 0;
}
