// A small gateway: reads its settings, logs, lists its SIMs over all pages, and reports by SMS.
//
//     c++ -std=c++11 gateway.cpp -o gateway $(pkg-config --cflags --libs emnify)
//     EMNIFY_APPLICATION_TOKEN=... ./gateway gateway.conf
//
// The settings are lines of "name = value": base_url, ca_file, timeout_s, log_level (1 to 4),
// endpoint (the one to report to), per_page. All but endpoint may be left out. The secret comes
// from the environment and from nowhere else.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>

#include <emnify.hpp>

namespace {

class settings {
public:
  explicit settings(const std::string &path) {
    std::ifstream file(path);
    if (!file) {
      throw std::runtime_error("cannot read " + path);
    }
    for (std::string line; std::getline(file, line);) {
      const std::size_t equals = line.find('=');
      if (!line.empty() && line[0] != '#' && equals != std::string::npos) {
        values_[trimmed(line.substr(0, equals))] = trimmed(line.substr(equals + 1));
      }
    }
  }

  // "" where there is none, which emnify::config takes for the default.
  std::string text(const std::string &name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? std::string() : found->second;
  }

  // Ids have 64 bits.
  std::uint64_t number(const std::string &name, std::uint64_t otherwise,
                       std::uint64_t most = UINT64_MAX) const {
    const std::string value = text(name);
    if (value.empty()) {
      return otherwise;
    }
    const bool digits = value.find_first_not_of("0123456789") == std::string::npos;
    const std::uint64_t number = digits && value.size() < 20 ? std::stoull(value) : UINT64_MAX;
    if (number == UINT64_MAX || number > most) {
      throw std::runtime_error("the setting " + name + " is no number that makes sense");
    }
    return number;
  }

private:
  static std::string trimmed(const std::string &text) {
    const char *const blanks = " \t\r";
    const std::size_t start = text.find_first_not_of(blanks);
    return start == std::string::npos
               ? std::string()
               : text.substr(start, text.find_last_not_of(blanks) - start + 1);
  }

  std::map<std::string, std::string> values_;
};

// Runs on whatever thread calls the client; std::cerr may be used by any of them.
void log(emnify::log_level level, const char *message) {
  static const char *const names[] = {"error", "warning", "info", "debug"};
  const auto at = static_cast<std::size_t>(level) - 1;
  std::cerr << std::string("emnify ") + (at < 4 ? names[at] : "?") + ": " + message + '\n';
}

emnify::client make_client(const settings &from) {
  emnify::config config;
  const char *const secret = std::getenv("EMNIFY_APPLICATION_TOKEN");
  if (secret != nullptr) { // a std::string cannot be made of NULL
    config.application_token = secret;
  }
  config.base_url = from.text("base_url");
  config.ca_file = from.text("ca_file");
  config.user_agent = "example-gateway/1.0";
  config.timeout = std::chrono::seconds(from.number("timeout_s", 30, 3600));
  config.log_level = static_cast<emnify::log_level>(from.number("log_level", 2, 4));
  config.log = log;
  return emnify::client(config); // the config wipes its copy of the secret here
}

// How often a word stands in a text. A real program gives the body to its JSON library.
std::size_t count(const std::string &text, const std::string &word) {
  std::size_t times = 0;
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    ++times;
  }
  return times;
}

// A page past the last one is answered with the last one again, so that the headers have to say
// when it is over. The list may change while it is read: what was said last counts.
std::size_t count_sims(const emnify::client &client, std::uint64_t per_page) {
  const std::string path = "/api/v1/sim?per_page=" + std::to_string(per_page) + "&page=";
  std::size_t sims = 0;
  std::uint32_t pages = 1;
  for (std::uint32_t page = 1; page <= pages; ++page) {
    const emnify::response answer = client.request("GET", path + std::to_string(page));
    answer.check();
    sims += count(answer.body(), "\"iccid\"");
    pages = std::max<std::uint32_t>(answer.total_pages(), 1);
  }
  std::cout << sims << " SIMs on " << pages << " pages\n";
  return sims;
}

// The other style: a report that cannot be sent is no reason to stop. It is not sent again, since
// nobody knows whether it went out.
void report(const emnify::client &client, std::uint64_t endpoint, const std::string &text) {
  const emnify::result<std::uint64_t> sms = client.try_send_sms(endpoint, text);
  if (sms) {
    std::cout << "reported as SMS " << *sms << '\n';
  } else {
    std::cout << "not reported: " << sms.message() << '\n';
  }
}

} // namespace

int main(int argc, char **argv) {
  if (argc != 2) {
    std::cerr << "usage: gateway SETTINGS\n";
    return 2;
  }
  try {
    const settings from(argv[1]);
    // All settings first: a mistake in them shows at the start, not at the first report.
    const std::uint64_t per_page = from.number("per_page", 100, 1000);
    const std::uint64_t endpoint = from.number("endpoint", 0);
    const emnify::client client = make_client(from);
    report(client, endpoint, std::to_string(count_sims(client, per_page)) + " SIMs in use");
    return 0;
  } catch (const emnify::exception &failure) {
    std::cerr << emnify::status_name(failure.status()) << ": " << failure.what() << '\n';
    if (*failure.request_id() != '\0') {
      std::cerr << "for emnify's support: request " << failure.request_id() << '\n';
    }
    // For the service manager: 75 (EX_TEMPFAIL) to start again later, 78 (EX_CONFIG) not to.
    return failure.is_retryable() ? 75 : 78;
  } catch (const std::exception &failure) {
    std::cerr << failure.what() << '\n';
    return 78;
  }
}
