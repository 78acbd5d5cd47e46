/*
 * A device that runs for years: the same things over and over, failures among them, leave the heap
 * as it was. And values at the ends of their ranges.
 *
 *     years BASE_URL
 */
#include <malloc.h>

#include "check.h"

enum { WARM_UP = 300, ROUNDS = 2000 };

static void one_day(emnify_client *client, const char *base_url, int day) {
  char buffer[4096], small[2];
  emnify_client *other;
  emnify_response *response;
  emnify_error *error;
  uint32_t next;
  char *token = token_of(client), *text;

  EXPECT(emnify_auth_token_copy(client, buffer, sizeof buffer, NULL, NULL, &error) == EMNIFY_OK,
         "a token");
  EXPECT(emnify_auth_token_copy(client, small, sizeof small, NULL, NULL, &error) != EMNIFY_OK,
         "too small a buffer");
  emnify_free(error);
  EXPECT(emnify_renew_if_due(client, &next, &error) == EMNIFY_OK, "nothing due");
  emnify_free(token);
  text = emnify_json_quote("text");
  emnify_free(text);
  EXPECT(emnify_client_new(NULL, &other, &error) != EMNIFY_OK, "no client");
  emnify_free(error);
  EXPECT(emnify_request(client, "GET", "bad path", NULL, &response, &error) != EMNIFY_OK, "no");
  emnify_free(error);
  if (day % 20 == 0) {
    EXPECT(emnify_request(client, "GET", "/api/v1/sim", NULL, &response, &error) == EMNIFY_OK, "a list");
    emnify_free(response);
    other = client_at(base_url);
    emnify_free(token_of(other));
    emnify_free(other);
    other = client_at("http://127.0.0.1:1");
    EXPECT(emnify_auth_token(other, &token, &error) == EMNIFY_ERROR_NETWORK, "no network");
    emnify_free(error);
    emnify_free(other);
    EXPECT(emnify_request(client, "GET", "/api/v1/none", NULL, &response, &error) == EMNIFY_OK, "404");
    EXPECT(emnify_response_check(response, &error) == EMNIFY_ERROR_REJECTED, "404");
    emnify_free(error);
    emnify_free(response);
  }
}

static void years(const char *base_url) {
  emnify_client *client = client_at(base_url);
  size_t before;
  int day;
  for (day = 0; day < WARM_UP; day++) {
    one_day(client, base_url, day);
  }
  before = mallinfo2().uordblks;
  for (day = 0; day < ROUNDS; day++) {
    one_day(client, base_url, day);
  }
  /* Tables may be of another size at the end; a leak of 16 bytes a day would be 32,000. */
  EXPECT(mallinfo2().uordblks < before + 8192, "a heap of %zu bytes as before, got %zu", before,
         (size_t)mallinfo2().uordblks);
  emnify_free(client);
}

static void ends_of_ranges(const char *base_url) {
  static const uint32_t values[] = {1, 2, INT32_MAX, UINT32_MAX};
  size_t timeout, connect, size;
  for (timeout = 0; timeout < 4; timeout++) {
    for (connect = 0; connect < 4; connect++) {
      for (size = 0; size < 4; size++) {
        emnify_config config = EMNIFY_CONFIG_INIT;
        emnify_client *client;
        emnify_response *response;
        emnify_error *error;
        emnify_status status;
        config.application_token = APPLICATION_TOKEN;
        config.base_url = base_url;
        config.timeout_ms = values[timeout];
        config.connect_timeout_ms = values[connect];
        config.max_response_bytes = values[size];
        status = emnify_client_new(&config, &client, &error);
        EXPECT_STATUS(status, EMNIFY_OK, error);
        status = emnify_request(client, "GET", "/api/v1/sim", NULL, &response, &error);
        if (status == EMNIFY_OK) {
          EXPECT(size > 1, "no more bytes than were allowed");
          EXPECT(emnify_response_http_status(response) == 200, "200");
          emnify_free(response);
        } else if (timeout < 2 || connect < 2) {
          /* A millisecond may be enough, or not. */
          EXPECT(status == EMNIFY_ERROR_TIMEOUT || status == EMNIFY_ERROR_NETWORK ||
                     (status == EMNIFY_ERROR_BAD_RESPONSE && size < 2),
                 "too little time, got %s", emnify_error_message(error));
        } else {
          EXPECT(status == EMNIFY_ERROR_BAD_RESPONSE && size < 2, "too large an answer, got %s",
                 emnify_error_message(error));
        }
        emnify_free(error);
        emnify_free(client);
      }
    }
  }
}

/* A struct that nobody initialised, whatever stands in it. */
static void uninitialised(void) {
  static const unsigned char fills[] = {0x00, 0x01, 0x55, 0xAA, 0xFF, 0x7F};
  size_t i;
  for (i = 0; i < sizeof fills; i++) {
    emnify_config config;
    emnify_client *client;
    emnify_error *error;
    emnify_status status;
    memset(&config, fills[i], sizeof config);
    status = emnify_client_new(&config, &client, &error);
    EXPECT(strstr(emnify_error_message(error), "struct_size") != NULL, "what is wrong, got: %s",
           emnify_error_message(error));
    EXPECT_STATUS(status, EMNIFY_ERROR_INVALID_ARGUMENT, error);
  }
}

int main(int argc, char **argv) {
  EXPECT(argc == 2, "one argument");
  uninitialised();
  ends_of_ranges(argv[1]);
  years(argv[1]);
  return 0;
}
