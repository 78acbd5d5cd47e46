// Every member of emnify.hpp that works without exceptions, success and failure. Compiled with and
// without -fno-exceptions -fno-rtti.
//
//     results BASE_URL
//
// The Rust side writes the one-time codes of the simulated user to the file "code".
#include <string>
#include <utility>
#include <vector>

#include "check.hpp"

namespace {

using emnify::result;
using emnify::status;

// Takes the result out of the expression that made it, as programs do.
template <typename T> void fails(int line, status wanted, const char *word, result<T> outcome) {
  const std::string message = outcome.message();
  expect(!outcome && !outcome.has_value(), line, "a failure");
  expect(outcome.status() == wanted, line, emnify::status_name(outcome.status()));
  expect(message.find(word) != std::string::npos, line, message.c_str());
  expect(message.find("CaNaRy") == std::string::npos, line, "no secret in a message");
  expect(outcome.error().status() == wanted && message == outcome.error().message(), line,
         "the error says the same");
  const emnify::error kept = std::move(outcome).error();
  expect(kept && kept.status() == wanted && message == kept.message(), line, "errors can be kept");
}
#define FAILS(wanted, word, call) fails(__LINE__, status::wanted, word, call)

emnify::config settings(const std::string &base_url) {
  emnify::config config;
  config.base_url = base_url;
  config.application_token = application_token;
  return config;
}

emnify::client made(const emnify::config &config) {
  result<emnify::client> client = emnify::client::try_create(config);
  expect(client.has_value(), __LINE__, client.message());
  return *std::move(client);
}

void results() {
  const result<int> seven(7);
  EXPECT(seven && seven.has_value() && *seven == 7 && seven.status() == status::ok);
  EXPECT(std::string(seven.message()) == "EMNIFY_OK" && !seven.error());
  EXPECT(result<int>(7).value_or(8) == 7 && *result<int>(7) == 7);
  const result<void> done;
  EXPECT(done && done.has_value() && done.status() == status::ok && !done.error());

  // A status without an error is a failure all the same.
  result<std::string> failed((result<void>(EMNIFY_ERROR_INTERNAL)));
  EXPECT(!failed && failed.status() == status::internal && failed->empty() && (*failed).empty());
  EXPECT(std::string(failed.message()) == "EMNIFY_ERROR_INTERNAL" && !failed.error());
  EXPECT(std::move(failed).value_or("x") == "x");

  emnify_error *raw = nullptr;
  EXPECT(emnify_response_check(nullptr, &raw) == EMNIFY_ERROR_INVALID_ARGUMENT);
  emnify::error error(raw);
  EXPECT(error && error.get() == raw);
  raw = error.release();
  EXPECT(!error && emnify_error_status(raw) == EMNIFY_ERROR_INVALID_ARGUMENT);
  emnify_free(raw);

  std::string text = "short";
  emnify::wipe(text);
  EXPECT(text.empty() && text.data()[1] == '\0');
  text = std::string(1000, 'x');
  emnify::wipe(text);
  EXPECT(text.empty());
}

void nothing() {
  const emnify::client none;
  FAILS(invalid_argument, "client", none.try_auth_token());
  FAILS(invalid_argument, "client", none.try_auth_token_secret());
  FAILS(invalid_argument, "client", none.try_workspace(1));
  FAILS(invalid_argument, "client", none.try_request("GET", "/api/v1/sim"));
  FAILS(invalid_argument, "client", none.try_submit_mfa_code("123456"));
  FAILS(invalid_argument, "client", none.try_application_tokens());
  FAILS(invalid_argument, "client", none.try_find_application_token(1));
  FAILS(invalid_argument, "client", none.try_find_application_token("x"));
  FAILS(invalid_argument, "client", none.try_describe_application_token(1, "x"));
  EXPECT(none.try_application_tokens()->empty() && none.try_find_application_token(1)->id == 0);
  const result<std::chrono::seconds> renewal = none.try_renew_if_due();
  EXPECT(!renewal && *renewal == std::chrono::seconds(1)); // a loop does not spin
  EXPECT(none.reset() == status::invalid_argument && none.resume() == status::invalid_argument);
  EXPECT(none.cancel() == status::invalid_argument);
  EXPECT(none.invalidate(std::string("x")) == status::invalid_argument);
  EXPECT(none.invalidate(emnify::secret()) == status::invalid_argument);
}

void tokens(const emnify::client &client) {
  result<std::string> token = client.try_auth_token();
  EXPECT(token && token->size() > 100 && token.status() == status::ok);
  const result<emnify::secret> secret = client.try_auth_token_secret();
  EXPECT(secret && secret->str() == *token);

  char buffer[4096];
  result<emnify::copied_token> copied = client.try_auth_token_copy(buffer, sizeof buffer);
  EXPECT(copied && copied->length == token->size() && *token == buffer);
  copied = client.try_auth_token_copy(buffer, 8);
  EXPECT(copied.status() == status::buffer_too_small && copied->length == token->size());
  copied = client.try_auth_token_copy(nullptr, 0);
  EXPECT(copied.status() == status::buffer_too_small && copied->length == token->size());

  const result<std::chrono::seconds> next = client.try_renew_if_due();
  EXPECT(next && *next >= std::chrono::seconds(1));
  EXPECT(client.invalidate(*secret) == status::ok);
  token = client.try_auth_token();
  EXPECT(token && *token != secret->str());

  EXPECT(client.cancel() == status::ok);
  FAILS(cancelled, "", client.try_request("GET", "/api/v1/sim"));
  EXPECT(client.resume() == status::ok && client.reset() == status::ok);
  FAILS(invalid_argument, "application_token", client.try_set_application_token("CaNaRy\n"));
  EXPECT(client.try_set_application_token(application_token));
}

void requests(const emnify::client &client) {
  const result<emnify::response> page = client.try_request("GET", "/api/v1/sim?per_page=5");
  EXPECT(page && page->try_check() && page->total_pages() == 5 && page->body()[0] == '[');
  EXPECT(page->header("content-type").has_value());
  const result<emnify::response> missing = client.try_request("GET", "/api/v1/none");
  EXPECT(missing);
  FAILS(rejected, "404", missing->try_check());
  FAILS(invalid_argument, "path", client.try_request("GET", "/x"));

  const result<std::string> quoted = emnify::try_json_quote("a\"b");
  EXPECT(quoted && *quoted == "\"a\\\"b\"");
  EXPECT(*emnify::try_url_escape("a b/c") == "a%20b%2Fc");
  EXPECT(emnify::try_json_quote("\xff").status() == status::invalid_argument);
  EXPECT(emnify::try_url_escape("\xff").status() == status::invalid_argument);

  const result<std::uint64_t> sms = client.try_send_sms(9007199254740993, "hello");
  EXPECT(sms && *sms > UINT32_MAX);
  FAILS(rejected, "404", client.try_send_sms(1, "hello"));
}

void application_tokens(const emnify::client &client, const std::string &base_url) {
  emnify::new_application_token wanted;
  wanted.description = "first";
  const result<emnify::created_application_token> first =
      client.try_create_application_token(wanted);
  EXPECT(first && first->id != 0);
  wanted.ip_range = "CaNaRy";
  FAILS(invalid_argument, "ip_range", client.try_create_application_token(wanted));

  emnify::config config = settings(base_url);
  config.application_token = first->application_token.str();
  const emnify::client device = made(config);
  wanted.ip_range.clear();
  wanted.description = "second";
  std::string kept;
  result<emnify::rotated_application_token> rotated = device.try_rotate_application_token(
      first->id, wanted, [](const char *) { return emnify::stored::no; });
  EXPECT(rotated.status() == status::storage && rotated->id == 0 && !rotated->old_revoked);
#if EMNIFY_CPP_EXCEPTIONS
  rotated = device.try_rotate_application_token(
      first->id, wanted, [](const char *) -> emnify::stored { throw 7; });
  EXPECT(rotated.status() == status::storage);
#endif
  FAILS(invalid_argument, "keep",
        device.try_rotate_application_token(first->id, wanted, emnify::keep_function()));
  rotated = device.try_rotate_application_token(first->id, wanted, [&](const char *text) {
    kept = text;
    return emnify::stored::yes;
  });
  EXPECT(rotated && rotated->id != 0 && rotated->old_revoked && !kept.empty());

  const result<std::vector<emnify::application_token>> all = client.try_application_tokens();
  EXPECT(all && all->size() > 2);
  result<emnify::application_token> found = client.try_find_application_token(first->id);
  EXPECT(found && found->id == first->id && found->revoked && found->description == "first");
  found = client.try_find_application_token("second"); // the two that were undone are revoked
  EXPECT(found && found->id == rotated->id && !found->revoked);
  EXPECT(!found->created.empty() && found->expiry_date.empty() && found->ip_range.empty());
  EXPECT(client.try_describe_application_token(rotated->id, "third"));
  found = client.try_find_application_token("second");
  EXPECT(found && found->id == 0);
  found = client.try_find_application_token(""); // the simulator's own has no description
  EXPECT(found && found->id == 0);
  found = client.try_find_application_token(rotated->id);
  EXPECT(found && found->description == "third");
  found = client.try_find_application_token(1);
  EXPECT(found && found->id == 0 && found->description.empty());
  FAILS(rejected, "404", client.try_describe_application_token(1, "x"));
  FAILS(invalid_argument, "description",
        client.try_describe_application_token(1, std::string("CaNaRy\0x", 8)));

  EXPECT(client.try_revoke_application_token(rotated->id));
  FAILS(rejected, "404", client.try_revoke_application_token(1));
  emnify::wipe(kept);
}

void user_sessions(const std::string &base_url) {
  emnify::config config = settings(base_url);
  config.application_token.clear();
  config.username = "simulated.mfa.user@example.invalid";
  config.password = "SIMULATED MFA password of no value";
  emnify::client client = made(config);
  FAILS(mfa_required, "code", client.try_auth_token());
  EXPECT(client.try_submit_mfa_code(next_code()));
  EXPECT(client.try_auth_token());
  client = made(config);
  FAILS(mfa_required, "code", client.try_auth_token());
  const result<emnify::secret> fingerprint = client.try_submit_mfa_code(next_code(), "gateway");
  EXPECT(fingerprint && fingerprint->size() == 32);
  config.device_fingerprint = fingerprint->str();
  EXPECT(made(config).try_auth_token());

  config.device_fingerprint.clear();
  config.username = "simulated.user@example.invalid";
  config.password = "SIMULATED password of no value";
  const result<emnify::client> there = made(config).try_workspace(7002);
  EXPECT(there && there->try_auth_token());
}

void logs(const std::string &base_url) {
  std::vector<std::string> lines;
  emnify::config config = settings(base_url);
  config.log_level = emnify::log_level::debug;
  config.log = [&lines](emnify::log_level, const char *message) { lines.push_back(message); };
  EXPECT(made(config).try_auth_token());
  EXPECT(!lines.empty());
}

} // namespace

int main(int argc, char **argv) {
  EXPECT(argc == 2);
  const std::string base_url = argv[1];
  results();
  nothing();
  const result<emnify::client> from_environment = emnify::client::try_from_environment();
  EXPECT(from_environment);
  const emnify::client client = made(settings(base_url));
  tokens(client);
  requests(client);
  application_tokens(client, base_url);
  user_sessions(base_url);
  logs(base_url);
  emnify::config wrong = settings(base_url);
  wrong.proxy = "socks5://x";
  FAILS(invalid_argument, "proxy", emnify::client::try_create(wrong));
  return 0;
}
