// Signs in, uses the token, and is handed the same token again without a request.
//
//     c++ -std=c++11 get_token.cpp -o get_token $(pkg-config --cflags --libs emnify)
//     EMNIFY_APPLICATION_TOKEN=... ./get_token
#include <iostream>

#include <emnify.hpp>

int main() {
  try {
    // Settings from the environment. A program with settings of its own fills an emnify::config.
    const emnify::client client = emnify::client::from_environment();

    // Signs in. Wiped when it goes out of scope; auth_token() gives a std::string, which is not.
    const emnify::secret token = client.auth_token_secret();

    // Costs no request, and allocates nothing.
    char again[4096];
    const emnify::copied_token copied = client.auth_token_copy(again, sizeof again);
    const bool same = token.str() == again;
    std::cout << "Signed in: a token of " << copied.length << " characters, good for "
              << copied.expires_in.count() / 60 << " min.\n"
              << "Asked again: " << (same ? "the same token" : "another token") << ".\n";

    const emnify::response sims = client.request("GET", "/api/v1/sim?per_page=5");
    sims.check(); // throws what is not a 2xx
    std::cout << "The first of " << sims.total_pages()
              << " pages of SIMs: " << sims.body().substr(0, 72) << "...\n";
    return same ? 0 : 1;
  } catch (const emnify::exception &failure) {
    std::cerr << failure.what() << '\n';
    if (failure.is_retryable()) {
      std::cerr << "Try again in " << failure.retry_after().count() << " s.\n";
    }
    return 1;
  }
}
