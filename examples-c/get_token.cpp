// Signs in and prints how long the token is good for, in C++11 or later.
//
//     c++ -std=c++11 get_token.cpp -o get_token $(pkg-config --cflags --libs emnify)
//     EMNIFY_APPLICATION_TOKEN=... ./get_token
#include <cstdlib>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>

#include <emnify.h>

namespace {

// One deleter for everything that the library hands out.
struct Release {
  void operator()(void *object) const { emnify_free(object); }
};

template <typename T> using Owned = std::unique_ptr<T, Release>;

void check(emnify_status status, emnify_error *error) {
  const Owned<emnify_error> owned(error);
  if (status != EMNIFY_OK) {
    throw std::runtime_error(std::string(emnify_status_name(status)) + ": " +
                             emnify_error_message(error));
  }
}

Owned<emnify_client> make_client(const char *application_token) {
  emnify_config config = EMNIFY_CONFIG_INIT;
  config.application_token = application_token;
  config.base_url = std::getenv("EMNIFY_BASE_URL");
  config.ca_file = std::getenv("EMNIFY_CA_FILE");
  config.user_agent = "example-gateway/1.0";

  emnify_client *client = nullptr;
  emnify_error *error = nullptr;
  const emnify_status status = emnify_client_new(&config, &client, &error);
  check(status, error);
  return Owned<emnify_client>(client);
}

} // namespace

int main() {
  try {
    const Owned<emnify_client> client = make_client(std::getenv("EMNIFY_APPLICATION_TOKEN"));

    char token[4096];
    std::size_t length = 0;
    std::uint32_t expires_in_s = 0;
    emnify_error *error = nullptr;
    const emnify_status status = emnify_auth_token_copy(client.get(), token, sizeof token, &length,
                                                        &expires_in_s, &error);
    check(status, error);
    std::cout << "Signed in: a token of " << length << " characters, good for " << expires_in_s
              << " s.\n";
  } catch (const std::exception &failure) {
    std::cerr << failure.what() << '\n';
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
