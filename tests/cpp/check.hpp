// What the programs here share: to say what was expected, and to stop.
#ifndef CHECK_HPP
#define CHECK_HPP

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

#include <emnify.hpp>

// Known to every simulator; opens nothing anywhere.
static const char application_token[] =
    "SIMULATED-application-token-of-no-value-that-every-simulator-knows-from-the-start";

inline void expect(bool condition, int line, const char *what) {
  if (!condition) {
    std::fprintf(stderr, "line %d: not so: %s\n", line, what);
    std::_Exit(1);
  }
}
#define EXPECT(condition) expect((condition) ? true : false, __LINE__, #condition)

// The one-time code that the Rust side has put into a file, which goes with it.
inline std::string next_code() {
  for (int tries = 0; tries < 1000; ++tries) {
    std::string code;
    if (std::ifstream("code") >> code) {
      std::remove("code");
      return code;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  expect(false, __LINE__, "a code came");
  return std::string();
}

#endif // CHECK_HPP
