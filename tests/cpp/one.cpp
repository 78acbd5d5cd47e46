// One program of two files, each of which includes the header twice: this one is always compiled
// with exceptions, and its callback throws.
#include <emnify.hpp>
#include <emnify.hpp>

#include <cstring>

int without_exceptions(const char *base_url);

int main(int argc, char **argv) {
  if (argc != 2) {
    return 2;
  }
  emnify::config config;
  config.base_url = argv[1];
  config.application_token = "made-up-application-token-that-opens-nothing";
  config.log = [](emnify::log_level, const char *) { throw 7; };
  try {
    const std::string token = emnify::client(config).auth_token();
    return 3;
  } catch (const emnify::exception &failure) {
    if (failure.status() != emnify::status::unauthorized) {
      return 4;
    }
  }
  return without_exceptions(argv[1]);
}
