/*
 * Whatever a program can do wrong that C lets it do: each mistake has a clear answer, out
 * parameters are what the header says, nothing is lost, and no message shows a secret.
 *
 *     misuse BASE_URL DIRECTORY
 *
 * DIRECTORY is one that may be written to.
 */
#include <stdint.h>
#include <sys/mman.h>

#include "check.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
/* What out parameters hold before a call that has to overwrite it. */
#define POISON ((void *)(uintptr_t)0x5A5A5A)
#define NOT_UTF8 "ab\xff" CANARY

static const char *base_url;

/* A config that is refused, and the word that the message has to hold. */
static void refused(const emnify_config *config, const char *name) {
  emnify_client *client = POISON;
  emnify_error *error = POISON;
  emnify_status status = emnify_client_new(config, &client, &error);
  const char *message = emnify_error_message(error);

  EXPECT(status == EMNIFY_ERROR_INVALID_ARGUMENT, "a wrong %s to be refused, got %s (%s)", name,
         emnify_status_name(status), message);
  EXPECT(client == NULL, "no client");
  EXPECT(error != NULL && error != POISON, "an error");
  EXPECT(strstr(message, name) != NULL, "a message about %s, got: %s", name, message);
  EXPECT(strstr(message, CANARY) == NULL, "no secret, got: %s", message);
  EXPECT(strchr(message, '\n') == NULL, "one line, got: %s", message);
  EXPECT(emnify_error_status(error) == status, "the status in the error");
  EXPECT(emnify_error_http_status(error) == 0 && emnify_error_service_code(error) == 0 &&
             emnify_error_is_retryable(error) == 0 && emnify_error_retry_after_s(error) == 0 &&
             emnify_error_request_id(error)[0] == '\0',
         "nothing of an answer in an error that no answer caused");
  emnify_free(error);

  client = POISON;
  EXPECT(emnify_client_new(config, &client, NULL) == status && client == NULL,
         "the same without an error");
  error = POISON;
  EXPECT(emnify_client_new(config, NULL, &error) == status && error != NULL,
         "the same without a client");
  emnify_free(error);
}

static emnify_config good(void) {
  emnify_config config = EMNIFY_CONFIG_INIT;
  config.application_token = CANARY "-application-token";
  config.base_url = base_url;
  return config;
}

/* And that what good() makes is good, so that each refusal is for the one thing that is wrong. */
static void accepted(const emnify_config *config, const char *what) {
  emnify_client *client = POISON;
  emnify_error *error = POISON;
  emnify_status status = emnify_client_new(config, &client, &error);
  EXPECT(status == EMNIFY_OK, "%s to be accepted, got: %s", what, emnify_error_message(error));
  EXPECT(client != NULL && error == NULL, "a client and no error");
  emnify_free(client);
}

static void credentials(void) {
  static const struct {
    const char *token, *username, *password, *sha1, *refresh, *name;
  } wrong[] = {
      {NULL, NULL, NULL, NULL, NULL, "credentials"},
      {CANARY, "user", CANARY, NULL, NULL, "application_token"},
      {CANARY, "user", NULL, NULL, NULL, "username"},
      {CANARY, NULL, CANARY, NULL, NULL, "application_token"},
      {CANARY, NULL, NULL, CANARY, NULL, "application_token"},
      {CANARY, NULL, NULL, NULL, CANARY, "refresh_token"},
      {NULL, "user", CANARY, NULL, CANARY, "refresh_token"},
      {CANARY, "user", CANARY, CANARY, CANARY, "application_token"},
      {NULL, "user", NULL, NULL, NULL, "password"},
      {NULL, NULL, CANARY, NULL, NULL, "username"},
      {NULL, NULL, NULL, "e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4", NULL, "username"},
      {NULL, "user", CANARY, "e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4", NULL, "password_sha1"},
      {NULL, "user", NULL, "e5e9fa1b" CANARY, NULL, "password_sha1"},
      {NULL, "user", NULL, "", NULL, "password_sha1"},
      {NULL, "user", "", NULL, NULL, "password"},
      {NULL, "", CANARY, NULL, NULL, "username"},
      {"", NULL, NULL, NULL, NULL, "application_token"},
      {NULL, NULL, NULL, NULL, "", "refresh_token"},
      {CANARY "\n", NULL, NULL, NULL, NULL, "application_token"},
      {" " CANARY, NULL, NULL, NULL, NULL, "application_token"},
  };
  size_t i;
  for (i = 0; i < COUNT(wrong); i++) {
    emnify_config config = good();
    config.application_token = wrong[i].token;
    config.username = wrong[i].username;
    config.password = wrong[i].password;
    config.password_sha1 = wrong[i].sha1;
    config.refresh_token = wrong[i].refresh;
    refused(&config, wrong[i].name);
  }
}

static void texts_of_the_config(void) {
  static const struct {
    size_t offset;
    const char *name;
  } fields[] = {
#define FIELD(name) {offsetof(emnify_config, name), #name}
      FIELD(application_token), FIELD(username),       FIELD(password),   FIELD(password_sha1),
      FIELD(refresh_token),     FIELD(device_fingerprint), FIELD(base_url), FIELD(token_file),
      FIELD(ca_file),           FIELD(proxy),          FIELD(bind_interface), FIELD(user_agent),
#undef FIELD
  };
  static const char *texts[] = {NOT_UTF8, "\xff", "\xc0\x80", "ab\xc3", "\xed\xa0\x80",
                                "\xf4\x90\x80\x80", ""};
  size_t field, text;
  for (field = 0; field < COUNT(fields); field++) {
    for (text = 0; text < COUNT(texts); text++) {
      emnify_config config = good();
      *(const char **)((char *)&config + fields[field].offset) = texts[text];
      refused(&config, fields[field].name);
    }
  }
}

/* Each with a value that a person may well have put there. */
static void values_of_the_config(const char *directory) {
  static const char *urls[] = {"",
                               " ",
                               "cdn.emnify.net",
                               "http:/",
                               "http://",
                               "https://",
                               "https:///api",
                               "://x",
                               "ftp://cdn.emnify.net",
                               "file:///etc/passwd",
                               "http://192.0.2.1",
                               "http://cdn.emnify.net",
                               "http://localhost.example.com",
                               "http://127.0.0.1.example.com",
                               "https://user:" CANARY "@cdn.emnify.net",
                               "https://cdn.emnify.net?key=" CANARY,
                               "https://cdn.emnify.net#" CANARY,
                               "https://cdn.emnify.net:0x50",
                               "https://cdn.emnify.net:99999",
                               "https://cdn.emnify.net\r\nX: y",
                               "https://cdn emnify net",
                               "https://[::1"};
  static const char *proxies[] = {"",
                                  "nonsense of no scheme",
                                  "http://",
                                  "socks5://127.0.0.1:1080",
                                  "https://user:" CANARY "@127.0.0.1:1",
                                  "http://user:" CANARY "@",
                                  "http://user:" CANARY "@host:port",
                                  "http://user:" CANARY "@127.0.0.1:99999"};
  static const char *agents[] = {"a\r\nX-Injected: y", "a\x01", "a\nb"};
  static const int32_t families[] = {-1, 1, 2, 3, 5, 10, 7, INT32_MAX, INT32_MIN};
  static const int32_t levels[] = {-1, 5, INT32_MAX, INT32_MIN};
  char path[4096];
  emnify_config config;
  FILE *file;
  size_t i;

  for (i = 0; i < COUNT(urls); i++) {
    config = good();
    config.base_url = urls[i];
    refused(&config, "base_url");
  }
  config = good();
  config.base_url = "http://192.0.2.1";
  config.allow_plain_http = -7;
  accepted(&config, "any value but zero as a yes");

  for (i = 0; i < COUNT(proxies); i++) {
    config = good();
    config.proxy = proxies[i];
    refused(&config, "proxy");
  }
  for (i = 0; i < COUNT(agents); i++) {
    config = good();
    config.user_agent = agents[i];
    refused(&config, "user_agent");
  }
  for (i = 0; i < COUNT(families); i++) {
    config = good();
    config.ip_family = families[i];
    refused(&config, "ip_family");
  }
  for (i = 0; i < COUNT(levels); i++) {
    config = good();
    config.log_level = levels[i]; /* also where nobody listens */
    refused(&config, "log_level");
  }

  /* CA files: with a base URL that would use one, and one that would not. */
  for (i = 0; i < 2; i++) {
    static const struct {
      const char *name, *text;
    } files[] = {{"empty.pem", ""},
                 {"garbage.pem", "garbage of no use\n"},
                 {"half.pem", "-----BEGIN CERTIFICATE-----\nMIIB"},
                 {"hollow.pem", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"},
                 {"wrong.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"},
                 {"key.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"}};
    size_t k;
    config = good();
    if (i == 0) {
      config.base_url = "https://127.0.0.1:1";
    }
    config.ca_file = "";
    refused(&config, "ca_file");
    config.ca_file = "/nonexistent/ca.pem";
    refused(&config, "ca_file");
    config.ca_file = directory;
    refused(&config, "ca_file");
    config.ca_file = "/dev/null";
    refused(&config, "ca_file");
    for (k = 0; k < COUNT(files); k++) {
      snprintf(path, sizeof path, "%s/%s", directory, files[k].name);
      file = fopen(path, "w");
      EXPECT(file != NULL && fputs(files[k].text, file) >= 0 && fclose(file) == 0, "a file");
      config.ca_file = path;
      refused(&config, "ca_file");
    }
  }

  config = good();
  config.token_file = "token";
  refused(&config, "token_file");
  config.token_file = "";
  refused(&config, "token_file");
  config = good();
  config.bind_interface = "";
  refused(&config, "bind_interface");
  config = good();
  config.bind_interface = "a-name-that-is-longer-than-any-interface";
  refused(&config, "bind_interface");
  config = good();
  config.device_fingerprint = CANARY; /* belongs to a user */
  refused(&config, "device_fingerprint");
}

static void sizes_of_the_config(void) {
  struct {
    emnify_config config;
    unsigned char beyond[64];
  } larger;
  emnify_config config = good();
  size_t size, last = offsetof(emnify_config, application_token) + sizeof(char *);

  /* What sizeof gives where it was asked of the wrong thing, and what was never set. */
  static const size_t small[] = {0, 1, sizeof(char *) - 1, sizeof(char *), sizeof(char *) + 1};
  static const size_t garbage[] = {SIZE_MAX, SIZE_MAX / 2, SIZE_MAX / 2 + 1, (size_t)0xAAAAAAAA,
                                   1u << 20};
  for (size = 0; size < COUNT(small); size++) {
    config.struct_size = small[size];
    refused(&config, "struct_size");
  }
  for (size = 0; size < COUNT(garbage); size++) {
    config.struct_size = garbage[size];
    refused(&config, "struct_size");
  }

  /* A field that is cut is one that is not there. The base URL lies in what is cut off here, and
   * nothing is sent, so that any size is good that holds the credentials. */
  for (size = last; size < sizeof config; size++) {
    config = good();
    memset((char *)&config + size, 0xFF, sizeof config - size);
    config.struct_size = size;
    accepted(&config, "a smaller struct, whatever lies behind it,");
  }

  memset(&larger, 0, sizeof larger);
  larger.config = good();
  larger.config.struct_size = sizeof larger;
  accepted(&larger.config, "a larger struct of which only zeros are unknown");
  for (size = 0; size < sizeof larger.beyond; size++) {
    memset(larger.beyond, 0, sizeof larger.beyond);
    larger.beyond[size] = 1;
    refused(&larger.config, "struct_size");
  }

  /* All zeros but the size and what is needed is as good as EMNIFY_CONFIG_INIT. */
  memset(&config, 0, sizeof config);
  config.struct_size = sizeof config;
  config.application_token = CANARY;
  accepted(&config, "all zeros");

  /* A struct at the very end of what may be read. */
  {
    long page = sysconf(_SC_PAGESIZE);
    char *pages = mmap(NULL, 2 * (size_t)page, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT(pages != MAP_FAILED && mprotect(pages + page, (size_t)page, PROT_NONE) == 0, "pages");
    config = good();
    for (size = last; size <= sizeof config; size += sizeof(char *)) {
      config.struct_size = size;
      memcpy(pages + page - size, &config, size);
      accepted((emnify_config *)(void *)(pages + page - size), "a struct that ends with its page");
    }
    munmap(pages, 2 * (size_t)page);
  }
}

static int32_t keep_nothing(const char *application_token, void *context) {
  (void)context;
  EXPECT(application_token == NULL, "not to be called for a call that is refused");
  return 0;
}

/* Every function with this in the place of each kind of object. */
static void nothing_works_with(void *object, const char *what) {
  char buffer[8];
  char *token = POISON;
  emnify_client *client = object;
  emnify_response *response = POISON;
  emnify_error *error = POISON;
  size_t length = 99;
  uint32_t seconds = 99;

#define REFUSED(call) \
  EXPECT((call) == EMNIFY_ERROR_INVALID_ARGUMENT, "%s to be refused as a client", what)
#define REFUSED_WITH(call) \
  do { \
    error = POISON; \
    REFUSED(call); \
    EXPECT(error != NULL && error != POISON, "an error for %s", what); \
    EXPECT(emnify_error_status(error) == EMNIFY_ERROR_INVALID_ARGUMENT, "its status"); \
    EXPECT(strstr(emnify_error_message(error), "client") != NULL, \
           "a message that names the client, got: %s", emnify_error_message(error)); \
    emnify_free(error); \
  } while (0)

  REFUSED_WITH(emnify_auth_token(client, &token, &error));
  EXPECT(token == NULL, "no token");
  memset(buffer, '#', sizeof buffer);
  REFUSED_WITH(emnify_auth_token_copy(client, buffer, 8, &length, &seconds, &error));
  EXPECT(buffer[0] == '\0' && buffer[1] == '#' && length == 0 && seconds == 0, "out parameters");
  REFUSED_WITH(emnify_request(client, "GET", "/api/v1/sim", NULL, &response, &error));
  EXPECT(response == NULL, "no response");
  seconds = 0;
  REFUSED_WITH(emnify_renew_if_due(client, &seconds, &error));
  EXPECT(seconds >= 1, "a loop that sleeps so long not to spin");
  REFUSED_WITH(emnify_set_application_token(client, CANARY, &error));
  {
    uint64_t id = 99;
    int32_t revoked = 99;
    emnify_client *other = POISON;
    char *text = POISON;
    REFUSED_WITH(emnify_send_sms(client, 1, "text", &id, &error));
    EXPECT(id == 0, "no id");
    REFUSED_WITH(emnify_submit_mfa_code(client, "012345", "name", &text, &error));
    EXPECT(text == NULL, "no fingerprint");
    REFUSED_WITH(emnify_workspace(client, 7002, &other, &error));
    EXPECT(other == NULL, "no client");
    id = 99;
    text = POISON;
    REFUSED_WITH(emnify_application_token_create(client, NULL, NULL, NULL, &text, &id, &error));
    EXPECT(text == NULL && id == 0, "no application token");
    {
      emnify_application_tokens *list = POISON;
      REFUSED_WITH(emnify_application_token_list(client, &list, &error));
      EXPECT(list == NULL, "no list");
    }
    REFUSED_WITH(emnify_application_token_describe(client, 1, "description", &error));
    REFUSED_WITH(emnify_application_token_revoke(client, 1, &error));
    id = 99;
    REFUSED_WITH(emnify_application_token_rotate(client, 1, NULL, NULL, NULL, keep_nothing, NULL,
                                                 &id, &revoked, &error));
    EXPECT(id == 0 && revoked == 0, "no new application token");
  }
  REFUSED(emnify_invalidate(client, "token"));
  REFUSED(emnify_reset(client));
  REFUSED(emnify_cancel(client));
  REFUSED(emnify_resume(client));

  EXPECT(emnify_error_status(object) == EMNIFY_OK, "no status in %s", what);
  EXPECT(emnify_error_message(object)[0] == '\0', "no message in %s", what);
  EXPECT(emnify_error_request_id(object)[0] == '\0', "no request id in %s", what);
  EXPECT(emnify_error_http_status(object) == 0, "no HTTP status in %s", what);
  EXPECT(emnify_error_service_code(object) == 0, "no code in %s", what);
  EXPECT(emnify_error_is_retryable(object) == 0, "%s not to be retryable", what);
  EXPECT(emnify_error_retry_after_s(object) == 0, "no time in %s", what);

  length = 99;
  EXPECT(emnify_response_http_status(object) == 0, "no HTTP status in %s", what);
  EXPECT(emnify_response_body(object, &length)[0] == '\0' && length == 0, "no body in %s", what);
  EXPECT(emnify_response_body(object, NULL)[0] == '\0', "no body in %s", what);
  EXPECT(emnify_response_header(object, "Date") == NULL, "no header in %s", what);
  EXPECT(emnify_response_total_pages(object) == 0, "no pages in %s", what);

  EXPECT(emnify_application_tokens_count(object) == 0, "no list in %s", what);
  EXPECT(emnify_application_tokens_find_by_id(object, 1) == 0, "no list in %s", what);
  EXPECT(emnify_application_tokens_find_by_description(object, "d") == 0, "no list in %s", what);
  EXPECT(emnify_application_tokens_find_by_description(object, NULL) == 0, "no list in %s", what);
  EXPECT(emnify_application_tokens_id(object, 0) == 0, "no id in %s", what);
  EXPECT(emnify_application_tokens_description(object, 0)[0] == '\0', "no text in %s", what);
  EXPECT(emnify_application_tokens_created(object, 0)[0] == '\0', "no text in %s", what);
  EXPECT(emnify_application_tokens_expiry_date(object, 0)[0] == '\0', "no text in %s", what);
  EXPECT(emnify_application_tokens_ip_range(object, 0)[0] == '\0', "no text in %s", what);
  EXPECT(emnify_application_tokens_is_revoked(object, 0) == 0, "nothing revoked in %s", what);
  error = POISON;
  EXPECT(emnify_response_check(object, &error) == EMNIFY_ERROR_INVALID_ARGUMENT,
         "%s to be refused as a response", what);
  EXPECT(strstr(emnify_error_message(error), "response") != NULL, "a message that names it");
  emnify_free(error);
  EXPECT(emnify_response_check(object, NULL) == EMNIFY_ERROR_INVALID_ARGUMENT, "the same");
#undef REFUSED
#undef REFUSED_WITH
}

/* Objects of the wrong kind, those that are gone, and what never was one. */
static void objects(void) {
  static char of_the_program[64];
  char on_the_stack[64];
  emnify_client *client = client_at(base_url);
  emnify_client *gone_client = client_at(base_url);
  char *allocated = malloc(64);
  char *token = token_of(client), *gone_token = token_of(client);
  emnify_response *response, *gone_response;
  emnify_application_tokens *list, *gone_list;
  emnify_error *error, *gone_error, *none;
  emnify_status status;
  char *kept = strdup(token);
  size_t i;

  EXPECT(emnify_client_new(NULL, NULL, &error) != EMNIFY_OK, "an error to play with");
  EXPECT(emnify_client_new(NULL, NULL, &gone_error) != EMNIFY_OK, "an error to play with");
  status = emnify_request(client, "GET", "/api/v1/sim", NULL, &response, &none);
  EXPECT_STATUS(status, EMNIFY_OK, none);
  status = emnify_request(client, "GET", "/api/v1/sim", NULL, &gone_response, &none);
  EXPECT_STATUS(status, EMNIFY_OK, none);
  status = emnify_application_token_list(client, &list, &none);
  EXPECT_STATUS(status, EMNIFY_OK, none);
  status = emnify_application_token_list(client, &gone_list, &none);
  EXPECT_STATUS(status, EMNIFY_OK, none);

  {
    /* Only what is no client, error, response or list: each of those works somewhere. Freed ones
     * last, so that nothing new stands at their addresses. */
    const struct {
      void *object;
      const char *what;
    } strangers[] = {
        {NULL, "NULL"},
        {of_the_program, "a static array"},
        {on_the_stack, "an array on the stack"},
        {allocated, "memory of malloc"},
        {(char *)client + 8, "the middle of a client"},
        {(char *)error + 8, "the middle of an error"},
        {(char *)response + 1, "the middle of a response"},
        {(char *)list + 8, "the middle of a list"},
        {token + 1, "the middle of a token"},
        {(void *)(uintptr_t)emnify_version(), "the library's own text"},
        {(void *)(uintptr_t)emnify_error_message(error), "a text that an error lends"},
        {(void *)(uintptr_t)emnify_response_body(response, NULL), "a text that a response lends"},
        {(void *)(uintptr_t)emnify_application_tokens_created(list, 0), "a text that a list lends"},
        {(void *)(uintptr_t)&emnify_free, "a function"},
        {(void *)(uintptr_t)1, "1"},
        {(void *)UINTPTR_MAX, "-1"},
        {token, "a token"},
    };
    for (i = 0; i < COUNT(strangers); i++) {
      nothing_works_with(strangers[i].object, strangers[i].what);
      if (strangers[i].object != token) {
        emnify_free(strangers[i].object);
        emnify_free(strangers[i].object);
      }
    }
  }

  /* One kind in the place of another. */
  EXPECT(emnify_reset((emnify_client *)error) == EMNIFY_ERROR_INVALID_ARGUMENT, "no client");
  EXPECT(emnify_reset((emnify_client *)response) == EMNIFY_ERROR_INVALID_ARGUMENT, "no client");
  EXPECT(emnify_error_message((emnify_error *)client)[0] == '\0', "no message in a client");
  EXPECT(emnify_error_message((emnify_error *)response)[0] == '\0', "no message in a response");
  EXPECT(emnify_response_body((emnify_response *)client, NULL)[0] == '\0', "no body in a client");
  EXPECT(emnify_response_body((emnify_response *)error, NULL)[0] == '\0', "no body in an error");
  EXPECT(emnify_response_check((emnify_response *)error, NULL) == EMNIFY_ERROR_INVALID_ARGUMENT,
         "no response in an error");
  EXPECT(emnify_reset((emnify_client *)list) == EMNIFY_ERROR_INVALID_ARGUMENT, "no client");
  EXPECT(emnify_error_message((emnify_error *)list)[0] == '\0', "no message in a list");
  EXPECT(emnify_response_body((emnify_response *)list, NULL)[0] == '\0', "no body in a list");
  EXPECT(emnify_application_tokens_count((emnify_application_tokens *)client) == 0, "no list");
  EXPECT(emnify_application_tokens_count((emnify_application_tokens *)error) == 0, "no list");
  EXPECT(emnify_application_tokens_count((emnify_application_tokens *)response) == 0, "no list");

  /* After all that, everything is as it was. */
  EXPECT(strcmp(token, kept) == 0, "the token untouched");
  EXPECT(emnify_error_message(error)[0] != '\0', "the error untouched");
  EXPECT(emnify_response_http_status(response) == 200, "the response untouched");
  EXPECT(emnify_application_tokens_count(list) == 1, "the list untouched");
  {
    char *again = token_of(client);
    EXPECT(strcmp(again, kept) == 0, "the client untouched");
    emnify_free(again);
  }

  emnify_free(gone_client);
  emnify_free(gone_error);
  emnify_free(gone_response);
  emnify_free(gone_list);
  emnify_free(gone_token);
  EXPECT(emnify_reset(gone_client) == EMNIFY_ERROR_INVALID_ARGUMENT, "a freed client to be refused");
  EXPECT(emnify_auth_token(gone_client, &gone_token, NULL) == EMNIFY_ERROR_INVALID_ARGUMENT &&
             gone_token == NULL,
         "a freed client to be refused");
  EXPECT(emnify_error_message(gone_error)[0] == '\0', "nothing in a freed error");
  EXPECT(emnify_error_status(gone_error) == EMNIFY_OK, "nothing in a freed error");
  EXPECT(emnify_response_body(gone_response, NULL)[0] == '\0', "nothing in a freed response");
  EXPECT(emnify_response_header(gone_response, "Date") == NULL, "nothing in a freed response");
  EXPECT(emnify_application_tokens_count(gone_list) == 0, "nothing in a freed list");
  EXPECT(emnify_application_tokens_created(gone_list, 0)[0] == '\0', "nothing in a freed list");
  for (i = 0; i < 3; i++) {
    emnify_free(gone_client);
    emnify_free(gone_error);
    emnify_free(gone_response);
    emnify_free(gone_list);
  }

  /* An error outlives its client, and so does a token, a response and a list. */
  emnify_free(client);
  EXPECT(strcmp(token, kept) == 0 && emnify_response_http_status(response) == 200 &&
             emnify_application_tokens_id(list, 0) != 0,
         "what a client handed out to outlive it");
  emnify_free(token);
  emnify_free(response);
  emnify_free(list);
  emnify_free(error);
  free(kept);
  free(allocated);
}

/* The calls that build on emnify_request, with a wrong argument each; the Rust side sees to it that
 * none of this is sent. */
static void what_is_behind_the_token(emnify_client *client) {
#define WRONG(call, name) \
  do { \
    error = POISON; \
    status = call; \
    EXPECT(strstr(emnify_error_message(error), name) != NULL, "the name %s in: %s", name, \
           emnify_error_message(error)); \
    EXPECT_STATUS(status, EMNIFY_ERROR_INVALID_ARGUMENT, error); \
  } while (0)
  static const char *codes[] = {NULL, "", "12345", "1234567", "12345a", " 12345", NOT_UTF8};
  static const char *dates[] = {"", "tomorrow", "2031-13-01", "29.10.2031", NOT_UTF8};
  static const char *ranges[] = {"", "anywhere", "192.0.2.0/33", "192.0.2.0-192.0.2.9", NOT_UTF8};
  emnify_error *error;
  emnify_status status;
  uint64_t id = 99;
  int32_t revoked = 99;
  char *text = POISON;
  size_t i;

  WRONG(emnify_send_sms(client, 1, NULL, &id, &error), "text");
  EXPECT(id == 0, "no id");
  WRONG(emnify_send_sms(client, 1, "", NULL, &error), "text");
  WRONG(emnify_send_sms(client, 1, NOT_UTF8, NULL, &error), "text");

  for (i = 0; i < COUNT(codes); i++) {
    WRONG(emnify_submit_mfa_code(client, codes[i], NULL, NULL, &error), "code");
    text = POISON;
    WRONG(emnify_submit_mfa_code(client, codes[i], NULL, &text, &error), "code");
    EXPECT(text == NULL, "no fingerprint");
  }
  WRONG(emnify_submit_mfa_code(client, "012345", NOT_UTF8, &text, &error), "device_name");
  WRONG(emnify_submit_mfa_code(client, "012345", "device", NULL, &error), "out_device_fingerprint");
  WRONG(emnify_submit_mfa_code(client, "012345", NULL, NULL, &error), "code"); /* none is awaited */

  WRONG(emnify_workspace(client, 7002, NULL, &error), "out_client");

  WRONG(emnify_application_token_create(client, NULL, NULL, NULL, NULL, NULL, &error),
        "out_application_token");
  WRONG(emnify_application_token_create(client, NOT_UTF8, NULL, NULL, &text, NULL, &error),
        "description");
  for (i = 0; i < COUNT(dates); i++) {
    WRONG(emnify_application_token_create(client, NULL, dates[i], NULL, &text, NULL, &error),
          "expiry_date");
    WRONG(emnify_application_token_create(client, NULL, NULL, ranges[i], &text, NULL, &error),
          "ip_range");
    EXPECT(text == NULL, "no application token");
    WRONG(emnify_application_token_rotate(client, 1, NULL, dates[i], NULL, keep_nothing, NULL, &id,
                                          &revoked, &error),
          "expiry_date");
    WRONG(emnify_application_token_rotate(client, 1, NULL, NULL, ranges[i], keep_nothing, NULL, NULL,
                                          NULL, &error),
          "ip_range");
  }
  WRONG(emnify_application_token_list(client, NULL, &error), "out_list");
  WRONG(emnify_application_token_describe(client, 1, NULL, &error), "description");
  WRONG(emnify_application_token_describe(client, 1, NOT_UTF8, &error), "description");
  WRONG(emnify_application_token_rotate(client, 1, NULL, NULL, NULL, NULL, NULL, &id, &revoked,
                                        &error),
        "keep");
  EXPECT(id == 0 && revoked == 0, "no new application token");
#undef WRONG
}

/* Arguments of a client that is one. */
static void arguments(void) {
  static const struct {
    const char *method, *path, *body, *name;
  } wrong[] = {
      {NULL, "/api/v1/sim", NULL, "method"},
      {"", "/api/v1/sim", NULL, "method"},
      {"get", "/api/v1/sim", NULL, "method"},
      {"CONNECT", "/api/v1/sim", NULL, "method"},
      {"GET /", "/api/v1/sim", NULL, "method"},
      {NOT_UTF8, "/api/v1/sim", NULL, "method"},
      {"GET", NULL, NULL, "path"},
      {"GET", "", NULL, "path"},
      {"GET", "/", NULL, "path"},
      {"GET", "api/v1/sim", NULL, "path"},
      {"GET", "http://192.0.2.1/api/v1/sim", NULL, "path"},
      {"GET", "//192.0.2.1/api/v1/sim", NULL, "path"},
      {"GET", "@192.0.2.1/api/", NULL, "path"},
      {"GET", "/api/v1/a b", NULL, "path"},
      {"GET", "/api/v1/a\r\nX: y", NULL, "path"},
      {"GET", "/api/v1/a#b", NULL, "path"},
      {"GET", "/api/v1/\xc3\xa4", NULL, "path"},
      {"GET", "/api/../secret", NULL, "path"},
      {"GET", "/api/v1/%2", NULL, "path"},
      {"GET", "/api/v1/" NOT_UTF8, NULL, "path"},
      {"POST", "/api/v1/sim", "", "json_body"},
      {"POST", "/api/v1/sim", "{", "json_body"},
      {"POST", "/api/v1/sim", "{\"" CANARY "\":}", "json_body"},
      {"POST", "/api/v1/sim", "{} {}", "json_body"},
      {"POST", "/api/v1/sim", "\"" NOT_UTF8 "\"", "json_body"},
  };
  static const char *tokens[] = {"", " ", CANARY "\n", NOT_UTF8};
  emnify_client *client = client_at(base_url);
  emnify_response *response;
  emnify_error *error;
  emnify_status status;
  char *token = token_of(client), *again;
  char buffer[16];
  size_t length = 99, i;
  uint32_t seconds = 99;

  for (i = 0; i < COUNT(wrong); i++) {
    response = POISON;
    error = POISON;
    status = emnify_request(client, wrong[i].method, wrong[i].path, wrong[i].body, &response, &error);
    EXPECT(status == EMNIFY_ERROR_INVALID_ARGUMENT && response == NULL,
           "%s %s to be refused, got %s", wrong[i].method, wrong[i].path,
           emnify_status_name(status));
    EXPECT(strstr(emnify_error_message(error), wrong[i].name) != NULL, "the name %s in: %s",
           wrong[i].name, emnify_error_message(error));
    EXPECT_STATUS(status, EMNIFY_ERROR_INVALID_ARGUMENT, error);
  }
  error = POISON;
  status = emnify_request(client, "GET", "/api/v1/sim", NULL, NULL, &error);
  EXPECT(strstr(emnify_error_message(error), "out_response") != NULL, "a message that names it");
  EXPECT_STATUS(status, EMNIFY_ERROR_INVALID_ARGUMENT, error);
  EXPECT(emnify_request(client, "GET", "/api/v1/sim", NULL, NULL, NULL) == status, "the same");

  error = POISON;
  status = emnify_auth_token(client, NULL, &error);
  EXPECT(strstr(emnify_error_message(error), "out_token") != NULL, "a message that names it");
  EXPECT_STATUS(status, EMNIFY_ERROR_INVALID_ARGUMENT, error);
  EXPECT(emnify_auth_token(client, NULL, NULL) == status, "the same");

  error = POISON;
  status = emnify_auth_token_copy(client, NULL, 16, &length, &seconds, &error);
  EXPECT(strstr(emnify_error_message(error), "buffer") != NULL, "a message that names it");
  EXPECT(length == 0 && seconds == 0, "out parameters of 0");
  EXPECT_STATUS(status, EMNIFY_ERROR_INVALID_ARGUMENT, error);
  status = emnify_auth_token_copy(client, buffer, sizeof buffer, NULL, NULL, NULL);
  EXPECT(status == EMNIFY_ERROR_BUFFER_TOO_SMALL && buffer[0] == '\0', "too small a buffer");

  error = POISON;
  status = emnify_set_application_token(client, NULL, &error);
  EXPECT(strstr(emnify_error_message(error), "application_token") != NULL, "a message about it");
  EXPECT_STATUS(status, EMNIFY_ERROR_INVALID_ARGUMENT, error);
  for (i = 0; i < COUNT(tokens); i++) {
    error = POISON;
    status = emnify_set_application_token(client, tokens[i], &error);
    EXPECT(strstr(emnify_error_message(error), "application_token") != NULL, "a message about it");
    EXPECT_STATUS(status, EMNIFY_ERROR_INVALID_ARGUMENT, error);
  }
  EXPECT(emnify_invalidate(client, NULL) == EMNIFY_ERROR_INVALID_ARGUMENT, "NULL to be refused");
  EXPECT(emnify_invalidate(client, NOT_UTF8) == EMNIFY_ERROR_INVALID_ARGUMENT, "not UTF-8");
  EXPECT(emnify_invalidate(client, "") == EMNIFY_OK, "\"\" is some other token");
  EXPECT(emnify_renew_if_due(client, NULL, NULL) == EMNIFY_OK, "all out parameters may be NULL");

  EXPECT(emnify_json_quote(NULL) == NULL && emnify_url_escape(NULL) == NULL, "NULL for NULL");
  EXPECT(emnify_json_quote(NOT_UTF8) == NULL && emnify_url_escape(NOT_UTF8) == NULL,
         "NULL for what is not UTF-8");
  for (i = 0; i < 40; i++) {
    const char *name = emnify_status_name((emnify_status)i - 10);
    EXPECT(strncmp(name, "EMNIFY_", 7) == 0, "a name for any number, got %s", name);
  }
  EXPECT(strcmp(emnify_status_name(INT32_MIN), "EMNIFY_ERROR_UNKNOWN") == 0, "a name for it");

  what_is_behind_the_token(client);

  /* None of that cost the client its token. */
  again = token_of(client);
  EXPECT(strcmp(token, again) == 0, "the token to be as before");
  emnify_free(again);

  /* A header that cannot be one. */
  status = emnify_request(client, "GET", "/api/v1/sim", NULL, &response, &error);
  EXPECT_STATUS(status, EMNIFY_OK, error);
  EXPECT(emnify_response_header(response, NULL) == NULL, "NULL for NULL");
  EXPECT(emnify_response_header(response, NOT_UTF8) == NULL, "no such header");
  EXPECT(emnify_response_header(response, "\r\n") == NULL, "no such header");
  emnify_free(response);

  emnify_free(token);
  emnify_free(client);
}

int main(int argc, char **argv) {
  emnify_config config;

  EXPECT(argc == 3, "two arguments");
  base_url = argv[1];
  config = good();
  accepted(&config, "a good config");
  /* The environment holds nothing; the Rust side has seen to it. */
  refused(NULL, "EMNIFY_APPLICATION_TOKEN");
  credentials();
  texts_of_the_config();
  values_of_the_config(argv[2]);
  sizes_of_the_config();
  objects();
  arguments();
  return 0;
}
