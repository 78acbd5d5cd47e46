/**
 * @file
 * emnify.hpp - emnify.h for C++11 and later: objects that release themselves, and errors as
 * exceptions or as results.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Nothing but this header, emnify.h, the standard library, and libemnify to link with. With
 * exceptions:
 *
 *     emnify::config config;
 *     config.application_token = "...";
 *     const emnify::client client(config);
 *     send("Authorization: Bearer " + client.auth_token());
 *
 * throws emnify::exception where it fails. Without them, also under -fno-exceptions and -fno-rtti:
 *
 *     emnify::result<emnify::client> client = emnify::client::try_create(config);
 *     if (!client) {
 *       report(client.message());
 *       return;
 *     }
 *     emnify::result<std::string> token = client->try_auth_token();
 *
 * Each function that can fail has both forms, xxx and try_xxx; without exceptions there is only the
 * second. What a call does, and how it fails, is in emnify.h and holds here: this text says
 * what is different.
 *
 * - Texts are std::string and copied. An empty one stands for the NULL of emnify.h where that means
 *   "none". One with a NUL inside is refused with status::invalid_argument, not cut; the message
 *   calls that byte one that is not UTF-8.
 * - Threads. Share one client, by reference: all its members may be called from any thread at the
 *   same time. As with any C++ object, do not move or destroy it meanwhile.
 * - Exceptions never cross into the library: what a callback throws is caught before.
 * - Secrets. A std::string does not wipe its memory, and leaves copies behind when it grows or
 *   moves. emnify::secret, and the call that copies the token into a buffer of yours, do better.
 * - Files that are compiled with and without exceptions go into one program, but do not share the
 *   types of this header: those are different types then.
 */
#ifndef EMNIFY_HPP
#define EMNIFY_HPP

#include <emnify.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#if __cplusplus < 201103L && !defined(_MSVC_LANG)
#error "emnify.hpp needs C++11 or later; emnify.h takes C++98"
#endif

// What both kinds of files name alike must not be one thing to the linker: a callback that is
// guarded against exceptions in the one is not in the other.
#if defined(__cpp_exceptions) || defined(__EXCEPTIONS) || defined(_CPPUNWIND)
#include <exception>
#include <stdexcept>
/** 1 where exceptions are switched on, else 0: then the members that throw are not there. */
#define EMNIFY_CPP_EXCEPTIONS 1
#define EMNIFY_CPP_BEGIN_ \
  namespace emnify { \
  inline namespace with_exceptions {
#else
#define EMNIFY_CPP_EXCEPTIONS 0
#define EMNIFY_CPP_BEGIN_ \
  namespace emnify { \
  inline namespace without_exceptions {
#endif
#define EMNIFY_CPP_END_ \
  } \
  }

// gcc takes the attribute in any standard, and its own one leaves no way to say "on purpose".
#if __cplusplus >= 201703L || (defined(__GNUC__) && __GNUC__ >= 7 && !defined(__clang__))
#define EMNIFY_CPP_NODISCARD_ [[nodiscard]]
#define EMNIFY_CPP_NODISCARD_TYPE_ [[nodiscard]]
#else
#define EMNIFY_CPP_NODISCARD_ EMNIFY_WARN_UNUSED_RESULT
#define EMNIFY_CPP_NODISCARD_TYPE_
#endif

/** The C++ interface. */
EMNIFY_CPP_BEGIN_

/** What became of a call: the EMNIFY_ERROR_... of emnify.h. A newer library may give others. */
enum class status : std::int32_t {
  ok = EMNIFY_OK,                                             ///< EMNIFY_OK
  invalid_argument = EMNIFY_ERROR_INVALID_ARGUMENT,           ///< EMNIFY_ERROR_INVALID_ARGUMENT
  unauthorized = EMNIFY_ERROR_UNAUTHORIZED,                   ///< EMNIFY_ERROR_UNAUTHORIZED
  account_locked = EMNIFY_ERROR_ACCOUNT_LOCKED,               ///< EMNIFY_ERROR_ACCOUNT_LOCKED
  mfa_required = EMNIFY_ERROR_MFA_REQUIRED,                   ///< EMNIFY_ERROR_MFA_REQUIRED
  forbidden = EMNIFY_ERROR_FORBIDDEN,                         ///< EMNIFY_ERROR_FORBIDDEN
  rate_limited = EMNIFY_ERROR_RATE_LIMITED,                   ///< EMNIFY_ERROR_RATE_LIMITED
  rejected = EMNIFY_ERROR_REJECTED,                           ///< EMNIFY_ERROR_REJECTED
  server = EMNIFY_ERROR_SERVER,                               ///< EMNIFY_ERROR_SERVER
  bad_response = EMNIFY_ERROR_BAD_RESPONSE,                   ///< EMNIFY_ERROR_BAD_RESPONSE
  network = EMNIFY_ERROR_NETWORK,                             ///< EMNIFY_ERROR_NETWORK
  tls = EMNIFY_ERROR_TLS,                                     ///< EMNIFY_ERROR_TLS
  clock = EMNIFY_ERROR_CLOCK,                                 ///< EMNIFY_ERROR_CLOCK
  timeout = EMNIFY_ERROR_TIMEOUT,                             ///< EMNIFY_ERROR_TIMEOUT
  cancelled = EMNIFY_ERROR_CANCELLED,                         ///< EMNIFY_ERROR_CANCELLED
  storage = EMNIFY_ERROR_STORAGE,                             ///< EMNIFY_ERROR_STORAGE
  buffer_too_small = EMNIFY_ERROR_BUFFER_TOO_SMALL,           ///< EMNIFY_ERROR_BUFFER_TOO_SMALL
  internal = EMNIFY_ERROR_INTERNAL                            ///< EMNIFY_ERROR_INTERNAL
};

/** How important a line of log is. */
enum class log_level : std::int32_t {
  error = EMNIFY_LOG_ERROR,     ///< EMNIFY_LOG_ERROR
  warning = EMNIFY_LOG_WARNING, ///< EMNIFY_LOG_WARNING
  info = EMNIFY_LOG_INFO,       ///< EMNIFY_LOG_INFO
  debug = EMNIFY_LOG_DEBUG      ///< EMNIFY_LOG_DEBUG
};

/** Which addresses of a host are tried. */
enum class ip_family : std::int32_t {
  either = 0, ///< IPv4 and IPv6
  v4 = 4,     ///< IPv4 only
  v6 = 6      ///< IPv6 only
};

/** The name of a status as emnify.h has it, such as "EMNIFY_ERROR_NETWORK". Lives for ever. */
inline const char *status_name(status status) noexcept {
  return emnify_status_name(static_cast<emnify_status>(status));
}

/** The version of the library that is linked; EMNIFY_VERSION is that of the header. */
inline const char *version() noexcept { return emnify_version(); }

/**
 * Overwrites all the memory that a text has now, and empties it. Copies of it, and memory that it
 * had before it grew, stay as they are.
 */
inline void wipe(std::string &text) noexcept {
  text.resize(text.capacity()); // within its capacity: nothing moves, nothing can fail
  volatile char *const bytes = &text[0];
  for (std::size_t i = 0; i < text.size(); ++i) {
    bytes[i] = '\0';
  }
  text.clear();
}

/** What this header needs for itself; may change in any version. */
namespace detail {

struct release {
  void operator()(void *object) const noexcept { emnify_free(object); }
};

template <typename T> using owned = std::unique_ptr<T, release>;

// A text as C takes it. A NUL inside would cut it without a word: it becomes what the library
// refuses, at the same place.
class argument {
public:
  explicit argument(const std::string &text) : text_(text.c_str()) {
    std::size_t at = text.find('\0');
    if (at != std::string::npos) {
      refused_ = text;
      for (; at != std::string::npos; at = refused_.find('\0', at)) {
        refused_[at] = '\xff';
      }
      text_ = refused_.c_str();
    }
  }
  ~argument() {
    if (!refused_.empty()) {
      wipe(refused_);
    }
  }
  argument(const argument &) = delete;
  argument &operator=(const argument &) = delete;

  const char *get() const noexcept { return text_; }
  const char *or_null() const noexcept { return text_[0] == '\0' ? nullptr : text_; }

private:
  const char *text_;
  std::string refused_;
};

} // namespace detail

/**
 * What went wrong. Owns an emnify_error; an empty one answers as emnify.h says for NULL. Holds no
 * secret.
 */
class error {
public:
  /** No error. */
  error() noexcept = default;
  /** Takes over an error that emnify.h gave out, or NULL. */
  explicit error(emnify_error *owned) noexcept : owned_(owned) {}

  /** The status of the call. */
  ::emnify::status status() const noexcept {
    return static_cast<::emnify::status>(emnify_error_status(get()));
  }
  /** One line for a person. Lives as long as the error. */
  const char *message() const noexcept { return emnify_error_message(get()); }
  /** The HTTP status of the answer, 0 where none came. */
  int http_status() const noexcept { return static_cast<int>(emnify_error_http_status(get())); }
  /** The service's own number for the failure, 0 where there was none. */
  int service_code() const noexcept { return static_cast<int>(emnify_error_service_code(get())); }
  /** Whether the unchanged call may succeed after retry_after(), nobody acting. */
  bool is_retryable() const noexcept { return emnify_error_is_retryable(get()) != 0; }
  /** How long to wait, from when the call failed; see emnify_error_retry_after_s. */
  std::chrono::seconds retry_after() const noexcept {
    return std::chrono::seconds(emnify_error_retry_after_s(get()));
  }
  /** The service's id of the request, for emnify's support; or "". Lives as long as the error. */
  const char *request_id() const noexcept { return emnify_error_request_id(get()); }

  /** Whether there is an error. */
  explicit operator bool() const noexcept { return owned_ != nullptr; }
  /** The object of emnify.h; still owned by this one. */
  const emnify_error *get() const noexcept { return owned_.get(); }
  /** Gives up the object of emnify.h: the caller has to emnify_free it. */
  EMNIFY_CPP_NODISCARD_ emnify_error *release() noexcept { return owned_.release(); }

private:
  detail::owned<emnify_error> owned_;
};

#if EMNIFY_CPP_EXCEPTIONS
/** What the members throw that have no try_ in their names. Copies share one error. */
class exception : public std::runtime_error {
public:
  /** For a call that gave this status and this error. */
  exception(::emnify::status status, ::emnify::error &&error)
      : std::runtime_error(error ? error.message() : status_name(status)), status_(status),
        error_(std::make_shared<const ::emnify::error>(std::move(error))) {}

  /** For a failure that the library was not asked about. */
  exception(::emnify::status status, const std::string &message)
      : std::runtime_error(message), status_(status),
        error_(std::make_shared<const ::emnify::error>()) {}

  /** The status of the call. */
  ::emnify::status status() const noexcept { return status_; }
  /** The HTTP status of the answer, 0 where none came. */
  int http_status() const noexcept { return error_->http_status(); }
  /** The service's own number for the failure, 0 where there was none. */
  int service_code() const noexcept { return error_->service_code(); }
  /** Whether the unchanged call may succeed after retry_after(), nobody acting. */
  bool is_retryable() const noexcept { return error_->is_retryable(); }
  /** How long to wait, from when the call failed; see emnify_error_retry_after_s. */
  std::chrono::seconds retry_after() const noexcept { return error_->retry_after(); }
  /** The service's id of the request, for emnify's support; or "". Lives as long as this. */
  const char *request_id() const noexcept { return error_->request_id(); }

private:
  ::emnify::status status_;
  std::shared_ptr<const ::emnify::error> error_; // copying an exception must not throw
};
#endif

template <typename T> class result;

/** What became of a call that gives nothing: success, or an error. */
template <> class EMNIFY_CPP_NODISCARD_TYPE_ result<void> {
public:
  /** Success. */
  result() noexcept : status_(::emnify::status::ok) {}
  /** What a function of emnify.h returned, with the error that it stored. */
  explicit result(emnify_status status, emnify_error *error = nullptr) noexcept
      : status_(static_cast<::emnify::status>(status)), error_(error) {}

  /** Whether the call succeeded. */
  bool has_value() const noexcept { return status_ == ::emnify::status::ok; }
  /** Whether the call succeeded. */
  explicit operator bool() const noexcept { return has_value(); }
  /** The status of the call. */
  ::emnify::status status() const noexcept { return status_; }
  /** One line for a person, "EMNIFY_OK" after success. Lives as long as the result. */
  const char *message() const noexcept { return error_ ? error_.message() : status_name(status_); }
  /** The error. Empty after success, and where there is a status only. */
  const ::emnify::error &error() const & noexcept { return error_; }
  /** The error, to be kept. */
  ::emnify::error error() && noexcept { return std::move(error_); }

#if EMNIFY_CPP_EXCEPTIONS
  /** Throws the error, if there is one, which is then no longer here. */
  void value() {
    if (!has_value()) {
      throw exception(status_, std::move(error_));
    }
  }
#endif

private:
  ::emnify::status status_;
  ::emnify::error error_;
};

/**
 * What became of a call: a T, or an error. Test it first. The value of a failed call is T(), not
 * undefined.
 */
template <typename T> class EMNIFY_CPP_NODISCARD_TYPE_ result {
public:
  /** Success. */
  explicit result(T value) : value_(std::move(value)) {}
  /** A failure, with what stands for a value. */
  explicit result(result<void> &&outcome, T value = T())
      : outcome_(std::move(outcome)), value_(std::move(value)) {}

  /** Whether the call succeeded. */
  bool has_value() const noexcept { return outcome_.has_value(); }
  /** Whether the call succeeded. */
  explicit operator bool() const noexcept { return has_value(); }
  /** The status of the call. */
  ::emnify::status status() const noexcept { return outcome_.status(); }
  /** One line for a person, "EMNIFY_OK" after success. Lives as long as the result. */
  const char *message() const noexcept { return outcome_.message(); }
  /** The error. Empty after success, and where there is a status only. */
  const ::emnify::error &error() const & noexcept { return outcome_.error(); }
  /** The error, to be kept. */
  ::emnify::error error() && noexcept { return std::move(outcome_).error(); }

  /** The value. */
  T &operator*() & noexcept { return value_; }
  /** The value. */
  const T &operator*() const & noexcept { return value_; }
  /** The value, moved out. */
  T operator*() && { return std::move(value_); }
  /** A member of the value. */
  T *operator->() noexcept { return &value_; }
  /** A member of the value. */
  const T *operator->() const noexcept { return &value_; }
  /** The value, or this other one if the call failed. */
  T value_or(T other) && { return has_value() ? std::move(value_) : std::move(other); }

#if EMNIFY_CPP_EXCEPTIONS
  /** The value; throws the error if the call failed, which is then no longer here. */
  T &value() & {
    outcome_.value();
    return value_;
  }
  /** The value, moved out; throws the error if the call failed. */
  T value() && {
    outcome_.value();
    return std::move(value_);
  }
#endif

private:
  result<void> outcome_;
  T value_;
};

/** A text, or none. */
class optional_string {
public:
  /** None. */
  optional_string() noexcept : present_(false) {}
  /** A copy of the text, or none where that is NULL. */
  explicit optional_string(const char *text)
      : present_(text != nullptr), text_(text != nullptr ? text : "") {}

  /** Whether there is one. */
  bool has_value() const noexcept { return present_; }
  /** Whether there is one. */
  explicit operator bool() const noexcept { return present_; }
  /** The text, or "". */
  const std::string &operator*() const & noexcept { return text_; }
  /** The text, or "", moved out. */
  std::string operator*() && noexcept { return std::move(text_); }
  /** A member of the text. */
  const std::string *operator->() const noexcept { return &text_; }
  /** The text, or this other one where there is none. */
  std::string value_or(const std::string &other) const { return present_ ? text_ : other; }

private:
  bool present_;
  std::string text_;
};

/** A text that is wiped when it is released, such as a token. Owns a char * of emnify.h. */
class secret {
public:
  /** None. */
  secret() noexcept = default;
  /** Takes over a text that emnify.h gave out, or NULL. */
  explicit secret(char *owned) noexcept : owned_(owned) {}

  /** The text, or "". Lives as long as the secret. */
  const char *c_str() const noexcept { return owned_ ? owned_.get() : ""; }
  /** How many bytes it has, without the NUL. */
  std::size_t size() const noexcept { return std::char_traits<char>::length(c_str()); }
  /** Whether there is one. */
  explicit operator bool() const noexcept { return owned_ != nullptr; }
  /** A copy, which is not wiped: see wipe(). */
  std::string str() const { return c_str(); }
  /** Gives up the text of emnify.h: the caller has to emnify_free it. */
  EMNIFY_CPP_NODISCARD_ char *release() noexcept { return owned_.release(); }

private:
  detail::owned<char> owned_;
};

/** Gets one line of log; see emnify_log_fn. The message is valid during the call. */
using log_function = std::function<void(log_level level, const char *message)>;

/** Whether a secret is where a power cut does not lose it. No bool: C's 0 would mean success. */
enum class stored {
  no, ///< It is not; the rotation is undone.
  yes ///< It is.
};

/** Stores the secret of a new application token, valid during the call; see emnify_keep_fn. */
using keep_function = std::function<stored(const char *application_token)>;

/**
 * The settings of a client: emnify_config with texts of its own. An empty text is none. Set
 * exactly one kind of credentials. They are wiped with the config, as far as wipe() reaches.
 */
struct config {
  std::string application_token;  ///< See emnify_config::application_token.
  std::string username;           ///< See emnify_config::username.
  std::string password;           ///< See emnify_config::password.
  std::string password_sha1;      ///< See emnify_config::password_sha1.
  std::string refresh_token;      ///< See emnify_config::refresh_token.
  std::string device_fingerprint; ///< See emnify_config::device_fingerprint.
  std::string base_url;           ///< Empty: https://cdn.emnify.net.
  std::string ca_file;            ///< Empty: the built-in certificates.
  std::string proxy;              ///< Empty: none.
  std::string bind_interface;     ///< Empty: as routed.
  std::string user_agent;         ///< Your product; empty: none.
  /** 0: 10 s. A negative time counts as 1 ms, one of more than 49 days as that. */
  std::chrono::milliseconds connect_timeout{0};
  /** 0: 30 s. Likewise. */
  std::chrono::milliseconds timeout{0};
  std::uint32_t max_response_bytes = 0; ///< 0: 16 MiB.
  /** Which addresses of the host are tried. */
  ::emnify::ip_family ip_family = ::emnify::ip_family::either;
  bool allow_plain_http = false; ///< See emnify_config::allow_plain_http.
  /** The least important lines that log gets. */
  ::emnify::log_level log_level = ::emnify::log_level::warning;
  /**
   * Gets the client's lines of log; empty: silent. The client, and the clients for workspaces that
   * it makes, keep a copy alive, which runs on whatever thread calls them. What it throws is
   * dropped.
   */
  log_function log;

  /** All at their defaults. */
  config() = default;
  /** The same settings. */
  config(const config &) = default;
  /** The same settings. */
  config(config &&) = default;
  /** The same settings. */
  config &operator=(const config &) = default;
  /** The same settings. */
  config &operator=(config &&) = default;
  /** Wipes the credentials and the proxy, which may hold a password. */
  ~config() {
    for (std::string *text : {&application_token, &password, &password_sha1, &refresh_token,
                              &device_fingerprint, &proxy}) {
      wipe(*text);
    }
  }
};

/** What a new application token shall be like. */
struct new_application_token {
  std::string description; ///< What it is for; empty: none.
  std::string expiry_date; ///< "2031-10-29" or "2031-10-29T12:00:00Z"; empty: it does not end.
  std::string ip_range;    ///< From where it may be used, "192.0.2.0/24"; empty: from anywhere.
};

/** An application token that was just made. */
struct created_application_token {
  secret application_token; ///< Shown this once.
  std::uint64_t id = 0;     ///< By which it is revoked; 0 where it could not be told.
};

/** An application token as the service lists it: all but its secret. */
struct application_token {
  std::uint64_t id = 0;    ///< By which it is revoked, described and rotated.
  std::string description; ///< What it is for; empty: it has no description.
  std::string created;     ///< When it was made, as the service says it.
  std::string expiry_date; ///< When it ends, as the service says it; empty: it does not.
  std::string ip_range;    ///< From where it may be used, "192.0.2.0/24"; empty: from anywhere.
  bool revoked = false;    ///< Whether it is revoked. One that has expired need not be.
};

/** What a rotation has done. */
struct rotated_application_token {
  std::uint64_t id = 0;     ///< The new one's id; 0 where it could not be told.
  bool old_revoked = false; ///< False: the old one still works, revoke it later.
};

/** A token that was copied into a buffer. */
struct copied_token {
  std::size_t length = 0;             ///< Without the NUL; also where the buffer is too small.
  std::chrono::seconds expires_in{0}; ///< For how long the library will go on handing it out.
};

/** The service's answer to a request. Owns an emnify_response, which is wiped when released. */
class response {
public:
  /** None: answers as emnify.h says for NULL. */
  response() noexcept = default;
  /** Takes over a response that emnify.h gave out, or NULL. */
  explicit response(emnify_response *owned) noexcept : owned_(owned) {}

  /** The HTTP status, such as 200. */
  int http_status() const noexcept { return static_cast<int>(emnify_response_http_status(get())); }
  /** The body as a copy, which is not wiped. */
  std::string body() const {
    std::size_t length;
    const char *const bytes = emnify_response_body(get(), &length);
    return std::string(bytes, length);
  }
  /** The body itself, with a NUL behind it, of body_size() bytes. Lives as long as the response. */
  const char *body_data() const noexcept { return emnify_response_body(get(), nullptr); }
  /** How many bytes the body has, without that NUL. */
  std::size_t body_size() const noexcept {
    std::size_t length;
    emnify_response_body(get(), &length);
    return length;
  }
  /** The value of the header name, whose case does not matter; the first of several. */
  optional_string header(const std::string &name) const {
    return optional_string(emnify_response_header(get(), name.c_str()));
  }
  /** How many pages the list has that this is one of; 0 where the service does not say. */
  std::uint32_t total_pages() const noexcept { return emnify_response_total_pages(get()); }

  /** The error that an answer means whose status is not 2xx; see emnify_response_check. */
  EMNIFY_CPP_NODISCARD_ result<void> try_check() const {
    emnify_error *error = nullptr;
    const emnify_status status = emnify_response_check(get(), &error);
    return result<void>(status, error);
  }
#if EMNIFY_CPP_EXCEPTIONS
  /** Throws the error that an answer means whose status is not 2xx. */
  void check() const { try_check().value(); }
#endif

  /** Whether there is one. */
  explicit operator bool() const noexcept { return owned_ != nullptr; }
  /** The object of emnify.h; still owned by this one. */
  const emnify_response *get() const noexcept { return owned_.get(); }
  /** Gives up the object of emnify.h: the caller has to emnify_free it. */
  EMNIFY_CPP_NODISCARD_ emnify_response *release() noexcept { return owned_.release(); }

private:
  detail::owned<emnify_response> owned_;
};

namespace detail {

// What a client points to: beside the library's object, what that goes on calling. Clients for
// workspaces share the function with the one they come from, and may outlive it.
struct client_parts {
  owned<emnify_client> handle;
  std::shared_ptr<const log_function> log;

  client_parts() = default;
  client_parts(const client_parts &) = delete;
  client_parts &operator=(const client_parts &) = delete;
  ~client_parts() { handle.reset(); } // before the function that it may call
};

// Given to C as pointers to functions. Not of C linkage, which would put them into the global
// namespace; the compilers that know the difference call them alike.
inline void log_line(std::int32_t level, const char *message, void *context) noexcept {
  const log_function &log = *static_cast<const log_function *>(context);
#if EMNIFY_CPP_EXCEPTIONS
  try {
    log(static_cast<log_level>(level), message);
  } catch (...) {
    // A line that cannot be written is no reason to fail what was going on.
  }
#else
  log(static_cast<log_level>(level), message);
#endif
}

struct keep_call {
  const keep_function &keep;
#if EMNIFY_CPP_EXCEPTIONS
  std::exception_ptr thrown;
#endif
};

inline std::int32_t keep_secret(const char *application_token, void *context) noexcept {
  keep_call &call = *static_cast<keep_call *>(context);
#if EMNIFY_CPP_EXCEPTIONS
  try {
    return call.keep(application_token) == stored::yes ? 0 : 1;
  } catch (...) {
    call.thrown = std::current_exception();
    return 1;
  }
#else
  return call.keep(application_token) == stored::yes ? 0 : 1;
#endif
}

// Where there is none at this index: one that is empty, of id 0.
inline application_token application_token_at(const emnify_application_tokens *list,
                                              std::size_t index) {
  application_token token;
  token.id = emnify_application_tokens_id(list, index);
  token.description = emnify_application_tokens_description(list, index);
  token.created = emnify_application_tokens_created(list, index);
  token.expiry_date = emnify_application_tokens_expiry_date(list, index);
  token.ip_range = emnify_application_tokens_ip_range(list, index);
  token.revoked = emnify_application_tokens_is_revoked(list, index) != 0;
  return token;
}

inline std::uint32_t milliseconds(std::chrono::milliseconds time) noexcept {
  const std::chrono::milliseconds::rep count = time.count();
  if (count < 0) {
    return 1; // "already over" is not "the default"
  }
  return count > static_cast<std::chrono::milliseconds::rep>(UINT32_MAX)
             ? UINT32_MAX
             : static_cast<std::uint32_t>(count);
}

} // namespace detail

/**
 * A client: owns an emnify_client and the function that gets its log. A handle of the size of a
 * pointer, to be moved and not copied; const says that the handle does not change, not that
 * nothing happens. Calls on an empty one fail with status::invalid_argument.
 */
class client {
public:
  /** None. */
  client() noexcept = default;

  /** Takes over a client that emnify.h gave out. */
  static client adopt(emnify_client *owned) { return client(owned, nullptr); }

  /** Makes a client. Sends nothing. See emnify_client_new. */
  EMNIFY_CPP_NODISCARD_ static result<client> try_create(const config &settings) {
    const detail::argument application_token(settings.application_token);
    const detail::argument username(settings.username);
    const detail::argument password(settings.password);
    const detail::argument password_sha1(settings.password_sha1);
    const detail::argument refresh_token(settings.refresh_token);
    const detail::argument device_fingerprint(settings.device_fingerprint);
    const detail::argument base_url(settings.base_url);
    const detail::argument ca_file(settings.ca_file);
    const detail::argument proxy(settings.proxy);
    const detail::argument bind_interface(settings.bind_interface);
    const detail::argument user_agent(settings.user_agent);
    std::shared_ptr<log_function> log;

    emnify_config c = EMNIFY_CONFIG_INIT;
    c.application_token = application_token.or_null();
    c.username = username.or_null();
    c.password = password.or_null();
    c.password_sha1 = password_sha1.or_null();
    c.refresh_token = refresh_token.or_null();
    c.device_fingerprint = device_fingerprint.or_null();
    c.base_url = base_url.or_null();
    c.ca_file = ca_file.or_null();
    c.proxy = proxy.or_null();
    c.bind_interface = bind_interface.or_null();
    c.user_agent = user_agent.or_null();
    c.connect_timeout_ms = detail::milliseconds(settings.connect_timeout);
    c.timeout_ms = detail::milliseconds(settings.timeout);
    c.max_response_bytes = settings.max_response_bytes;
    c.ip_family = static_cast<std::int32_t>(settings.ip_family);
    c.allow_plain_http = settings.allow_plain_http ? 1 : 0;
    c.log_level = static_cast<std::int32_t>(settings.log_level);
    if (settings.log) {
      log = std::make_shared<log_function>(settings.log);
      c.log = detail::log_line;
      c.log_context = log.get();
    }
    return made(&c, std::move(log));
  }

  /** Makes a client with settings from the environment. See emnify_client_new with NULL. */
  EMNIFY_CPP_NODISCARD_ static result<client> try_from_environment() {
    return made(nullptr, nullptr);
  }

  /** A bearer token. See emnify_auth_token. The text is not wiped: see try_auth_token_secret. */
  EMNIFY_CPP_NODISCARD_ result<std::string> try_auth_token() const {
    result<secret> token = try_auth_token_secret();
    if (!token) {
      return failed<std::string>(std::move(token));
    }
    return result<std::string>(token->str());
  }

  /** A bearer token that is wiped when it is released. See emnify_auth_token. */
  EMNIFY_CPP_NODISCARD_ result<secret> try_auth_token_secret() const {
    char *token = nullptr;
    emnify_error *error = nullptr;
    const emnify_status status = emnify_auth_token(get(), &token, &error);
    return result<secret>(result<void>(status, error), secret(token));
  }

  /**
   * Copies a bearer token and a NUL into a buffer; 4096 bytes will do. Nothing is allocated while
   * the client has a good token. After status::buffer_too_small, the value's length is how long the
   * token is. See emnify_auth_token_copy.
   */
  EMNIFY_CPP_NODISCARD_ result<copied_token> try_auth_token_copy(char *buffer,
                                                                 std::size_t capacity) const {
    copied_token token;
    std::uint32_t expires_in_s = 0;
    emnify_error *error = nullptr;
    const emnify_status status = emnify_auth_token_copy(get(), buffer, capacity, &token.length,
                                                        &expires_in_s, &error);
    token.expires_in = std::chrono::seconds(expires_in_s);
    return result<copied_token>(result<void>(status, error), token);
  }

  /**
   * Renews the token if that is due, and gives after how long to call again: at least a second, and
   * also where the call failed. See emnify_renew_if_due.
   */
  EMNIFY_CPP_NODISCARD_ result<std::chrono::seconds> try_renew_if_due() const {
    std::uint32_t next_s = 1;
    emnify_error *error = nullptr;
    const emnify_status status = emnify_renew_if_due(get(), &next_s, &error);
    return result<std::chrono::seconds>(result<void>(status, error), std::chrono::seconds(next_s));
  }

  /** Says that the service refused this token. See emnify_invalidate. */
  status invalidate(const std::string &token) const {
    const detail::argument text(token);
    return static_cast<status>(emnify_invalidate(get(), text.get()));
  }

  /** Says that the service refused this token. See emnify_invalidate. */
  status invalidate(const secret &token) const noexcept {
    return static_cast<status>(emnify_invalidate(get(), token.c_str()));
  }

  /** Forgets a refusal, a lock-out, a challenge and a back-off. See emnify_reset. */
  status reset() const noexcept { return static_cast<status>(emnify_reset(get())); }

  /** Ends all calls on their way, and those to come that need the network. See emnify_cancel. */
  status cancel() const noexcept { return static_cast<status>(emnify_cancel(get())); }

  /** Undoes cancel(). */
  status resume() const noexcept { return static_cast<status>(emnify_resume(get())); }

  /** Goes on with another application token. See emnify_set_application_token. */
  EMNIFY_CPP_NODISCARD_ result<void>
  try_set_application_token(const std::string &application_token) const {
    const detail::argument text(application_token);
    emnify_error *error = nullptr;
    const emnify_status status = emnify_set_application_token(get(), text.get(), &error);
    return result<void>(status, error);
  }

  /** Completes a sign-in with a one-time code. See emnify_submit_mfa_code. */
  EMNIFY_CPP_NODISCARD_ result<void> try_submit_mfa_code(const std::string &code) const {
    const detail::argument text(code);
    emnify_error *error = nullptr;
    const emnify_status status =
        emnify_submit_mfa_code(get(), text.get(), nullptr, nullptr, &error);
    return result<void>(status, error);
  }

  /**
   * Completes a sign-in with a one-time code, declares this device trusted under a name, and gives
   * the fingerprint to be kept for config::device_fingerprint. See emnify_submit_mfa_code.
   */
  EMNIFY_CPP_NODISCARD_ result<secret> try_submit_mfa_code(const std::string &code,
                                                           const std::string &device_name) const {
    const detail::argument text(code);
    const detail::argument name(device_name);
    char *fingerprint = nullptr;
    emnify_error *error = nullptr;
    const emnify_status status =
        emnify_submit_mfa_code(get(), text.get(), name.get(), &fingerprint, &error);
    return result<secret>(result<void>(status, error), secret(fingerprint));
  }

  /** Makes a client for another workspace, which may outlive this one. See emnify_workspace. */
  EMNIFY_CPP_NODISCARD_ result<client> try_workspace(std::uint64_t workspace_id) const {
    emnify_client *there = nullptr;
    emnify_error *error = nullptr;
    const emnify_status status = emnify_workspace(get(), workspace_id, &there, &error);
    return owning(status, there, error, parts_ ? parts_->log : nullptr);
  }

  /**
   * Calls the API. Any HTTP status is a response: see response::try_check. json_body: JSON, or
   * empty for none. See emnify_request.
   */
  EMNIFY_CPP_NODISCARD_ result<response> try_request(const std::string &method,
                                                     const std::string &path,
                                                     const std::string &json_body = "") const {
    const detail::argument method_text(method);
    const detail::argument path_text(path);
    const detail::argument body_text(json_body);
    emnify_response *answer = nullptr;
    emnify_error *error = nullptr;
    const emnify_status status = emnify_request(get(), method_text.get(), path_text.get(),
                                                body_text.or_null(), &answer, &error);
    return result<response>(result<void>(status, error), response(answer));
  }

  /** Sends an SMS to an endpoint, and gives its id. See emnify_send_sms. */
  EMNIFY_CPP_NODISCARD_ result<std::uint64_t> try_send_sms(std::uint64_t endpoint_id,
                                                           const std::string &text) const {
    const detail::argument sms(text);
    std::uint64_t id = 0;
    emnify_error *error = nullptr;
    const emnify_status status = emnify_send_sms(get(), endpoint_id, sms.get(), &id, &error);
    return result<std::uint64_t>(result<void>(status, error), id);
  }

  /** Makes an application token. See emnify_application_token_create. */
  EMNIFY_CPP_NODISCARD_ result<created_application_token>
  try_create_application_token(const new_application_token &wanted) const {
    const detail::argument description(wanted.description);
    const detail::argument expiry_date(wanted.expiry_date);
    const detail::argument ip_range(wanted.ip_range);
    char *text = nullptr;
    emnify_error *error = nullptr;
    created_application_token created;
    const emnify_status status = emnify_application_token_create(
        get(), description.or_null(), expiry_date.or_null(), ip_range.or_null(), &text,
        &created.id, &error);
    created.application_token = secret(text);
    return result<created_application_token>(result<void>(status, error), std::move(created));
  }

  /** All application tokens, the revoked ones included. See emnify_application_token_list. */
  EMNIFY_CPP_NODISCARD_ result<std::vector<application_token>> try_application_tokens() const {
    detail::owned<emnify_application_tokens> list;
    result<void> outcome = fetch(list);
    std::vector<application_token> all(emnify_application_tokens_count(list.get()));
    for (std::size_t i = 0; i < all.size(); ++i) {
      all[i] = detail::application_token_at(list.get(), i);
    }
    return result<std::vector<application_token>>(std::move(outcome), std::move(all));
  }

  /** The application token with this id, revoked or not; one of id 0 where there is none. */
  EMNIFY_CPP_NODISCARD_ result<application_token>
  try_find_application_token(std::uint64_t id) const {
    detail::owned<emnify_application_tokens> list;
    result<void> outcome = fetch(list);
    const std::size_t at = emnify_application_tokens_find_by_id(list.get(), id);
    return result<application_token>(std::move(outcome),
                                     detail::application_token_at(list.get(), at));
  }

  /**
   * The one application token that has this description and is not revoked; one of id 0 where there
   * is none, or several, or the description is "". See
   * emnify_application_tokens_find_by_description.
   */
  EMNIFY_CPP_NODISCARD_ result<application_token>
  try_find_application_token(const std::string &description) const {
    const detail::argument text(description);
    detail::owned<emnify_application_tokens> list;
    result<void> outcome = fetch(list);
    const std::size_t at = emnify_application_tokens_find_by_description(list.get(), text.get());
    return result<application_token>(std::move(outcome),
                                     detail::application_token_at(list.get(), at));
  }

  /** Changes what an application token is for. See emnify_application_token_describe. */
  EMNIFY_CPP_NODISCARD_ result<void>
  try_describe_application_token(std::uint64_t id, const std::string &description) const {
    const detail::argument text(description);
    emnify_error *error = nullptr;
    const emnify_status status = emnify_application_token_describe(get(), id, text.get(), &error);
    return result<void>(status, error);
  }

  /** Revokes an application token. See emnify_application_token_revoke. */
  EMNIFY_CPP_NODISCARD_ result<void> try_revoke_application_token(std::uint64_t id) const {
    emnify_error *error = nullptr;
    const emnify_status status = emnify_application_token_revoke(get(), id, &error);
    return result<void>(status, error);
  }

  /**
   * Replaces the application token that the client uses; keep stores the new one's secret. Where
   * keep throws, the rotation is undone, and the status is status::storage: what it threw is
   * lost. See emnify_application_token_rotate.
   */
  EMNIFY_CPP_NODISCARD_ result<rotated_application_token>
  try_rotate_application_token(std::uint64_t old_id, const new_application_token &wanted,
                               const keep_function &keep) const {
    detail::keep_call call = keeping(keep);
    return rotated(old_id, wanted, call);
  }

#if EMNIFY_CPP_EXCEPTIONS
  /** Makes a client. Sends nothing. See emnify_client_new. */
  explicit client(const config &settings) : client(try_create(settings).value()) {}
  /** Makes a client with settings from the environment. See emnify_client_new with NULL. */
  EMNIFY_CPP_NODISCARD_ static client from_environment() { return try_from_environment().value(); }
  /** A bearer token. See emnify_auth_token. The text is not wiped: see auth_token_secret. */
  EMNIFY_CPP_NODISCARD_ std::string auth_token() const { return try_auth_token().value(); }
  /** A bearer token that is wiped when it is released. See emnify_auth_token. */
  EMNIFY_CPP_NODISCARD_ secret auth_token_secret() const { return try_auth_token_secret().value(); }
  /** Copies a bearer token into a buffer; 4096 bytes will do. See emnify_auth_token_copy. */
  copied_token auth_token_copy(char *buffer, std::size_t capacity) const {
    return try_auth_token_copy(buffer, capacity).value();
  }
  /**
   * Renews the token if that is due, and gives after how long to call again. After an exception,
   * that is its retry_after(), and a second at least. See emnify_renew_if_due.
   */
  std::chrono::seconds renew_if_due() const { return try_renew_if_due().value(); }
  /** Goes on with another application token. See emnify_set_application_token. */
  void set_application_token(const std::string &application_token) const {
    try_set_application_token(application_token).value();
  }
  /** Completes a sign-in with a one-time code. See emnify_submit_mfa_code. */
  void submit_mfa_code(const std::string &code) const { try_submit_mfa_code(code).value(); }
  /** Likewise, and gives the fingerprint of this device, which is trusted from now on. */
  EMNIFY_CPP_NODISCARD_ secret submit_mfa_code(const std::string &code,
                                               const std::string &device_name) const {
    return try_submit_mfa_code(code, device_name).value();
  }
  /** Makes a client for another workspace, which may outlive this one. See emnify_workspace. */
  EMNIFY_CPP_NODISCARD_ client workspace(std::uint64_t workspace_id) const {
    return try_workspace(workspace_id).value();
  }
  /** Calls the API. Any HTTP status is a response: see response::check. See emnify_request. */
  EMNIFY_CPP_NODISCARD_ response request(const std::string &method, const std::string &path,
                                         const std::string &json_body = "") const {
    return try_request(method, path, json_body).value();
  }
  /** Sends an SMS to an endpoint, and gives its id. See emnify_send_sms. */
  std::uint64_t send_sms(std::uint64_t endpoint_id, const std::string &text) const {
    return try_send_sms(endpoint_id, text).value();
  }
  /** Makes an application token. See emnify_application_token_create. */
  EMNIFY_CPP_NODISCARD_ created_application_token
  create_application_token(const new_application_token &wanted) const {
    return try_create_application_token(wanted).value();
  }
  /** All application tokens, the revoked ones included. See emnify_application_token_list. */
  EMNIFY_CPP_NODISCARD_ std::vector<application_token> application_tokens() const {
    return try_application_tokens().value();
  }
  /** The application token with this id, revoked or not; one of id 0 where there is none. */
  EMNIFY_CPP_NODISCARD_ application_token find_application_token(std::uint64_t id) const {
    return try_find_application_token(id).value();
  }
  /**
   * The one application token that has this description and is not revoked; one of id 0 where there
   * is none, or several, or the description is "". See
   * emnify_application_tokens_find_by_description.
   */
  EMNIFY_CPP_NODISCARD_ application_token
  find_application_token(const std::string &description) const {
    return try_find_application_token(description).value();
  }
  /** Changes what an application token is for. See emnify_application_token_describe. */
  void describe_application_token(std::uint64_t id, const std::string &description) const {
    try_describe_application_token(id, description).value();
  }
  /** Revokes an application token. See emnify_application_token_revoke. */
  void revoke_application_token(std::uint64_t id) const {
    try_revoke_application_token(id).value();
  }
  /**
   * Replaces the application token that the client uses; keep stores the new one's secret. Where
   * keep throws, the rotation is undone, and an emnify::exception of status::storage is thrown that
   * has what keep threw nested in it, for std::rethrow_if_nested: its own words say whether the new
   * token could be taken back. See emnify_application_token_rotate.
   */
  EMNIFY_CPP_NODISCARD_ rotated_application_token
  rotate_application_token(std::uint64_t old_id, const new_application_token &wanted,
                           const keep_function &keep) const {
    detail::keep_call call = keeping(keep);
    result<rotated_application_token> outcome = rotated(old_id, wanted, call);
    if (!outcome && call.thrown) {
      try {
        std::rethrow_exception(call.thrown);
      } catch (...) {
        const ::emnify::status status = outcome.status();
        std::throw_with_nested(exception(status, std::move(outcome).error()));
      }
    }
    return std::move(outcome).value();
  }
#endif

  /** Whether there is one. */
  explicit operator bool() const noexcept { return parts_ != nullptr; }
  /** The client of emnify.h, for its functions; still owned by this one. */
  emnify_client *get() const noexcept { return parts_ ? parts_->handle.get() : nullptr; }

private:
  client(emnify_client *owned, std::shared_ptr<const log_function> log) {
    detail::owned<emnify_client> handle(owned); // released also where there is no memory
    parts_.reset(new detail::client_parts);
    parts_->handle = std::move(handle);
    parts_->log = std::move(log);
  }

  static result<client> made(const emnify_config *c, std::shared_ptr<const log_function> log) {
    emnify_client *owned = nullptr;
    emnify_error *error = nullptr;
    const emnify_status status = emnify_client_new(c, &owned, &error);
    return owning(status, owned, error, std::move(log));
  }

  static result<client> owning(emnify_status status, emnify_client *owned, emnify_error *error,
                               std::shared_ptr<const log_function> log) {
    result<void> outcome(status, error);
    return outcome ? result<client>(client(owned, std::move(log)))
                   : result<client>(std::move(outcome));
  }

  template <typename To, typename From> static result<To> failed(result<From> &&from) {
    const emnify_status status = static_cast<emnify_status>(from.status());
    return result<To>(result<void>(status, std::move(from).error().release()));
  }

  static detail::keep_call keeping(const keep_function &keep) {
#if EMNIFY_CPP_EXCEPTIONS
    return detail::keep_call{keep, nullptr};
#else
    return detail::keep_call{keep};
#endif
  }

  result<void> fetch(detail::owned<emnify_application_tokens> &list) const {
    emnify_application_tokens *fetched = nullptr;
    emnify_error *error = nullptr;
    const emnify_status status = emnify_application_token_list(get(), &fetched, &error);
    list.reset(fetched);
    return result<void>(status, error);
  }

  result<rotated_application_token> rotated(std::uint64_t old_id,
                                            const new_application_token &wanted,
                                            detail::keep_call &call) const {
    const detail::argument description(wanted.description);
    const detail::argument expiry_date(wanted.expiry_date);
    const detail::argument ip_range(wanted.ip_range);
    const emnify_keep_fn keep = call.keep ? detail::keep_secret : nullptr;
    std::int32_t old_revoked = 0;
    emnify_error *error = nullptr;
    rotated_application_token done;
    const emnify_status status = emnify_application_token_rotate(
        get(), old_id, description.or_null(), expiry_date.or_null(), ip_range.or_null(), keep,
        &call, &done.id, &old_revoked, &error);
    done.old_revoked = old_revoked != 0;
    return result<rotated_application_token>(result<void>(status, error), done);
  }

  std::unique_ptr<detail::client_parts> parts_;
};

namespace detail {

// A text with NULs inside goes through C in pieces.
inline result<std::string> joined(const std::string &text, char *(*transform)(const char *),
                                  std::size_t quotes, const char *nul) {
  std::string all;
  std::size_t start = 0;
  for (;;) {
    const secret piece(transform(text.c_str() + start));
    if (!piece) {
      return result<std::string>(result<void>(EMNIFY_ERROR_INVALID_ARGUMENT));
    }
    all.append(piece.c_str() + quotes, piece.size() - 2 * quotes);
    start = text.find('\0', start);
    if (start == std::string::npos) {
      return result<std::string>(std::move(all));
    }
    all += nul;
    ++start;
  }
}

} // namespace detail

/**
 * The text as a JSON string with its quotes; see emnify_json_quote. NULs are quoted as well.
 * status::invalid_argument where it is not UTF-8.
 */
EMNIFY_CPP_NODISCARD_ inline result<std::string> try_json_quote(const std::string &text) {
  result<std::string> quoted = detail::joined(text, emnify_json_quote, 1, "\\u0000");
  if (quoted) {
    *quoted = '"' + *quoted + '"';
  }
  return quoted;
}

/**
 * The text with everything escaped that means something in a URL; see emnify_url_escape. NULs are
 * escaped as well. status::invalid_argument where it is not UTF-8.
 */
EMNIFY_CPP_NODISCARD_ inline result<std::string> try_url_escape(const std::string &text) {
  return detail::joined(text, emnify_url_escape, 0, "%00");
}

#if EMNIFY_CPP_EXCEPTIONS
/** The text as a JSON string with its quotes; see emnify_json_quote. */
EMNIFY_CPP_NODISCARD_ inline std::string json_quote(const std::string &text) {
  result<std::string> quoted = try_json_quote(text);
  if (!quoted) {
    throw exception(quoted.status(), "text is not UTF-8");
  }
  return *std::move(quoted);
}

/** The text with everything escaped that means something in a URL; see emnify_url_escape. */
EMNIFY_CPP_NODISCARD_ inline std::string url_escape(const std::string &text) {
  result<std::string> escaped = try_url_escape(text);
  if (!escaped) {
    throw exception(escaped.status(), "text is not UTF-8");
  }
  return *std::move(escaped);
}
#endif

static_assert(sizeof(client) == sizeof(void *), "a client is passed on as a pointer");
static_assert(sizeof(error) == sizeof(void *), "owning an error costs nothing");
static_assert(sizeof(response) == sizeof(void *), "owning a response costs nothing");
static_assert(sizeof(secret) == sizeof(void *), "owning a text costs nothing");
static_assert(std::is_nothrow_move_constructible<client>::value &&
                  !std::is_copy_constructible<client>::value,
              "clients are moved");

EMNIFY_CPP_END_

#undef EMNIFY_CPP_BEGIN_
#undef EMNIFY_CPP_END_
#undef EMNIFY_CPP_NODISCARD_
#undef EMNIFY_CPP_NODISCARD_TYPE_

#endif // EMNIFY_HPP
