/*
 * The layout of emnify_config, which no later version may change: where each field stands, on
 * systems with pointers of 64 and of 32 bits. Compiled, for both; run, for one.
 */
#include <limits.h>
#include <stddef.h>

#include <emnify.h>

#define ASSERT(name, condition) typedef char assert_##name[(condition) ? 1 : -1]

/* Pointers first, then integers of 32 bits, then pointers: on 64 bits nothing is padded, since the
 * integers are six. */
#define POINTER (sizeof(void *))
#define AT(field, pointers, integers) \
  ASSERT(field, offsetof(emnify_config, field) == (pointers) * POINTER + (integers) * 4)

ASSERT(size_t_is_a_word, sizeof(size_t) == sizeof(void *));
ASSERT(status_is_32_bits, sizeof(emnify_status) == 4);
ASSERT(log_is_a_pointer, sizeof(emnify_log_fn) == sizeof(void *));

AT(struct_size, 0, 0);
AT(application_token, 1, 0);
AT(username, 2, 0);
AT(password, 3, 0);
AT(password_sha1, 4, 0);
AT(refresh_token, 5, 0);
AT(device_fingerprint, 6, 0);
AT(base_url, 7, 0);
AT(token_file, 8, 0);
AT(ca_file, 9, 0);
AT(proxy, 10, 0);
AT(bind_interface, 11, 0);
AT(user_agent, 12, 0);
AT(connect_timeout_ms, 13, 0);
AT(timeout_ms, 13, 1);
AT(max_response_bytes, 13, 2);
AT(ip_family, 13, 3);
AT(allow_plain_http, 13, 4);
AT(log_level, 13, 5);
AT(log, 13, 6);
AT(log_context, 14, 6);
ASSERT(whole, sizeof(emnify_config) == 15 * POINTER + 24);
#if defined(__LP64__)
ASSERT(whole_on_64_bits, sizeof(emnify_config) == 144);
#else
ASSERT(whole_on_32_bits, sizeof(emnify_config) == 84);
#endif

/* The numbers are in programs, too. */
ASSERT(statuses, EMNIFY_OK == 0 && EMNIFY_ERROR_INVALID_ARGUMENT == 1 &&
                     EMNIFY_ERROR_UNAUTHORIZED == 2 && EMNIFY_ERROR_ACCOUNT_LOCKED == 3 &&
                     EMNIFY_ERROR_MFA_REQUIRED == 4 && EMNIFY_ERROR_FORBIDDEN == 5 &&
                     EMNIFY_ERROR_RATE_LIMITED == 6 && EMNIFY_ERROR_REJECTED == 7 &&
                     EMNIFY_ERROR_SERVER == 8 && EMNIFY_ERROR_BAD_RESPONSE == 9 &&
                     EMNIFY_ERROR_NETWORK == 10 && EMNIFY_ERROR_TLS == 11 &&
                     EMNIFY_ERROR_CLOCK == 12 && EMNIFY_ERROR_TIMEOUT == 13 &&
                     EMNIFY_ERROR_CANCELLED == 14 && EMNIFY_ERROR_STORAGE == 15 &&
                     EMNIFY_ERROR_BUFFER_TOO_SMALL == 16 && EMNIFY_ERROR_INTERNAL == 17);
ASSERT(levels, EMNIFY_LOG_ERROR == 1 && EMNIFY_LOG_WARNING == 2 && EMNIFY_LOG_INFO == 3 &&
                   EMNIFY_LOG_DEBUG == 4);

int main(void) { return 0; }
