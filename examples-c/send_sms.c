/*
 * Sends an SMS to an endpoint, once: where nobody knows whether it went out, it says so.
 *
 *     cc send_sms.c -o send_sms $(pkg-config --cflags --libs emnify)
 *     EMNIFY_APPLICATION_TOKEN=... ./send_sms 12345678 "reboot"
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <emnify.h>

/* Ids are 64-bit: an int or a double would lose some of them. */
static int parse_id(const char *text, uint64_t *id) {
  char *end;
  unsigned long long number;

  if (text[0] < '0' || text[0] > '9') {
    return 0; /* strtoull takes signs and blanks */
  }
  errno = 0;
  number = strtoull(text, &end, 10);
  *id = (uint64_t)number;
  return errno == 0 && *end == '\0' && *id == number;
}

/* Whether the SMS may have gone out all the same. */
static int is_in_doubt(emnify_status status) {
  switch (status) {
  case EMNIFY_ERROR_SERVER:       /* the service failed, before or after it sent it */
  case EMNIFY_ERROR_BAD_RESPONSE: /* the answer was cut off, or does not say the id */
  case EMNIFY_ERROR_NETWORK:      /* the answer was lost, unless there was no connection at all */
  case EMNIFY_ERROR_TIMEOUT:
  case EMNIFY_ERROR_CANCELLED:
    return 1;
  default: /* refused, or never sent */
    return 0;
  }
}

int main(int argc, char **argv) {
  emnify_client *client;
  emnify_error *error;
  uint64_t endpoint_id, sms_id;
  char *token;
  emnify_status status;

  if (argc != 3 || !parse_id(argv[1], &endpoint_id)) {
    fputs("usage: send_sms ENDPOINT_ID TEXT\n", stderr);
    return 2;
  }
  if (emnify_client_new(NULL, &client, &error) != EMNIFY_OK) {
    fprintf(stderr, "no client: %s\n", emnify_error_message(error));
    emnify_free(error);
    return 2;
  }

  /* Not needed: emnify_send_sms signs in by itself. But what fails here has sent nothing, so that
   * no doubt is left. */
  if (emnify_auth_token(client, &token, &error) != EMNIFY_OK) {
    fprintf(stderr, "not sent, no token: %s\n", emnify_error_message(error));
    emnify_free(error);
    emnify_free(client);
    return 1;
  }
  emnify_free(token);

  status = emnify_send_sms(client, endpoint_id, argv[2], &sms_id, &error);
  emnify_free(client);
  if (status != EMNIFY_OK) {
    fprintf(stderr, "%s: %s\n", is_in_doubt(status) ? "may have been sent" : "not sent",
            emnify_error_message(error));
    emnify_free(error);
    return is_in_doubt(status) ? 3 : 1;
  }
  printf("SMS %" PRIu64 " is on its way to endpoint %" PRIu64 ".\n", sms_id, endpoint_id);
  return 0;
}
