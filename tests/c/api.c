/*
 * Signing in, and what is behind the token: one-time codes, workspaces, requests, lists, SMS,
 * application tokens. Does one operation, holds what it gave against what the header says, and prints
 * what it was.
 *
 *     api BASE_URL OPERATION STATUS [ARGUMENT...]
 *
 * The Rust side has told the simulator how to answer, and knows the STATUS that must come of it.
 */
#include <inttypes.h>

#include "check.h"

#define POISON ((void *)(uintptr_t)0x5A5A5A)
#define ID_POISON UINT64_C(0x5A5A5A5A5A5A5A5A)
#define NOT_UTF8 "ab\xff" CANARY
#define MFA_USER "simulated.mfa.user@example.invalid"
#define MFA_PASSWORD "SIMULATED MFA password of no value"
#define USER "simulated.user@example.invalid"
#define PASSWORD "SIMULATED password of no value"

static const char *base_url;
static const char *ca_file;
static uint32_t timeout_ms;
static const char *wanted; /* the name of the status that is to come */

/* What must not be shown: whatever is a secret in this run. */
static const char *secrets[8];

static void secret(const char *text) {
  size_t i = 0;
  while (secrets[i] != NULL) {
    i++;
  }
  EXPECT(i + 1 < sizeof secrets / sizeof *secrets, "room for a secret");
  secrets[i] = text;
}

/* That the call became what it had to, with an error that says so, and no secret. Prints the error.
 * Returns whether it succeeded. */
static int became(emnify_status status, emnify_error **error) {
  const char *message = emnify_error_message(*error);
  size_t i;

  EXPECT(strcmp(emnify_status_name(status), wanted) == 0, "%s, got %s (%s)", wanted,
         emnify_status_name(status), message);
  EXPECT((*error == NULL) == (status == EMNIFY_OK), "an error exactly if it failed");
  EXPECT(emnify_error_status(*error) == status, "the status in the error");
  EXPECT(*error == NULL || (message[0] != '\0' && strchr(message, '\n') == NULL), "one line");
  for (i = 0; secrets[i] != NULL; i++) {
    EXPECT(strstr(message, secrets[i]) == NULL, "no secret in: %s", message);
  }
  if (*error != NULL) {
    printf("http %d, code %d, retryable %d, %s\n", (int)emnify_error_http_status(*error),
           (int)emnify_error_service_code(*error), (int)emnify_error_is_retryable(*error), message);
  }
  emnify_free(*error);
  *error = POISON;
  return status == EMNIFY_OK;
}

static emnify_client *made(const char *application_token, const char *username,
                           const char *password, const char *fingerprint) {
  emnify_config config = EMNIFY_CONFIG_INIT;
  emnify_client *client;
  emnify_error *error;
  emnify_status status;

  config.base_url = base_url;
  config.ca_file = ca_file;
  config.timeout_ms = timeout_ms;
  config.application_token = application_token;
  config.username = username;
  config.password = password;
  config.device_fingerprint = fingerprint;
  status = emnify_client_new(&config, &client, &error);
  EXPECT_STATUS(status, EMNIFY_OK, error);
  return client;
}

/* The one-time code that the Rust side has put into a file, which goes with it. */
static void next_code(char code[16]) {
  int tries;
  for (tries = 0; tries < 2000; tries++) {
    FILE *file = fopen("code", "r");
    if (file != NULL) {
      char *line = fgets(code, 16, file);
      fclose(file);
      remove("code");
      EXPECT(line != NULL, "a code");
      return;
    }
    usleep(5000);
  }
  EXPECT(0, "a code to come");
}

/* A client that waits for its code. */
static emnify_client *challenged(void) {
  emnify_client *client = made(NULL, MFA_USER, MFA_PASSWORD, NULL);
  emnify_error *error;
  char *token = POISON;
  emnify_status status = emnify_auth_token(client, &token, &error);
  EXPECT(token == NULL, "no token");
  EXPECT_STATUS(status, EMNIFY_ERROR_MFA_REQUIRED, error);
  return client;
}

static void mfa(void) {
  emnify_client *client = challenged();
  emnify_error *error = POISON;
  char code[16];
  char *fingerprint = POISON;
  emnify_status status;

  next_code(code);
  secret(code);
  status = emnify_submit_mfa_code(client, code, NULL, &fingerprint, &error);
  EXPECT(fingerprint == NULL, "no fingerprint for no device");
  if (became(status, &error)) {
    emnify_free(token_of(client));
    /* It is spent, and none is awaited any more. */
    status = emnify_submit_mfa_code(client, code, NULL, NULL, &error);
    EXPECT_STATUS(status, EMNIFY_ERROR_INVALID_ARGUMENT, error);
  }
  emnify_free(client);
}

static void mfa_wrong_code(void) {
  emnify_client *client = challenged();
  emnify_error *error = POISON;
  char code[16];
  char *fingerprint = POISON;

  next_code(code);
  secret("999999"); /* the simulator's codes begin with a zero */
  became(emnify_submit_mfa_code(client, "999999", "gateway", &fingerprint, &error), &error);
  EXPECT(fingerprint == NULL, "no fingerprint for a code that is wrong");
  /* The challenge stays, and the next code may be right. */
  error = POISON;
  EXPECT(emnify_submit_mfa_code(client, code, NULL, NULL, NULL) == EMNIFY_OK, "the right one to do");
  emnify_free(token_of(client));
  emnify_free(client);
}

static void mfa_device(void) {
  emnify_client *client = challenged();
  emnify_error *error = POISON;
  char code[16];
  char *fingerprint = POISON;

  next_code(code);
  if (became(emnify_submit_mfa_code(client, code, "gateway", &fingerprint, &error), &error)) {
    emnify_client *next = made(NULL, MFA_USER, MFA_PASSWORD, fingerprint);
    EXPECT(strlen(fingerprint) == 32, "a fingerprint");
    emnify_free(token_of(next));
    emnify_free(next);
  } else {
    EXPECT(fingerprint == NULL, "no fingerprint of a call that failed");
  }
  emnify_free(fingerprint);
  emnify_free(client);
}

/* One call. Prints the HTTP status where it is an answer of success. */
static void request(emnify_client *client, const char *method, const char *path,
                    const char *json_body) {
  emnify_response *response = POISON;
  emnify_error *error = POISON;
  emnify_status status = emnify_request(client, method, path, json_body, &response, &error);

  EXPECT((response != NULL) == (status == EMNIFY_OK), "a response exactly if there was an answer");
  if (status == EMNIFY_OK) {
    EXPECT(error == NULL, "no error");
    status = emnify_response_check(response, &error);
    EXPECT(emnify_error_http_status(error) ==
               (error == NULL ? 0 : emnify_response_http_status(response)),
           "the status of the answer in the error");
  }
  if (became(status, &error)) {
    printf("http %d\n", (int)emnify_response_http_status(response));
  }
  emnify_free(response);
}

/* All that needs a token, where there is none to be had: each of them says why. */
static void sign_in(emnify_client *client) {
  emnify_error *error = POISON;
  emnify_response *response = POISON;
  char buffer[4096] = "x";
  char *token = POISON;
  size_t length = 99;
  uint32_t seconds = 99;
  emnify_status status;

  if (became(emnify_auth_token(client, &token, &error), &error)) {
    EXPECT(token != NULL, "a token");
  } else {
    EXPECT(token == NULL, "no token");
  }
  emnify_free(token);
  status = emnify_auth_token_copy(client, buffer, sizeof buffer, &length, &seconds, &error);
  if (became(status, &error)) {
    EXPECT(length > 0 && strlen(buffer) == length && seconds > 0, "a token");
  } else {
    EXPECT(length == 0 && buffer[0] == '\0' && seconds == 0, "no token");
  }
  status = emnify_renew_if_due(client, &seconds, &error);
  became(status, &error);
  EXPECT(seconds >= 1, "not to be called again at once");
  status = emnify_request(client, "GET", "/api/v1/sim", NULL, &response, &error);
  EXPECT(became(status, &error) == (response != NULL), "a response exactly if it succeeded");
  emnify_free(response);
}

/* From an application token that is refused to one that is not. */
static void credentials(void) {
  static const char refused[] = "made-up-token-that-opens-nothing-" CANARY;
  emnify_client *client = made(refused, NULL, NULL, NULL);
  emnify_error *error;
  emnify_status status;
  char *token;
  int i;

  for (i = 0; i < 6; i++) {
    status = emnify_auth_token(client, &token, &error);
    EXPECT(token == NULL, "no token");
    EXPECT_STATUS(status, EMNIFY_ERROR_UNAUTHORIZED, error);
    if (i == 2) { /* The same one changes nothing. */
      status = emnify_set_application_token(client, refused, &error);
      EXPECT_STATUS(status, EMNIFY_OK, error);
    } else if (i == 4) { /* But the service may be asked again. */
      EXPECT(emnify_reset(client) == EMNIFY_OK, "to forget the refusal");
    }
  }
  error = POISON;
  became(emnify_set_application_token(client, APPLICATION_TOKEN, &error), &error);
  emnify_free(token_of(client));
  emnify_free(client);
}

/* argument: the workspace; and whose the client is. */
static void workspace(const char *id, const char *kind) {
  emnify_client *home = strcmp(kind, "user") == 0 ? made(NULL, USER, PASSWORD, NULL)
                                                  : made(APPLICATION_TOKEN, NULL, NULL, NULL);
  emnify_client *there = POISON;
  emnify_error *error = POISON;
  emnify_response *response = POISON;
  emnify_status status = emnify_workspace(home, strtoull(id, NULL, 10), &there, &error);

  EXPECT_STATUS(status, EMNIFY_OK, error);
  EXPECT(there != NULL && there != home, "a client of its own");
  {
    emnify_client *nested = POISON;
    status = emnify_workspace(there, 1, &nested, &error);
    EXPECT(nested == NULL, "none within another");
    EXPECT_STATUS(status, EMNIFY_ERROR_INVALID_ARGUMENT, error);
    status = emnify_set_application_token(there, APPLICATION_TOKEN, &error);
    EXPECT_STATUS(status, EMNIFY_ERROR_INVALID_ARGUMENT, error);
  }
  emnify_free(home); /* which the other keeps alive */
  status = emnify_request(there, "GET", "/api/v1/sim?per_page=1", NULL, &response, &error);
  if (became(status, &error)) {
    char organisation[64];
    snprintf(organisation, sizeof organisation, "\"organisation\":{\"id\":%s}", id);
    EXPECT(strstr(emnify_response_body(response, NULL), organisation) != NULL, "a SIM from there");
  } else {
    EXPECT(response == NULL, "no response");
  }
  emnify_free(response);
  emnify_free(there);
}

static void sms(emnify_client *client, const char *endpoint, const char *text) {
  uint64_t id = ID_POISON;
  emnify_error *error = POISON;
  emnify_status status = emnify_send_sms(client, strtoull(endpoint, NULL, 10), text, &id, &error);

  if (became(status, &error)) {
    EXPECT(id > UINT32_MAX, "an id of more than 32 bits, got %" PRIu64, id);
    printf("id %" PRIu64 "\n", id);
    EXPECT(emnify_send_sms(client, strtoull(endpoint, NULL, 10), text, NULL, NULL) == EMNIFY_OK,
           "the same without an id");
  } else {
    EXPECT(id == 0, "the id to be 0 after a failure");
  }
}

static const char *or_null(const char *text) { return strcmp(text, "-") == 0 ? NULL : text; }

static void create(emnify_client *client, const char *description, const char *date,
                   const char *range) {
  char *token = POISON;
  uint64_t id = ID_POISON;
  emnify_error *error = POISON;
  emnify_status status = emnify_application_token_create(
      client, or_null(description), or_null(date), or_null(range), &token, &id, &error);

  if (became(status, &error)) {
    emnify_client *with_it = made(token, NULL, NULL, NULL);
    EXPECT(token != NULL && token[0] != '\0' && id != ID_POISON, "a token");
    emnify_free(token_of(with_it));
    emnify_free(with_it);
    printf("id %" PRIu64 "\n", id);
  } else {
    EXPECT(token == NULL && id == 0, "nothing after a failure");
  }
  emnify_free(token);
}

/* That a list has nothing at this index. */
static void nothing_at(const emnify_application_tokens *list, size_t index) {
  EXPECT(emnify_application_tokens_id(list, index) == 0, "no id");
  EXPECT(emnify_application_tokens_description(list, index)[0] == '\0', "no description");
  EXPECT(emnify_application_tokens_created(list, index)[0] == '\0', "no time");
  EXPECT(emnify_application_tokens_expiry_date(list, index)[0] == '\0', "no end");
  EXPECT(emnify_application_tokens_ip_range(list, index)[0] == '\0', "no range");
  EXPECT(emnify_application_tokens_is_revoked(list, index) == 0, "not to be revoked");
}

/* Prints all of them, one a line. */
static void list_tokens(emnify_client *client) {
  emnify_application_tokens *list = POISON;
  emnify_error *error = POISON;
  emnify_status status = emnify_application_token_list(client, &list, &error);
  size_t i, count;

  EXPECT((list != NULL) == (status == EMNIFY_OK), "a list exactly if it succeeded");
  if (!became(status, &error)) {
    return;
  }
  count = emnify_application_tokens_count(list);
  for (i = 0; i < count; i++) {
    uint64_t id = emnify_application_tokens_id(list, i);
    EXPECT(emnify_application_tokens_find_by_id(list, id) == (id != 0 ? i : count),
           "to find what is at %zu, if it says its id", i);
    printf("%" PRIu64 "|%s|%s|%s|%s|%d\n", id, emnify_application_tokens_description(list, i),
           emnify_application_tokens_created(list, i),
           emnify_application_tokens_expiry_date(list, i),
           emnify_application_tokens_ip_range(list, i),
           (int)emnify_application_tokens_is_revoked(list, i));
  }
  nothing_at(list, count);
  nothing_at(list, SIZE_MAX);
  EXPECT(emnify_application_tokens_find_by_id(list, 0) == count, "no id of 0");
  EXPECT(emnify_application_tokens_find_by_id(list, UINT64_MAX) == count, "no such id");
  EXPECT(emnify_application_tokens_find_by_description(list, NULL) == count, "none for NULL");
  EXPECT(emnify_application_tokens_find_by_description(list, NOT_UTF8) == count, "no such text");
  emnify_free(list);
  EXPECT(emnify_application_tokens_count(list) == 0, "nothing in a freed list");
  EXPECT(emnify_application_tokens_find_by_description(list, "") == 0, "nothing in a freed list");
  nothing_at(list, 0);
}

/* Prints the id of the one with this description, 0 for none. */
static void find_token(emnify_client *client, const char *description) {
  emnify_application_tokens *list = POISON;
  emnify_error *error = POISON;
  size_t at;

  if (became(emnify_application_token_list(client, &list, &error), &error)) {
    at = emnify_application_tokens_find_by_description(list, description);
    EXPECT(at <= emnify_application_tokens_count(list), "an index or the count");
    printf("id %" PRIu64 "\n", emnify_application_tokens_id(list, at));
  }
  emnify_free(list);
}

static void describe_token(emnify_client *client, const char *id, const char *description) {
  emnify_error *error = POISON;
  became(emnify_application_token_describe(client, strtoull(id, NULL, 10), description, &error),
         &error);
}

static void revoke_token(emnify_client *client, const char *id) {
  emnify_error *error = POISON;
  became(emnify_application_token_revoke(client, strtoull(id, NULL, 10), &error), &error);
}

struct kept {
  int32_t answer;
  int calls;
  char text[256];
};

static int32_t keep(const char *application_token, void *context) {
  struct kept *kept = context;
  kept->calls++;
  snprintf(kept->text, sizeof kept->text, "%s", application_token);
  return kept->answer;
}

/* Every call of a client that is cancelled, or that nothing answers. */
static void every_call(emnify_client *client) {
  emnify_error *error = POISON;
  emnify_response *response = POISON;
  emnify_application_tokens *list = POISON;
  char *text = POISON;
  uint64_t id = ID_POISON;
  int32_t old_revoked = 77;
  struct kept kept = {0, 0, ""};
  emnify_status status;

  became(emnify_request(client, "GET", "/api/v1/sim", NULL, &response, &error), &error);
  EXPECT(response == NULL, "no response");
  became(emnify_send_sms(client, 10010001, "x", &id, &error), &error);
  EXPECT(id == 0, "no id");
  id = ID_POISON;
  became(emnify_application_token_create(client, NULL, NULL, NULL, &text, &id, &error), &error);
  EXPECT(text == NULL && id == 0, "no application token");
  became(emnify_application_token_list(client, &list, &error), &error);
  EXPECT(list == NULL, "no list");
  became(emnify_application_token_describe(client, 1, "x", &error), &error);
  became(emnify_application_token_revoke(client, 1, &error), &error);
  id = ID_POISON;
  status = emnify_application_token_rotate(client, 1, NULL, NULL, NULL, keep, &kept, &id,
                                           &old_revoked, &error);
  became(status, &error);
  EXPECT(id == 0 && old_revoked == 0 && kept.calls == 0, "no rotation");
}

/* A client that is cancelled, and one that is so because the other of its session is. */
static void cancelled(void) {
  emnify_client *home = made(NULL, USER, PASSWORD, NULL);
  emnify_client *device = made(APPLICATION_TOKEN, NULL, NULL, NULL);
  emnify_client *fresh = made(APPLICATION_TOKEN, NULL, NULL, NULL);
  emnify_client *there, *both[2];
  emnify_response *response;
  emnify_error *error;
  emnify_status status;
  int i, j;

  status = emnify_workspace(home, 7002, &there, &error);
  EXPECT_STATUS(status, EMNIFY_OK, error);
  EXPECT(emnify_cancel(fresh) == EMNIFY_OK, "to cancel");
  sign_in(fresh);
  emnify_free(fresh);
  emnify_free(token_of(device));
  EXPECT(emnify_cancel(device) == EMNIFY_OK, "to cancel");
  every_call(device);
  emnify_free(token_of(device)); /* which is good, and needs no network */

  both[0] = home;
  both[1] = there;
  emnify_free(token_of(there));
  for (i = 0; i < 2; i++) {
    EXPECT(emnify_cancel(both[i]) == EMNIFY_OK, "to cancel");
    for (j = 0; j < 2; j++) {
      status = emnify_request(both[j], "GET", "/api/v1/sim", NULL, &response, &error);
      EXPECT(response == NULL, "no response");
      EXPECT_STATUS(status, EMNIFY_ERROR_CANCELLED, error);
    }
    EXPECT(emnify_resume(both[i]) == EMNIFY_OK, "to resume");
  }
  emnify_free(home);
  emnify_free(there);
  emnify_free(device);
}


/* arguments: the client's own token, its id, and what keep answers. Prints how often it was called. */
static void rotate(const char *own, const char *old_id, const char *answer) {
  emnify_client *client = made(own, NULL, NULL, NULL);
  struct kept kept = {0, 0, ""};
  uint64_t id = ID_POISON;
  int32_t old_revoked = 77;
  emnify_error *error = POISON;
  emnify_status status;

  secret(own);
  kept.answer = (int32_t)strtol(answer, NULL, 10);
  status = emnify_application_token_rotate(client, strtoull(old_id, NULL, 10), "successor",
                                           "2051-10-29", "127.0.0.0/8", keep, &kept, &id,
                                           &old_revoked, &error);
  secret(kept.calls > 0 ? kept.text : CANARY);
  if (became(status, &error)) {
    emnify_client *with_it = made(kept.text, NULL, NULL, NULL);
    struct kept again = {0, 0, ""};
    EXPECT(kept.calls == 1 && id != ID_POISON, "to be kept once");
    emnify_free(token_of(with_it));
    /* The id is the old one of the next rotation, of which nothing need be told. */
    status = emnify_application_token_rotate(with_it, id, NULL, NULL, NULL, keep, &again, NULL, NULL,
                                             &error);
    EXPECT_STATUS(status, EMNIFY_OK, error);
    EXPECT(again.calls == 1, "to be kept once");
    emnify_free(with_it);
  } else {
    /* Another client, since what the service failed at is not asked of it again at once. */
    emnify_client *with_old = made(own, NULL, NULL, NULL);
    EXPECT(id == 0 && old_revoked == 0, "nothing after a failure");
    emnify_free(token_of(with_old));
    emnify_free(with_old);
  }
  /* Whatever became of it, the client has a token. */
  emnify_free(token_of(client));
  printf("kept %d, old_revoked %d, id %" PRIu64 "\n", kept.calls, (int)old_revoked, id);
  emnify_free(client);
}

struct replacing {
  emnify_client *client;
  const char *other;
  char text[256];
};

static int32_t keep_and_replace(const char *application_token, void *context) {
  struct replacing *replacing = context;
  snprintf(replacing->text, sizeof replacing->text, "%s", application_token);
  EXPECT(emnify_set_application_token(replacing->client, replacing->other, NULL) == EMNIFY_OK,
         "to go on with another one");
  return 0;
}

/* arguments: the client's own token, its id, and the one that it is given during the rotation. */
static void rotate_replaced(const char *own, const char *old_id, const char *other) {
  struct replacing replacing = {NULL, NULL, ""};
  emnify_error *error = POISON;
  uint64_t id = ID_POISON;
  int32_t old_revoked = 77;
  emnify_client *with_it;
  emnify_status status;

  replacing.client = made(own, NULL, NULL, NULL);
  replacing.other = other;
  status = emnify_application_token_rotate(replacing.client, strtoull(old_id, NULL, 10), NULL, NULL,
                                           NULL, keep_and_replace, &replacing, &id, &old_revoked,
                                           &error);
  secret(own);
  secret(other);
  secret(replacing.text);
  became(status, &error);
  EXPECT(id == 0 && old_revoked == 0, "nothing after a failure");
  /* What was stored works. The last sign-in is that of the client itself. */
  with_it = made(replacing.text, NULL, NULL, NULL);
  emnify_free(token_of(with_it));
  emnify_free(with_it);
  emnify_free(token_of(replacing.client));
  emnify_free(replacing.client);
}

/* All pages of a list, counted by what the headers say. */
static void pages(emnify_client *client, const char *list, const char *per_page) {
  uint32_t page, total = 1, members = 0;
  for (page = 1; page <= total; page++) {
    emnify_response *response = POISON;
    emnify_error *error = POISON;
    const char *at;
    char path[128];
    snprintf(path, sizeof path, "/api/v1/%s?per_page=%s&page=%u", list, per_page, (unsigned)page);
    if (emnify_request(client, "GET", path, NULL, &response, &error) != EMNIFY_OK) {
      EXPECT(response == NULL, "no response");
      became(emnify_error_status(error), &error);
      return;
    }
    EXPECT(error == NULL, "no error");
    if (emnify_response_check(response, &error) != EMNIFY_OK) {
      EXPECT(emnify_response_total_pages(response) == 0, "no pages of what is no list");
      emnify_free(response);
      became(emnify_error_status(error), &error);
      return;
    }
    total = emnify_response_total_pages(response);
    for (at = emnify_response_body(response, NULL); (at = strstr(at, "\"iccid\"")) != NULL; at++) {
      members++;
    }
    emnify_free(response);
  }
  EXPECT(strcmp(wanted, "EMNIFY_OK") == 0, "a failure");
  printf("%u members on %u pages\n", (unsigned)members, (unsigned)total);
}

/* A call that is refused before anything is sent. Each time without an error as well. */
#define REFUSED(word, call, otherwise) \
  do { \
    error = POISON; \
    id = ID_POISON; \
    text = POISON; \
    other = POISON; \
    list = POISON; \
    flag = 77; \
    status = (call); \
    EXPECT(strstr(emnify_error_message(error), word) != NULL, "a message about %s, got: %s", word, \
           emnify_error_message(error)); \
    EXPECT_STATUS(status, EMNIFY_ERROR_INVALID_ARGUMENT, error); \
    EXPECT(otherwise, "out parameters to be reset"); \
  } while (0)

static void arguments(emnify_client *client) {
  emnify_error *error;
  emnify_client *other;
  emnify_application_tokens *list;
  uint64_t id;
  int32_t flag;
  char *text;
  emnify_status status;
  size_t i;
  static const char *codes[] = {"", "12345", "1234567", "12345a", " 12345", "+12345", "12 345"};
  static const char *dates[] = {"", "tomorrow", "2031-13-01", "2031-02-29", "29.10.2031", "2031"};
  static const char *ranges[] = {"", "192.0.2.0", "192.0.2.0/33", "x/8", "::/129"};

  /* No client at all, and one that is gone. */
  emnify_client *gone = made(APPLICATION_TOKEN, NULL, NULL, NULL);
  emnify_free(gone);
  for (i = 0; i < 2; i++) {
    emnify_client *none = i == 0 ? NULL : gone;
    REFUSED("client", emnify_submit_mfa_code(none, "123456", "d", &text, &error), text == NULL);
    REFUSED("client", emnify_workspace(none, 1, &other, &error), other == NULL);
    REFUSED("client", emnify_send_sms(none, 1, "x", &id, &error), id == 0);
    REFUSED("client",
            emnify_application_token_create(none, NULL, NULL, NULL, &text, &id, &error),
            text == NULL && id == 0);
    REFUSED("client", emnify_application_token_list(none, &list, &error), list == NULL);
    REFUSED("client", emnify_application_token_describe(none, 1, "d", &error), 1);
    REFUSED("client", emnify_application_token_revoke(none, 1, &error), 1);
    REFUSED("client",
            emnify_application_token_rotate(none, 1, NULL, NULL, NULL, keep, NULL, &id, &flag,
                                            &error),
            id == 0 && flag == 0);
    EXPECT(emnify_application_token_revoke(none, 1, NULL) == EMNIFY_ERROR_INVALID_ARGUMENT,
           "the same without an error");
  }

  /* Codes, and what goes with them. */
  REFUSED("code", emnify_submit_mfa_code(client, NULL, NULL, &text, &error), text == NULL);
  REFUSED("code", emnify_submit_mfa_code(client, NOT_UTF8, NULL, &text, &error), text == NULL);
  for (i = 0; i < sizeof codes / sizeof *codes; i++) {
    REFUSED("code", emnify_submit_mfa_code(client, codes[i], NULL, NULL, &error), 1);
  }
  REFUSED("device_name", emnify_submit_mfa_code(client, "123456", "", &text, &error), text == NULL);
  REFUSED("device_name", emnify_submit_mfa_code(client, "123456", NOT_UTF8, &text, &error),
          text == NULL);
  REFUSED("out_device_fingerprint", emnify_submit_mfa_code(client, "123456", "d", NULL, &error), 1);
  REFUSED("", emnify_submit_mfa_code(client, "123456", NULL, NULL, &error), 1); /* not awaited */

  REFUSED("out_client", emnify_workspace(client, 1, NULL, &error), 1);

  REFUSED("text", emnify_send_sms(client, 1, NULL, &id, &error), id == 0);
  REFUSED("text", emnify_send_sms(client, 1, "", &id, &error), id == 0);
  REFUSED("text", emnify_send_sms(client, 1, NOT_UTF8, &id, &error), id == 0);

  REFUSED("out_application_token",
          emnify_application_token_create(client, NULL, NULL, NULL, NULL, &id, &error), id == 0);
  for (i = 0; i < 3; i++) {
    const char *texts[] = {NULL, NULL, NULL};
    static const char *const names[] = {"description", "expiry_date", "ip_range"};
    texts[i] = NOT_UTF8;
    REFUSED(names[i],
            emnify_application_token_create(client, texts[0], texts[1], texts[2], &text, &id,
                                            &error),
            text == NULL && id == 0);
    REFUSED(names[i],
            emnify_application_token_rotate(client, 1, texts[0], texts[1], texts[2], keep, NULL,
                                            &id, &flag, &error),
            id == 0 && flag == 0);
  }
  for (i = 0; i < sizeof dates / sizeof *dates; i++) {
    REFUSED("expiry_date",
            emnify_application_token_create(client, NULL, dates[i], NULL, &text, &id, &error),
            text == NULL && id == 0);
  }
  for (i = 0; i < sizeof ranges / sizeof *ranges; i++) {
    REFUSED("ip_range",
            emnify_application_token_create(client, NULL, NULL, ranges[i], &text, &id, &error),
            text == NULL && id == 0);
  }
  {
    emnify_client *user = made(NULL, USER, PASSWORD, NULL);
    REFUSED("client",
            emnify_application_token_rotate(user, 1, NULL, NULL, NULL, keep, NULL, &id, &flag,
                                            &error),
            id == 0 && flag == 0);
    emnify_free(user);
  }
  REFUSED("old_id",
          emnify_application_token_rotate(client, 0, NULL, NULL, NULL, keep, NULL, &id, &flag,
                                          &error),
          id == 0 && flag == 0);
  REFUSED("out_list", emnify_application_token_list(client, NULL, &error), 1);
  REFUSED("description", emnify_application_token_describe(client, 1, NULL, &error), 1);
  REFUSED("description", emnify_application_token_describe(client, 1, NOT_UTF8, &error), 1);
  REFUSED("keep",
          emnify_application_token_rotate(client, 1, NULL, NULL, NULL, NULL, NULL, &id, &flag,
                                          &error),
          id == 0 && flag == 0);
  EXPECT(emnify_response_total_pages(NULL) == 0, "0 for NULL");
  EXPECT(emnify_response_total_pages((const emnify_response *)client) == 0, "0 for what is none");
  EXPECT(emnify_application_tokens_count(NULL) == 0, "0 for NULL");
  EXPECT(emnify_application_tokens_find_by_id(NULL, 1) == 0, "0 for NULL");
  EXPECT(emnify_application_tokens_find_by_description(NULL, "d") == 0, "0 for NULL");
  nothing_at(NULL, 0);
}

int main(int argc, char **argv) {
  emnify_client *client;
  const char *operation;

  EXPECT(argc >= 4, "three arguments at least");
  base_url = argv[1];
  operation = argv[2];
  wanted = argv[3];
  secret(CANARY);
  secret(APPLICATION_TOKEN);
  secret(PASSWORD);
  secret(MFA_PASSWORD);

  if (strcmp(operation, "sign-in-with-ca") == 0 && argc == 5) {
    ca_file = argv[4];
  } else if (strcmp(operation, "every-call-within-ms") == 0 && argc == 5) {
    timeout_ms = (uint32_t)strtoul(argv[4], NULL, 10);
  }
  client = made(APPLICATION_TOKEN, NULL, NULL, NULL);
#define IS(name, count) (strcmp(operation, name) == 0 && argc == 4 + (count))
  if (IS("sign-in", 0) || IS("sign-in-with-ca", 1)) {
    sign_in(client);
  } else if (IS("request", 2)) {
    request(client, argv[4], argv[5], NULL);
  } else if (IS("request", 3)) {
    request(client, argv[4], argv[5], argv[6]);
  } else if (IS("credentials", 0)) {
    credentials();
  } else if (IS("every-call-within-ms", 1)) {
    every_call(client);
  } else if (IS("cancelled", 0)) {
    cancelled();
  } else if (IS("mfa", 0)) {
    mfa();
  } else if (IS("mfa-wrong-code", 0)) {
    mfa_wrong_code();
  } else if (IS("mfa-device", 0)) {
    mfa_device();
  } else if (IS("workspace", 2)) {
    workspace(argv[4], argv[5]);
  } else if (IS("sms", 2)) {
    sms(client, argv[4], argv[5]);
  } else if (IS("create", 3)) {
    create(client, argv[4], argv[5], argv[6]);
  } else if (IS("list", 0)) {
    list_tokens(client);
  } else if (IS("find", 1)) {
    find_token(client, argv[4]);
  } else if (IS("describe", 2)) {
    describe_token(client, argv[4], argv[5]);
  } else if (IS("revoke", 1)) {
    revoke_token(client, argv[4]);
  } else if (IS("rotate", 3)) {
    rotate(argv[4], argv[5], argv[6]);
  } else if (IS("rotate-replaced", 3)) {
    rotate_replaced(argv[4], argv[5], argv[6]);
  } else if (IS("pages", 2)) {
    pages(client, argv[4], argv[5]);
  } else if (IS("arguments", 0)) {
    arguments(client);
  } else {
    EXPECT(0, "an operation that there is");
  }
  emnify_free(client);
  return 0;
}
