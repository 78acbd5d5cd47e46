/*
 * One failure of the service, as a program sees it: the fields of the error, twice, since the
 * second call has to have the same answer without asking again.
 *
 *     errors BASE_URL STATUS HTTP CODE RETRYABLE SHORTEST LONGEST REQUEST_ID WORD TIMEOUT_MS
 *
 * SHORTEST and LONGEST bound retry_after_s; REQUEST_ID is 1 where the answer had one; WORD stands in
 * the message.
 */
#include "check.h"

int main(int argc, char **argv) {
  emnify_config config = EMNIFY_CONFIG_INIT;
  emnify_client *client;
  emnify_error *error;
  emnify_status status;
  int call;

  EXPECT(argc == 11, "ten arguments");
  config.application_token = APPLICATION_TOKEN;
  config.base_url = argv[1];
  config.timeout_ms = (uint32_t)atol(argv[10]);
  status = emnify_client_new(&config, &client, &error);
  EXPECT_STATUS(status, EMNIFY_OK, error);

  for (call = 0; call < 2; call++) {
    char *token = (char *)&error;
    long shortest = atol(argv[6]), longest = atol(argv[7]);
    uint32_t next = 0;
    status = emnify_auth_token(client, &token, &error);
    EXPECT(strcmp(emnify_status_name(status), argv[2]) == 0, "%s, got %s: %s", argv[2],
           emnify_status_name(status), emnify_error_message(error));
    EXPECT(token == NULL, "no token");
    EXPECT(emnify_error_status(error) == status, "the status in the error");
    EXPECT(emnify_error_http_status(error) == atoi(argv[3]), "HTTP status %s, got %d", argv[3],
           (int)emnify_error_http_status(error));
    EXPECT(emnify_error_service_code(error) == atoi(argv[4]), "service code %s, got %d", argv[4],
           (int)emnify_error_service_code(error));
    EXPECT(emnify_error_is_retryable(error) == atoi(argv[5]), "retryable %s, got %d", argv[5],
           (int)emnify_error_is_retryable(error));
    EXPECT(emnify_error_retry_after_s(error) >= shortest &&
               emnify_error_retry_after_s(error) <= longest,
           "a wait of %ld to %ld s, got %u", shortest, longest,
           (unsigned)emnify_error_retry_after_s(error));
    EXPECT((emnify_error_request_id(error)[0] != '\0') == atoi(argv[8]), "request id %s, got %s",
           argv[8], emnify_error_request_id(error));
    EXPECT(strstr(emnify_error_message(error), argv[9]) != NULL, "the word %s in: %s", argv[9],
           emnify_error_message(error));
    EXPECT(strstr(emnify_error_message(error), "SIMULATED") == NULL, "no credential in: %s",
           emnify_error_message(error));
    EXPECT(emnify_error_message(error) == emnify_error_message(error), "a text that stays");
    emnify_free(error);

    /* The other functions that need a token fail likewise. */
    if (status != EMNIFY_ERROR_TIMEOUT) {
      emnify_response *response = (emnify_response *)&error;
      EXPECT(emnify_request(client, "GET", "/api/v1/sim", NULL, &response, NULL) == status,
             "a request to fail for want of a token");
      EXPECT(response == NULL, "no response");
      EXPECT(emnify_renew_if_due(client, &next, NULL) == status, "a renewal to fail likewise");
      EXPECT(next >= 1 && (long)next <= (longest > 1 ? longest : 1), "the same wait, got %u s",
             (unsigned)next);
    }
  }
  emnify_free(client);
  return 0;
}
