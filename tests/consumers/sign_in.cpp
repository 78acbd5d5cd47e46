// A program of another project, which knows of the library what is installed.
#include <iostream>

#include <emnify.hpp>

int main() {
  try {
    const emnify::client client = emnify::client::from_environment();
    const emnify::secret token = client.auth_token_secret();
    std::cout << "signed in with " << emnify_version() << '\n';
    return 0;
  } catch (const emnify::exception &failure) {
    std::cerr << failure.what() << '\n';
    return 1;
  }
}
