// The other file; compiled as the first one, or without exceptions.
#include <emnify.hpp>
#include <emnify.hpp>

int without_exceptions(const char *base_url);

int without_exceptions(const char *base_url) {
  emnify::config config;
  int lines = 0;
  config.base_url = base_url;
  config.application_token = "made-up-application-token-that-opens-nothing";
  config.log = [&lines](emnify::log_level, const char *) { ++lines; };
  const emnify::result<emnify::client> client = emnify::client::try_create(config);
  if (!client || client->try_auth_token().status() != emnify::status::unauthorized) {
    return 5;
  }
  return lines > 0 ? 0 : 6;
}
