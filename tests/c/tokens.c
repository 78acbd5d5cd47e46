/*
 * The main job: sign in once, hand the token out as often as it is asked for, and use it.
 *
 *     tokens BASE_URL application|plain|sha1|refresh [SECRET]
 */
#include "check.h"

static emnify_client *client_with(const char *base_url, const char *kind, const char *secret) {
  emnify_config config = EMNIFY_CONFIG_INIT;
  emnify_client *client;
  emnify_error *error;
  emnify_status status;
  char *copy = strdup(secret);

  config.base_url = base_url;
  config.user_agent = "c-tests/1.0";
  if (strcmp(kind, "application") == 0) {
    config.application_token = copy;
  } else if (strcmp(kind, "refresh") == 0) {
    config.refresh_token = copy;
  } else {
    config.username = "simulated.user@example.invalid";
    *(strcmp(kind, "sha1") == 0 ? &config.password_sha1 : &config.password) = copy;
  }
  status = emnify_client_new(&config, &client, &error);
  EXPECT_STATUS(status, EMNIFY_OK, error);

  /* Arguments are copied: what the caller does with them afterwards is nobody's business. */
  memset(copy, 'x', strlen(copy));
  free(copy);
  memset(&config, 0xAA, sizeof config);
  return client;
}

static void copies(emnify_client *client, const char *token) {
  char buffer[4096];
  emnify_error *error;
  emnify_status status;
  size_t length = strlen(token), said;
  uint32_t expires;

  /* Room to spare. */
  status = emnify_auth_token_copy(client, buffer, sizeof buffer, &said, &expires, &error);
  EXPECT_STATUS(status, EMNIFY_OK, error);
  EXPECT(said == length && strcmp(buffer, token) == 0, "the same token, %zu bytes", length);
  /* 240 minutes less the 30 s by which the library stops early. */
  EXPECT(expires > 14300 && expires <= 14370, "about 14370 s, got %u", (unsigned)expires);

  /* Exactly enough; the byte behind is the caller's. */
  memset(buffer, '#', sizeof buffer);
  status = emnify_auth_token_copy(client, buffer, length + 1, NULL, NULL, &error);
  EXPECT_STATUS(status, EMNIFY_OK, error);
  EXPECT(strcmp(buffer, token) == 0 && buffer[length + 1] == '#', "the token and its NUL only");

  /* One byte short, one byte, none. */
  {
    const size_t capacities[] = {length, 1, 0};
    size_t i;
    for (i = 0; i < sizeof capacities / sizeof *capacities; i++) {
      memset(buffer, '#', sizeof buffer);
      said = 99;
      expires = 99;
      status = emnify_auth_token_copy(client, buffer, capacities[i], &said, &expires, &error);
      EXPECT_STATUS(status, EMNIFY_ERROR_BUFFER_TOO_SMALL, error);
      EXPECT(said == length, "the length %zu, got %zu", length, said);
      EXPECT(buffer[0] == (capacities[i] > 0 ? '\0' : '#'), "\"\" where there is room for it");
      EXPECT(buffer[1] == '#', "nothing behind the NUL");
    }
  }
  /* To ask for the length alone. */
  said = 99;
  status = emnify_auth_token_copy(client, NULL, 0, &said, NULL, &error);
  EXPECT_STATUS(status, EMNIFY_ERROR_BUFFER_TOO_SMALL, error);
  EXPECT(said == length, "the length %zu, got %zu", length, said);
  EXPECT(emnify_auth_token_copy(client, NULL, 0, NULL, NULL, NULL) == EMNIFY_ERROR_BUFFER_TOO_SMALL,
         "all that may be NULL to be NULL");
}

static void requests(emnify_client *client) {
  emnify_response *response;
  emnify_error *error;
  emnify_status status;
  const char *body;
  size_t length = 99;

  status = emnify_request(client, "GET", "/api/v1/sim?per_page=5", NULL, &response, &error);
  EXPECT_STATUS(status, EMNIFY_OK, error);
  EXPECT(emnify_response_http_status(response) == 200, "200");
  status = emnify_response_check(response, &error);
  EXPECT_STATUS(status, EMNIFY_OK, error);
  body = emnify_response_body(response, &length);
  EXPECT(body[0] == '[' && length == strlen(body) && body[length] == '\0', "a list and a NUL");
  EXPECT(emnify_response_body(response, NULL) == body, "the same body again");
  EXPECT(emnify_response_total_pages(response) == 5, "25 SIMs on 5 pages");
  {
    const char *lower = emnify_response_header(response, "content-type");
    const char *upper = emnify_response_header(response, "CONTENT-TYPE");
    EXPECT(lower != NULL && strstr(lower, "json") != NULL, "a content type");
    EXPECT(lower == upper, "the same header in any case");
  }
  EXPECT(emnify_response_header(response, "x-none") == NULL, "NULL for a header that is not there");
  EXPECT(emnify_response_header(response, "") == NULL, "NULL for a header without a name");
  emnify_free(response);

  /* The Rust side has put bytes with a NUL among them here. */
  status = emnify_request(client, "GET", "/api/v1/with-nul", NULL, &response, &error);
  EXPECT_STATUS(status, EMNIFY_OK, error);
  body = emnify_response_body(response, &length);
  EXPECT(length == 5 && memcmp(body, "ab\0cd", 6) == 0, "a NUL within the body and one behind it");
  emnify_free(response);

  /* An answer that is not 2xx is a response; check makes the error of it. */
  status = emnify_request(client, "GET", "/api/v1/none-of-that-name", NULL, &response, &error);
  EXPECT_STATUS(status, EMNIFY_OK, error);
  EXPECT(emnify_response_http_status(response) == 404, "404");
  status = emnify_response_check(response, &error);
  EXPECT(emnify_error_http_status(error) == 404, "404 in the error");
  EXPECT(emnify_error_request_id(error)[0] != '\0', "a request id");
  EXPECT_STATUS(status, EMNIFY_ERROR_REJECTED, error);
  EXPECT(emnify_response_check(response, NULL) == EMNIFY_ERROR_REJECTED, "the same without error");
  emnify_free(response);

  /* An empty body. */
  status = emnify_request(client, "DELETE", "/api/v1/empty", NULL, &response, &error);
  EXPECT_STATUS(status, EMNIFY_OK, error);
  body = emnify_response_body(response, &length);
  EXPECT(length == 0 && body != NULL && body[0] == '\0', "\"\" for a body that is empty");
  emnify_free(response);
}

static void texts(void) {
  char *text = emnify_json_quote("a\"b\n\xc3\xa4");
  EXPECT(strcmp(text, "\"a\\\"b\\n\xc3\xa4\"") == 0, "a JSON string");
  emnify_free(text);
  text = emnify_url_escape("a b/c");
  EXPECT(strcmp(text, "a%20b%2Fc") == 0, "an escaped text");
  emnify_free(text);
  text = emnify_url_escape("");
  EXPECT(text != NULL && text[0] == '\0', "\"\" for \"\"");
  emnify_free(text);
}

int main(int argc, char **argv) {
  emnify_client *client;
  emnify_error *error;
  char *first, *second;
  uint32_t next = 0;
  emnify_status status;
  int rotates;

  EXPECT(argc == 4, "three arguments");
  client = client_with(argv[1], argv[2], argv[3]);
  first = token_of(client);
  second = token_of(client);
  EXPECT(first != second, "a text of the caller's own each time");
  EXPECT(strcmp(first, second) == 0, "the same token, since it is good");
  emnify_free(second);

  status = emnify_renew_if_due(client, &next, &error);
  EXPECT_STATUS(status, EMNIFY_OK, error);
  EXPECT(next >= 1 && next < 14400, "to be called again while the token is good, got %u s",
         (unsigned)next);

  copies(client, first);
  requests(client);
  texts();

  /* Another text than the present token's changes nothing; the token's own does. */
  EXPECT(emnify_invalidate(client, "some.other.token") == EMNIFY_OK, "to take any text");
  second = token_of(client);
  EXPECT(strcmp(first, second) == 0, "the same token, another was refused");
  emnify_free(second);
  rotates = strcmp(argv[2], "refresh") != 0;
  EXPECT(emnify_invalidate(client, first) == EMNIFY_OK, "to take the token");
  if (rotates) {
    second = token_of(client);
    EXPECT(strcmp(first, second) != 0, "another token, the first was refused");
    emnify_free(second);
  } else {
    /* The one refresh token is spent, and there is nothing else to sign in with. */
    status = emnify_auth_token(client, &second, &error);
    EXPECT(status == EMNIFY_ERROR_UNAUTHORIZED || status == EMNIFY_ERROR_INVALID_ARGUMENT,
           "a refresh token to be good for one use, got %s", emnify_status_name(status));
    EXPECT(second == NULL, "no token from a call that failed");
    emnify_free(error);
  }
  emnify_free(first);
  emnify_free(client);
  return 0;
}
