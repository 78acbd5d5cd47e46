//! The settings of a client, as C gives them.

use std::ffi::{c_char, c_void};
use std::mem::{MaybeUninit, offset_of, size_of};
use std::time::Duration;

use super::argument;
use crate::{Client, ClientBuilder, Credentials, Error, IpFamily, LogLevel};

/// Level of a line about a sign-in that failed, and will until somebody acts: refused credentials, a
/// one-time code that is wanted.
pub const EMNIFY_LOG_ERROR: i32 = 1;
/// Level of a line about what failed: a sign-in, or something that was made up for, such as the
/// renewal of a token that is still good. The default of log_level.
pub const EMNIFY_LOG_WARNING: i32 = 2;
/// Level of a line about what a healthy client does a few times a day, such as a sign-in, and about
/// calls that are repeated.
pub const EMNIFY_LOG_INFO: i32 = 3;
/// Level of a line about a request with the token: there is one for each, with its status or what
/// went wrong.
pub const EMNIFY_LOG_DEBUG: i32 = 4;

/// Gets one line of log: level is one of EMNIFY_LOG_..., context is log_context, message is a text
/// without a line break and without a secret, valid during the call. Runs on the
/// thread that called the library, with no lock held, so on several at a time. It may call the
/// library, but not itself without end: a token that it asks for during the very sign-in that is to
/// bring it is EMNIFY_ERROR_INVALID_ARGUMENT at once. It must not throw, longjmp or pthread_exit.
pub type emnify_log_fn =
    Option<unsafe extern "C" fn(level: i32, message: *const c_char, context: *mut c_void)>;

/// The settings of a client. Start from EMNIFY_CONFIG_INIT, or from all zeros and set struct_size;
/// then set exactly one kind of credentials, and what else you need. NULL and 0 stand for the
/// default; "" is a mistake. Nothing in it is kept but log and log_context: texts are copied, files
/// are read before emnify_client_new returns. Wipe your copies of secrets then.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct emnify_config {
    /// sizeof(emnify_config), so that a program that was compiled with an older header works.
    pub struct_size: usize,
    /// Credentials, first kind, the one for devices: an application token, as made in the emnify
    /// portal or by emnify_application_token_create. NULL: another kind.
    pub application_token: *const c_char,
    /// Credentials, second kind: a user's name, which is an e-mail address, with password or
    /// password_sha1. Users with a second factor need emnify_submit_mfa_code. NULL: another kind.
    pub username: *const c_char,
    /// With username: the user's password in the clear. Hashed with SHA-1, as the service wants it,
    /// before it leaves the device. NULL: password_sha1 is set.
    pub password: *const c_char,
    /// With username, instead of password: its SHA-1 as 40 hex digits. NULL: password is set.
    pub password_sha1: *const c_char,
    /// Credentials, third kind: a refresh token of an earlier user session, good for one use. NULL:
    /// another kind.
    pub refresh_token: *const c_char,
    /// With username: the fingerprint of a device that the user has declared trusted, which
    /// spares the one-time code; emnify_submit_mfa_code makes one. NULL: none.
    pub device_fingerprint: *const c_char,
    /// Where the service is, "https://host[:port]". NULL: https://cdn.emnify.net. "/api" at the end
    /// makes no difference.
    pub base_url: *const c_char,
    /// Reserved for a file that keeps the token beyond the process. This version keeps tokens in
    /// memory only and refuses anything but NULL.
    pub token_file: *const c_char,
    /// The path of a file of PEM certificates that are trusted instead of the built-in ones; read
    /// once. NULL: the built-in ones.
    pub ca_file: *const c_char,
    /// An HTTP proxy, "http://[user:password@]host:port". NULL: none, whatever the
    /// environment says.
    pub proxy: *const c_char,
    /// The network interface that connections go out on, such as "wwan0". NULL: as routed.
    pub bind_interface: *const c_char,
    /// The name of your product, put before this library's own in User-Agent. NULL: none.
    pub user_agent: *const c_char,
    /// How many milliseconds of timeout_ms it may take to connect, TLS included. 0: 10,000.
    pub connect_timeout_ms: u32,
    /// How many milliseconds any call may take, everything included, waiting for another thread as
    /// well. 0: 30,000. There is no value for "for ever".
    pub timeout_ms: u32,
    /// The largest body of an answer that is read, in bytes, after decompression; a larger one is
    /// EMNIFY_ERROR_BAD_RESPONSE. 0: 16 MiB. Answers to sign-ins are read up to 64 KiB whatever
    /// this is.
    pub max_response_bytes: u32,
    /// Which addresses of the host are tried: 0 either kind, 4 IPv4 only, 6 IPv6 only; nothing else.
    pub ip_family: i32,
    /// Non-zero: "http://" is allowed in base_url for other hosts than this device itself.
    /// Credentials then travel in the clear. 0: refused.
    pub allow_plain_http: i32,
    /// The least important lines that log gets, one of EMNIFY_LOG_...: that level and all below it
    /// in number. 0: EMNIFY_LOG_WARNING.
    pub log_level: i32,
    /// Gets the client's lines of log. NULL: silent.
    pub log: emnify_log_fn,
    /// Given to log as it is; NULL will do. Has to be good for use by any thread that uses the client,
    /// until the last call on the client and its workspaces is over and all are released.
    pub log_context: *mut c_void,
}

/// The end of each field, in order: where an older header may have ended the struct.
const ENDS: [usize; 21] = {
    macro_rules! ends {
        ($($field:ident: $kind:ty),* $(,)?) => {
            [$(offset_of!(emnify_config, $field) + size_of::<$kind>()),*]
        };
    }
    ends![
        application_token: *const c_char,
        username: *const c_char,
        password: *const c_char,
        password_sha1: *const c_char,
        refresh_token: *const c_char,
        device_fingerprint: *const c_char,
        base_url: *const c_char,
        token_file: *const c_char,
        ca_file: *const c_char,
        proxy: *const c_char,
        bind_interface: *const c_char,
        user_agent: *const c_char,
        connect_timeout_ms: u32,
        timeout_ms: u32,
        max_response_bytes: u32,
        ip_family: i32,
        allow_plain_http: i32,
        log_level: i32,
        log: emnify_log_fn,
        log_context: *mut c_void,
        // Padding, if any, at the end.
        struct_size: [u8; size_of::<emnify_config>()],
    ]
};

/// Makes a client with the settings at `config`.
///
/// # Safety
///
/// `config` points to `struct_size` readable bytes, whose known part is an `emnify_config`.
pub(super) unsafe fn client(config: *const emnify_config) -> Result<Client, Error> {
    // SAFETY: as the caller promises.
    let config = unsafe { read(config) }?;
    // SAFETY: the texts are NULL or C strings, as the header asks for.
    unsafe { builder(&config) }?.build()
}

/// A copy of the known fields; those that the caller's header does not have are zero.
unsafe fn read(config: *const emnify_config) -> Result<emnify_config, Error> {
    const SIZE: usize = size_of::<emnify_config>();
    /// No later version will come near.
    const LARGEST: usize = 4096;

    // SAFETY: the first field is always there.
    let given = unsafe { (*config).struct_size };
    if given < ENDS[0] {
        return Err(Error::invalid(
            "config.struct_size is too small for any version of emnify_config; start from \
             EMNIFY_CONFIG_INIT, or set it to sizeof(emnify_config)",
        ));
    }
    // What an uninitialised struct holds there is as a rule far too much to be looked through.
    if given > LARGEST {
        return Err(Error::invalid(format!(
            "config.struct_size is {given}, which is no size of emnify_config; start from \
             EMNIFY_CONFIG_INIT, or set it to sizeof(emnify_config)"
        )));
    }
    if given > SIZE {
        // SAFETY: the caller promises that many readable bytes.
        let beyond =
            unsafe { std::slice::from_raw_parts(config.cast::<u8>().add(SIZE), given - SIZE) };
        if beyond.iter().any(|byte| *byte != 0) {
            return Err(Error::invalid(
                "config.struct_size: the program was compiled with a newer emnify.h and sets \
                 fields that this library does not know; install the newer library",
            ));
        }
    }
    // Whole fields only: half a pointer is not a pointer.
    let known = ENDS.into_iter().filter(|end| *end <= given).max().unwrap_or(0);
    let mut copy = MaybeUninit::<emnify_config>::zeroed();
    // SAFETY: `known` is at most the size of both, and all fields may be zero: NULL, 0 or None.
    Ok(unsafe {
        std::ptr::copy_nonoverlapping(config.cast::<u8>(), copy.as_mut_ptr().cast::<u8>(), known);
        copy.assume_init()
    })
}

/// A text of the config. An empty one is nobody's wish but a variable that was not set: with an
/// empty password, say, it would cost a failed sign-in, three of which lock the account.
///
/// # Safety
///
/// As for [`argument::text`].
unsafe fn setting<'a>(text: *const c_char, name: &str) -> Result<Option<&'a str>, Error> {
    // SAFETY: as the caller promises.
    match unsafe { argument::optional_text(text, name) }? {
        Some("") => Err(Error::invalid(format!("{name} is empty; leave it NULL if there is none"))),
        text => Ok(text),
    }
}

/// # Safety
///
/// The texts in `config` are NULL or end in a NUL.
unsafe fn builder(config: &emnify_config) -> Result<ClientBuilder, Error> {
    // SAFETY: as the caller promises.
    let text = |text, name: &str| unsafe { setting(text, name) };

    if text(config.token_file, "config.token_file")?.is_some() {
        return Err(Error::invalid(
            "config.token_file: this version keeps tokens in memory only; leave it NULL",
        ));
    }
    // SAFETY: as the caller promises.
    let mut builder = Client::builder(unsafe { credentials(config) }?)
        .allow_plain_http(config.allow_plain_http != 0)
        .ip_family(match config.ip_family {
            0 => IpFamily::Either,
            4 => IpFamily::V4,
            6 => IpFamily::V6,
            other => {
                return Err(Error::invalid(format!(
                    "config.ip_family is {other}; 0 is either, 4 is IPv4, 6 is IPv6"
                )));
            }
        });
    if let Some(fingerprint) = text(config.device_fingerprint, "config.device_fingerprint")? {
        builder = builder.device_fingerprint(fingerprint);
    }
    if let Some(url) = text(config.base_url, "config.base_url")? {
        builder = builder.base_url(url);
    }
    if let Some(path) = text(config.ca_file, "config.ca_file")? {
        builder = builder.ca_file(path);
    }
    if let Some(url) = text(config.proxy, "config.proxy")? {
        builder = builder.proxy(url);
    }
    if let Some(name) = text(config.bind_interface, "config.bind_interface")? {
        builder = builder.bind_interface(name);
    }
    if let Some(product) = text(config.user_agent, "config.user_agent")? {
        builder = builder.user_agent(product);
    }
    if config.connect_timeout_ms != 0 {
        builder = builder.connect_timeout(Duration::from_millis(config.connect_timeout_ms.into()));
    }
    if config.timeout_ms != 0 {
        builder = builder.timeout(Duration::from_millis(config.timeout_ms.into()));
    }
    if config.max_response_bytes != 0 {
        let bytes = usize::try_from(config.max_response_bytes).unwrap_or(usize::MAX);
        builder = builder.max_response_bytes(bytes);
    }
    let most = match config.log_level {
        EMNIFY_LOG_ERROR => LogLevel::Error,
        0 | EMNIFY_LOG_WARNING => LogLevel::Warning,
        EMNIFY_LOG_INFO => LogLevel::Info,
        EMNIFY_LOG_DEBUG => LogLevel::Debug,
        other => {
            return Err(Error::invalid(format!(
                "config.log_level is {other}; it is one of EMNIFY_LOG_..., 1 to 4, or 0"
            )));
        }
    };
    Ok(match config.log {
        Some(log) => builder.log(most, sink(log, config.log_context)),
        None => builder,
    })
}

/// Exactly one kind of credentials.
///
/// # Safety
///
/// The texts in `config` are NULL or end in a NUL.
unsafe fn credentials(config: &emnify_config) -> Result<Credentials, Error> {
    // SAFETY: as the caller promises.
    let text = |text, name: &str| unsafe { setting(text, name) };
    let application_token = text(config.application_token, "config.application_token")?;
    let username = text(config.username, "config.username")?;
    let password = text(config.password, "config.password")?;
    let password_sha1 = text(config.password_sha1, "config.password_sha1")?;
    let refresh_token = text(config.refresh_token, "config.refresh_token")?;

    let kinds = [
        ("application_token", application_token.is_some()),
        ("username", username.or(password).or(password_sha1).is_some()),
        ("refresh_token", refresh_token.is_some()),
    ];
    let given: Vec<&str> =
        kinds.iter().filter(|(_, given)| *given).map(|(name, _)| *name).collect();
    if let [first, second, ..] = given[..] {
        return Err(Error::invalid(format!(
            "config.{first} and config.{second} are different credentials; set one of them"
        )));
    }
    match (application_token, username, password, password_sha1, refresh_token) {
        (Some(token), ..) => Ok(Credentials::application_token(token)),
        (_, Some(name), Some(password), None, _) => Ok(Credentials::user(name, password)),
        (_, Some(name), None, Some(digest), _) => Credentials::user_sha1(name, digest),
        (.., Some(token)) => Ok(Credentials::refresh_token(token)),
        (_, Some(_), None, None, _) => Err(Error::invalid(
            "config.username is set without a password; set config.password or \
             config.password_sha1",
        )),
        (_, Some(_), Some(_), Some(_), _) => Err(Error::invalid(
            "config.password and config.password_sha1 are both set; set one of them",
        )),
        (_, None, Some(_), ..) | (_, None, _, Some(_), _) => {
            Err(Error::invalid("config.username is NULL, but a password is set"))
        }
        (None, None, None, None, None) => Err(Error::invalid(
            "config holds no credentials; set config.application_token, or config.username and \
             config.password",
        )),
    }
}

/// The callback with its context, which the caller has declared good for any thread.
struct Callback {
    log: unsafe extern "C" fn(i32, *const c_char, *mut c_void),
    context: *mut c_void,
}

// SAFETY: the context is not touched here, only handed back; the header demands that it may be
// used on any thread that uses the client.
unsafe impl Send for Callback {}
// SAFETY: likewise.
unsafe impl Sync for Callback {}

impl Callback {
    fn line(&self, level: LogLevel, text: &str) {
        let text = super::text::c_string(text);
        // SAFETY: the callback is a C function of this signature, and the text ends in a NUL.
        unsafe { (self.log)(level as i32, text.as_ptr(), self.context) };
    }
}

fn sink(
    log: unsafe extern "C" fn(i32, *const c_char, *mut c_void),
    context: *mut c_void,
) -> impl Fn(LogLevel, &str) + Send + Sync + 'static {
    let callback = Callback { log, context };
    // Through a method, so that the closure takes the whole callback and not its two fields.
    move |level, text| callback.line(level, text)
}
