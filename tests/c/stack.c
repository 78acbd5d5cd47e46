/*
 * A device's work on a thread with as little stack as small devices give one.
 *
 *     stack BASE_URL CA_FILE
 */
#include <pthread.h>

#include "check.h"

enum { STACK = 64 * 1024 };

static const char *base_url, *ca_file;

/* Everything a device does, once. */
static void *device(void *argument) {
  emnify_config config = EMNIFY_CONFIG_INIT;
  emnify_client *own;
  emnify_response *response;
  emnify_error *error;
  emnify_status status;
  char *token;

  (void)argument;
  config.application_token = APPLICATION_TOKEN;
  config.base_url = base_url;
  config.ca_file = ca_file;
  status = emnify_client_new(&config, &own, &error);
  EXPECT_STATUS(status, EMNIFY_OK, error);
  token = token_of(own);
  status = emnify_request(own, "GET", "/api/v1/sim", NULL, &response, &error);
  EXPECT_STATUS(status, EMNIFY_OK, error);
  EXPECT(emnify_response_http_status(response) == 200, "200");
  emnify_free(response);
  status = emnify_request(own, "POST", "/api/v1/endpoint/1/sms", "{\"payload\":\"x\"}", &response,
                          &error);
  EXPECT_STATUS(status, EMNIFY_OK, error);
  status = emnify_response_check(response, &error);
  emnify_free(error);
  emnify_free(response);
  emnify_invalidate(own, token);
  emnify_free(token);
  emnify_free(token_of(own));
  emnify_free(own);

  /* And a failure. */
  config.base_url = "https://127.0.0.1:1";
  status = emnify_client_new(&config, &own, &error);
  EXPECT_STATUS(status, EMNIFY_OK, error);
  status = emnify_auth_token(own, &token, &error);
  EXPECT_STATUS(status, EMNIFY_ERROR_NETWORK, error);
  emnify_free(own);
  return NULL;
}

int main(int argc, char **argv) {
  pthread_attr_t attributes;
  pthread_t thread;

  EXPECT(argc == 3, "two arguments");
  base_url = argv[1];
  ca_file = argv[2];
  EXPECT(pthread_attr_init(&attributes) == 0, "attributes");
  EXPECT(pthread_attr_setstacksize(&attributes, STACK) == 0, "so little to be allowed");
  EXPECT(pthread_create(&thread, &attributes, device, NULL) == 0, "a thread");
  EXPECT(pthread_join(thread, NULL) == 0, "its end");
  pthread_attr_destroy(&attributes);
  return 0;
}
