/*
 * Callbacks that do what they should not need to: free the client that they are called for, cancel
 * it, change its credentials; and the one that keeps a new application token.
 *
 *     callbacks BASE_URL
 */
#include "check.h"

static emnify_client *client;
static int called;

static void frees_the_client(int32_t level, const char *message, void *context) {
  (void)level;
  (void)context;
  EXPECT(message[0] != '\0', "a line");
  emnify_free(client);
  EXPECT(emnify_reset(client) == EMNIFY_ERROR_INVALID_ARGUMENT, "the client to be gone");
  EXPECT(message[0] != '\0', "a line that stays");
  called++;
}

static void cancels(int32_t level, const char *message, void *context) {
  (void)level;
  (void)message;
  (void)context;
  emnify_cancel(client);
  called++;
}

static void changes_credentials(int32_t level, const char *message, void *context) {
  (void)level;
  (void)message;
  (void)context;
  if (called++ == 0) {
    EXPECT(emnify_set_application_token(client, APPLICATION_TOKEN "x", NULL) == EMNIFY_OK, "it set");
  }
}

static emnify_client *with_log(const char *base_url, emnify_log_fn log) {
  emnify_config config = EMNIFY_CONFIG_INIT;
  emnify_client *made;
  config.application_token = APPLICATION_TOKEN;
  config.base_url = base_url;
  config.log_level = EMNIFY_LOG_DEBUG;
  config.log = log;
  called = 0;
  EXPECT(emnify_client_new(&config, &made, NULL) == EMNIFY_OK, "a client");
  return made;
}

static int32_t keeps(const char *application_token, void *context) {
  emnify_error *error;
  emnify_status status;
  EXPECT(strlen(application_token) > 20, "a secret");
  /* The client may be used, and still has its old token. */
  emnify_free(token_of(client));
  status = emnify_invalidate(client, "another token");
  EXPECT(status == EMNIFY_OK, "the client to work");
  EXPECT(emnify_renew_if_due(client, NULL, &error) == EMNIFY_OK, "the client to work");
  called++;
  return *(int32_t *)context;
}

static int32_t frees(const char *application_token, void *context) {
  (void)context;
  emnify_free(client);
  EXPECT(strlen(application_token) > 20, "a secret that stays");
  called++;
  return 0;
}

static uint64_t create(uint64_t *id) {
  emnify_error *error;
  char *secret;
  emnify_status status =
      emnify_application_token_create(client, "c-tests", NULL, NULL, &secret, id, &error);
  EXPECT_STATUS(status, EMNIFY_OK, error);
  EXPECT(*id != 0 && strlen(secret) > 20, "a secret and an id");
  emnify_free(secret);
  return *id;
}

int main(int argc, char **argv) {
  emnify_error *error;
  emnify_response *response;
  emnify_status status;
  char *token;
  uint64_t id, new_id;
  int32_t revoked, answer;

  EXPECT(argc == 2, "one argument");

  client = with_log(argv[1], frees_the_client);
  status = emnify_auth_token(client, &token, &error);
  EXPECT_STATUS(status, EMNIFY_OK, error);
  EXPECT(called > 0, "a line");
  emnify_free(token);

  client = with_log(argv[1], frees_the_client);
  status = emnify_request(client, "GET", "/api/v1/sim", NULL, &response, &error);
  EXPECT_STATUS(status, EMNIFY_OK, error);
  emnify_free(response);

  /* The line about the sign-in comes when it is over: its token is good. What follows needs the
   * network and is cancelled. */
  client = with_log(argv[1], cancels);
  status = emnify_request(client, "GET", "/api/v1/sim", NULL, &response, &error);
  EXPECT_STATUS(status, EMNIFY_ERROR_CANCELLED, error);
  emnify_free(client);

  client = with_log(argv[1], changes_credentials);
  status = emnify_auth_token(client, &token, &error);
  emnify_free(error);
  emnify_free(token);
  EXPECT(called >= 1, "a line");
  emnify_free(client);

  client = client_at(argv[1]);
  create(&id);
  /* Not kept: the old one stays, and the new one is taken back. */
  answer = 7;
  status = emnify_application_token_rotate(client, id, NULL, NULL, NULL, keeps, &answer, &new_id,
                                           &revoked, &error);
  EXPECT(called >= 1 && new_id == 0 && revoked == 0, "no rotation");
  EXPECT_STATUS(status, EMNIFY_ERROR_STORAGE, error);
  answer = 0;
  status = emnify_application_token_rotate(client, id, NULL, NULL, NULL, keeps, &answer, &new_id,
                                           &revoked, &error);
  EXPECT_STATUS(status, EMNIFY_OK, error);
  EXPECT(new_id != 0 && new_id != id && revoked == 1, "a new one in the place of the old one");
  /* The old one is gone. */
  status = emnify_application_token_rotate(client, id, NULL, NULL, NULL, keeps, &answer, NULL, NULL,
                                           &error);
  EXPECT_STATUS(status, EMNIFY_ERROR_INVALID_ARGUMENT, error);
  status = emnify_application_token_rotate(client, new_id, NULL, NULL, NULL, frees, NULL, &id,
                                           &revoked, &error);
  EXPECT_STATUS(status, EMNIFY_OK, error);
  EXPECT(emnify_reset(client) == EMNIFY_ERROR_INVALID_ARGUMENT, "the client to be gone");
  return 0;
}
