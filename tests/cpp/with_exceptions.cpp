// Every member of emnify.hpp that throws, success and failure, and what an object promises.
//
//     with_exceptions BASE_URL
//
// The Rust side writes the one-time codes of the simulated user to the file "code".
#include <chrono>
#include <exception>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "check.hpp"

namespace {

template <typename Call>
void fails(int line, emnify::status wanted, const std::string &word, const Call &call) {
  try {
    call();
  } catch (const emnify::exception &failure) {
    const std::string what = failure.what();
    expect(failure.status() == wanted, line, emnify::status_name(failure.status()));
    expect(what.find(word) != std::string::npos, line, what.c_str());
    expect(what.find("CaNaRy") == std::string::npos, line, "no secret in a message");
    return;
  }
  expect(false, line, "an exception");
}
#define FAILS(wanted, word, call) \
  fails(__LINE__, emnify::status::wanted, word, [&] { (void)(call); })

void objects(const emnify::client &client) {
  static_assert(std::is_nothrow_move_assignable<emnify::client>::value, "clients move");
  static_assert(std::is_nothrow_move_constructible<emnify::error>::value, "errors move");
  static_assert(!std::is_copy_constructible<emnify::error>::value, "errors do not copy");
  static_assert(!std::is_copy_constructible<emnify::response>::value, "responses do not copy");
  static_assert(!std::is_copy_constructible<emnify::secret>::value, "secrets do not copy");
  static_assert(std::is_nothrow_copy_constructible<emnify::exception>::value,
                "copying an exception must not throw");

  // Moved from, and never filled: as NULL.
  emnify::client one(emnify::client::from_environment());
  emnify::client other(std::move(one));
  EXPECT(other && other.get() != nullptr);
  EXPECT(!one && one.get() == nullptr); // NOLINT: what a moved one answers is promised
  FAILS(invalid_argument, "client", one.auth_token());
  EXPECT(one.cancel() == emnify::status::invalid_argument);
  one = std::move(other);
  EXPECT(!one.auth_token().empty());
  one = emnify::client();
  EXPECT(!one);

  // Objects of emnify.h go in and out.
  emnify_client *raw = nullptr;
  EXPECT(emnify_client_new(nullptr, &raw, nullptr) == EMNIFY_OK);
  const emnify::client adopted = emnify::client::adopt(raw);
  EXPECT(adopted.get() == raw && !adopted.auth_token().empty());
  emnify::response response = client.request("GET", "/api/v1/sim");
  emnify_response *raw_response = response.release();
  EXPECT(!response && response.get() == nullptr);
  EXPECT(emnify_response_http_status(raw_response) == 200);
  EXPECT(emnify::response(raw_response).http_status() == 200);
  emnify::secret token = client.auth_token_secret();
  char *raw_token = token.release();
  EXPECT(!token && *token.c_str() == '\0' && emnify::secret(raw_token).size() > 100);

  const emnify::error none;
  EXPECT(!none && none.status() == emnify::status::ok && *none.message() == '\0');
  EXPECT(none.http_status() == 0 && none.service_code() == 0 && !none.is_retryable());
  EXPECT(none.retry_after().count() == 0 && *none.request_id() == '\0');
  const emnify::response nothing;
  EXPECT(nothing.http_status() == 0 && nothing.body().empty() && *nothing.body_data() == '\0');
  EXPECT(nothing.body_size() == 0 && nothing.total_pages() == 0 && !nothing.header("a"));
  FAILS(invalid_argument, "response", nothing.check());
}

void settings(const std::string &base_url) {
  emnify::config config;
  FAILS(invalid_argument, "credentials", emnify::client{config});
  config.application_token = "made-up-CaNaRy";
  config.username = "user";
  FAILS(invalid_argument, "username", emnify::client{config});
  config.username.clear();

  // Each in its place: what is wrong with it names it.
  struct text {
    std::string emnify::config::*field;
    const char *name, *wrong, *word;
  };
  const text texts[] = {
      {&emnify::config::base_url, "base_url", "ftp://x", "base_url"},
      {&emnify::config::ca_file, "ca_file", "/nonexistent/ca.pem", "ca_file"},
      {&emnify::config::proxy, "proxy", "socks5://x", "proxy"},
      {&emnify::config::bind_interface, "bind_interface", "a-name-that-is-long", "bind_interface"},
      {&emnify::config::user_agent, "user_agent", "a\r\nb", "user_agent"},
      {&emnify::config::device_fingerprint, "device_fingerprint", "CaNaRy", "device_fingerprint"},
      {&emnify::config::refresh_token, "refresh_token", "CaNaRy", "refresh_token"},
      {&emnify::config::password, "password", "CaNaRy", "username"},
      {&emnify::config::password_sha1, "password_sha1", "CaNaRy", "username"},
      {&emnify::config::application_token, "application_token", "a\nCaNaRy", "application_token"},
  };
  for (const text &each : texts) {
    emnify::config wrong = config;
    wrong.*each.field = each.wrong;
    FAILS(invalid_argument, each.word, emnify::client{wrong});
    // Not cut at a NUL, which would leave a value that is another.
    wrong = config;
    wrong.*each.field = std::string("a\0CaNaRy", 8);
    FAILS(invalid_argument, each.name, emnify::client{wrong});
  }
  emnify::config plain = config;
  plain.base_url = "http://192.0.2.1";
  FAILS(invalid_argument, "base_url", emnify::client{plain});
  plain.allow_plain_http = true;
  EXPECT(emnify::client(plain));
  plain.ip_family = static_cast<emnify::ip_family>(5);
  FAILS(invalid_argument, "ip_family", emnify::client{plain});
  plain.ip_family = emnify::ip_family::v6;
  plain.log_level = static_cast<emnify::log_level>(9);
  FAILS(invalid_argument, "log_level", emnify::client{plain});

  // The host of the service has no IPv6 address; and a negative time is not the default of 30 s.
  config.base_url = base_url;
  config.application_token = application_token;
  config.ip_family = emnify::ip_family::v4;
  config.max_response_bytes = 64;
  emnify::client small(config);
  FAILS(bad_response, "", small.request("GET", "/api/v1/sim"));
  config.base_url = base_url;
  config.timeout = std::chrono::milliseconds(-5);
  const auto start = std::chrono::steady_clock::now();
  FAILS(timeout, "", emnify::client(config).request("GET", "/api/v1/slow"));
  EXPECT(std::chrono::steady_clock::now() - start < std::chrono::seconds(5));
  config.timeout = std::chrono::hours(24 * 365);
  config.connect_timeout = std::chrono::seconds(5);
  EXPECT(emnify::client(config));
}

void tokens(const emnify::client &client) {
  const std::string token = client.auth_token();
  const emnify::secret secret = client.auth_token_secret();
  EXPECT(secret && secret.str() == token && secret.size() == token.size());

  char buffer[4096];
  const emnify::copied_token copied = client.auth_token_copy(buffer, sizeof buffer);
  EXPECT(copied.length == token.size() && token == buffer);
  EXPECT(copied.expires_in > std::chrono::minutes(200));
  FAILS(buffer_too_small, "capacity", client.auth_token_copy(buffer, 8));
  EXPECT(buffer[0] == '\0');
  FAILS(invalid_argument, "buffer", client.auth_token_copy(nullptr, 8));

  const std::chrono::seconds next = client.renew_if_due();
  EXPECT(next.count() >= 1 && next < std::chrono::hours(4));

  EXPECT(client.invalidate("some other token") == emnify::status::ok);
  EXPECT(client.invalidate(std::string("a\0b", 3)) == emnify::status::invalid_argument);
  EXPECT(client.auth_token() == token);
  EXPECT(client.invalidate(secret) == emnify::status::ok);
  const std::string second = client.auth_token();
  EXPECT(second != token);
  EXPECT(client.invalidate(second) == emnify::status::ok);
  EXPECT(client.auth_token() != second);

  EXPECT(client.cancel() == emnify::status::ok);
  FAILS(cancelled, "", client.request("GET", "/api/v1/sim"));
  EXPECT(client.resume() == emnify::status::ok);
  EXPECT(client.reset() == emnify::status::ok);
  (void)client.request("GET", "/api/v1/sim");
}

void credentials(const std::string &base_url) {
  emnify::config config;
  config.base_url = base_url;
  config.application_token = "made-up-application-token-that-opens-nothing-CaNaRy";
  const emnify::client client(config);
  try {
    (void)client.auth_token();
    expect(false, __LINE__, "a refusal");
  } catch (const std::runtime_error &failure) { // also as that
    const auto *refusal = static_cast<const emnify::exception *>(&failure);
    const emnify::exception copy(*refusal);
    EXPECT(copy.status() == emnify::status::unauthorized && copy.http_status() == 401);
    EXPECT(copy.service_code() == 0 && !copy.is_retryable());
    EXPECT(copy.retry_after() > std::chrono::minutes(29));
    EXPECT(*copy.request_id() != '\0');
    EXPECT(std::string(copy.what()) == refusal->what());
  }
  FAILS(unauthorized, "401", client.renew_if_due());
  FAILS(invalid_argument, "application_token", client.set_application_token(""));
  FAILS(invalid_argument, "application_token",
        client.set_application_token(std::string("a\0CaNaRy", 8)));
  FAILS(unauthorized, "", client.auth_token());
  client.set_application_token(application_token);
  EXPECT(!client.auth_token().empty());
}

void requests(const emnify::client &client) {
  const emnify::response page = client.request("GET", "/api/v1/sim?per_page=5");
  page.check();
  EXPECT(page.http_status() == 200 && page.total_pages() == 5);
  const std::string body = page.body();
  EXPECT(body.size() == page.body_size() && body == page.body_data() && body[0] == '[');
  const emnify::optional_string type = page.header("CONTENT-type");
  EXPECT(type && type.has_value() && type->find("json") != std::string::npos);
  EXPECT(*type == type.value_or("x") && *page.header("content-type") == *type);
  const emnify::optional_string none = page.header("x-none");
  EXPECT(!none && none->empty() && none.value_or("x") == "x");

  const emnify::response nul = client.request("GET", "/api/v1/with-nul");
  EXPECT(nul.body() == std::string("ab\0cd", 5) && nul.body_size() == 5);

  const emnify::response missing = client.request("GET", "/api/v1/none-of-that-name");
  EXPECT(missing.http_status() == 404);
  FAILS(rejected, "404", missing.check());
  FAILS(invalid_argument, "method", client.request("TRACE", "/api/v1/sim"));
  FAILS(invalid_argument, "path", client.request("GET", std::string("/api/v1/sim\0x", 13)));
  const std::string json = "{\"payload\":" + emnify::json_quote("a \"b\"\n") + "}";
  client.request("POST", "/api/v1/endpoint/10010001/sms", json).check();

  EXPECT(emnify::json_quote(std::string("a\0\"", 3)) == "\"a\\u0000\\\"\"");
  EXPECT(emnify::json_quote("") == "\"\"");
  EXPECT(emnify::json_quote(std::string("\0", 1)) == "\"\\u0000\"");
  EXPECT(emnify::url_escape(std::string("a b\0/", 5)) == "a%20b%00%2F");
  EXPECT(emnify::url_escape("").empty());
  FAILS(invalid_argument, "UTF-8", emnify::json_quote("\xff"));
  FAILS(invalid_argument, "UTF-8", emnify::url_escape("\xff"));

  EXPECT(client.send_sms(10010001, "hello") > UINT32_MAX);
  FAILS(rejected, "404", client.send_sms(1, "hello"));
  FAILS(invalid_argument, "text", client.send_sms(10010001, ""));
  FAILS(invalid_argument, "text", client.send_sms(10010001, std::string("a\0b", 3)));
}

struct flash_is_full {};

void application_tokens(const emnify::client &user, const std::string &base_url) {
  emnify::new_application_token wanted;
  wanted.description = "first";
  wanted.expiry_date = "2051-10-29";
  wanted.ip_range = "127.0.0.0/8";
  emnify::created_application_token first = user.create_application_token(wanted);
  EXPECT(first.id != 0 && first.application_token.size() > 20);
  wanted.expiry_date = "tomorrow";
  FAILS(invalid_argument, "expiry_date", user.create_application_token(wanted));
  FAILS(rejected, "404", user.revoke_application_token(1));
  FAILS(rejected, "404", user.describe_application_token(1, "x"));

  emnify::config config;
  config.base_url = base_url;
  config.application_token = first.application_token.str();
  const emnify::client device(config);
  const emnify::new_application_token second = {"second", "", ""};
  std::string kept;

  // What keep throws is not lost, nor is what the library says.
  try {
    (void)device.rotate_application_token(first.id, second, [](const char *) -> emnify::stored {
      throw flash_is_full();
    });
    expect(false, __LINE__, "an exception");
  } catch (const emnify::exception &failure) {
    EXPECT(failure.status() == emnify::status::storage);
    bool nested = false;
    try {
      std::rethrow_if_nested(failure);
    } catch (const flash_is_full &) {
      nested = true;
    }
    EXPECT(nested);
  }
  FAILS(storage, "stored",
        device.rotate_application_token(first.id, second,
                                              [](const char *) { return emnify::stored::no; }));
  FAILS(invalid_argument, "keep",
        device.rotate_application_token(first.id, second, emnify::keep_function()));
  EXPECT(!device.auth_token().empty());

  const emnify::rotated_application_token rotated =
      device.rotate_application_token(first.id, second, [&](const char *application_token) {
        kept = application_token;
        return emnify::stored::yes;
      });
  EXPECT(rotated.id != 0 && rotated.id != first.id && rotated.old_revoked && kept.size() > 20);
  config.application_token = first.application_token.str();
  FAILS(unauthorized, "", emnify::client(config).auth_token());
  config.application_token = kept;
  EXPECT(!emnify::client(config).auth_token().empty());

  user.describe_application_token(rotated.id, "third");
  const std::vector<emnify::application_token> all = user.application_tokens();
  EXPECT(all.size() > 2);
  for (const emnify::application_token &each : all) {
    EXPECT(each.id != 0 && !each.created.empty());
  }
  const emnify::application_token old = user.find_application_token(first.id);
  EXPECT(old.revoked && old.description == "first");
  EXPECT(old.expiry_date == "2051-10-29" && old.ip_range == "127.0.0.0/8");
  EXPECT(user.find_application_token("third").id == rotated.id);
  EXPECT(user.find_application_token("first").id == 0); // it is revoked
  EXPECT(user.find_application_token(1).id == 0);
  user.revoke_application_token(rotated.id);
  FAILS(invalid_argument, "client", emnify::client().application_tokens());
  emnify::wipe(kept);
  EXPECT(kept.empty());
}

void user_sessions(const std::string &base_url) {
  emnify::config config;
  config.base_url = base_url;
  config.username = "simulated.mfa.user@example.invalid";
  config.password = "SIMULATED MFA password of no value";
  const emnify::client first(config);
  FAILS(invalid_argument, "code", first.submit_mfa_code("12345"));
  FAILS(mfa_required, "code", first.auth_token());
  first.submit_mfa_code(next_code());
  EXPECT(!first.auth_token().empty());

  const emnify::client second(config);
  FAILS(mfa_required, "code", second.auth_token());
  FAILS(unauthorized, "", second.submit_mfa_code("999999"));
  FAILS(invalid_argument, "device_name", second.submit_mfa_code("999999", ""));
  const emnify::secret fingerprint = second.submit_mfa_code(next_code(), "gateway");
  config.device_fingerprint = fingerprint.str();
  EXPECT(!emnify::client(config).auth_token().empty());
}

void workspaces(const emnify::client &device, const std::string &base_url) {
  emnify::config config;
  config.base_url = base_url;
  config.username = "simulated.user@example.invalid";
  config.password = "SIMULATED password of no value";
  int lines = 0;
  config.log_level = emnify::log_level::debug;
  config.log = [&lines](emnify::log_level, const char *) { ++lines; };
  emnify::client home(config);
  const emnify::client there = home.workspace(7002);
  config.log = nullptr;
  home = emnify::client(); // the other keeps its session, and the function that gets its log
  const std::string body = there.request("GET", "/api/v1/sim?per_page=1").body();
  EXPECT(body.find("\"id\":7002") != std::string::npos);
  EXPECT(lines > 0);
  FAILS(invalid_argument, "", there.workspace(7001));
  FAILS(forbidden, "application token", device.workspace(7002).auth_token());
}

void logs(const std::string &base_url) {
  struct line {
    emnify::log_level level;
    std::string message;
  };
  std::vector<line> lines;
  emnify::config config;
  config.base_url = base_url;
  config.application_token = application_token;
  config.log_level = emnify::log_level::debug;
  const auto here = std::this_thread::get_id();
  config.log = [&](emnify::log_level level, const char *message) {
    EXPECT(std::this_thread::get_id() == here);
    lines.push_back({level, message});
    throw flash_is_full(); // is dropped
  };
  emnify::client client(config);
  config.log = nullptr; // the client has its own
  const std::string token = client.auth_token();
  EXPECT(!lines.empty());
  for (const line &each : lines) {
    EXPECT(each.message.find(token) == std::string::npos);
    EXPECT(each.message.find(application_token) == std::string::npos);
    EXPECT(each.level >= emnify::log_level::error && each.level <= emnify::log_level::debug);
  }
}

void threads(const emnify::client &client) {
  std::vector<std::thread> all;
  for (int i = 0; i < 8; ++i) {
    all.emplace_back([&client] { EXPECT(!client.auth_token().empty()); });
  }
  for (std::thread &each : all) {
    each.join();
  }
}

} // namespace

int main(int argc, char **argv) {
  EXPECT(argc == 2);
  const std::string base_url = argv[1];
  EXPECT(std::string(emnify::version()) == EMNIFY_VERSION);
  EXPECT(std::string(emnify::status_name(emnify::status::tls)) == "EMNIFY_ERROR_TLS");

  // The environment names the simulator.
  const emnify::client client = emnify::client::from_environment();
  objects(client);
  settings(base_url);
  tokens(client);
  credentials(base_url);
  requests(client);
  application_tokens(client, base_url);
  user_sessions(base_url);
  workspaces(client, base_url);
  logs(base_url);
  threads(client);
  return 0;
}
