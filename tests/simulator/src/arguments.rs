//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use emnify_simulator::{Simulator, SimulatorBuilder, User};
use lexopt::{Arg, Parser, ValueExt};

pub(crate) const HELP: &str = "\
emnify-simulator: a stateful stand-in for the emnify REST API, for tests

Usage: emnify-simulator [OPTIONS]

  --address HOST:PORT          listen there (default 127.0.0.1:0, a free port)
  --tls                        speak TLS under a CA that is made at the start
  --ca-out FILE                write the CA certificate there, in PEM
  --server-name NAME           a name in the certificate, instead of localhost,
                               127.0.0.1 and ::1 (repeatable)
  --url-out FILE               write the base URL there once it listens
  --token-lifetime SECONDS     how long auth tokens last (default 14400)
  --refresh-lifetime SECONDS   how long refresh tokens last (default 21000)
  --rotate-refresh-tokens      answer a refresh with a new refresh token
  --sign-in-limit N            sign-ins within 5 minutes (default 100, 0 for any number)
  --fleet-size N               how many SIMs and endpoints there are (default 25)
  --application-token SECRET   one more application token (repeatable)
  --user NAME:PASSWORD         one more user (repeatable)
  --log FILE|-                 a line per request, appended to FILE or to the output
  --show-secrets               GET /_control/requests shows secrets
  --help                       this text

It prints its base URL, and ends on SIGTERM or SIGINT. The control endpoint is
under /_control/; see README.md.
";

/// What the command line asks for.
pub(crate) enum Wanted {
    Help,
    Run { builder: Box<SimulatorBuilder>, url_out: Option<PathBuf> },
}

/// Reads the command line. The error names the argument.
pub(crate) fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Wanted, String> {
    let mut parser = Parser::from_args(arguments);
    let mut builder = Simulator::builder();
    let (mut url_out, mut tls, mut ca_out) = (None, false, None);
    let mut server_names = Vec::new();
    while let Some(name) = next_name(&mut parser)? {
        builder = match name.as_str() {
            "help" => return Ok(Wanted::Help),
            "tls" => {
                tls = true;
                builder.tls(true)
            }
            "rotate-refresh-tokens" => builder.rotate_refresh_tokens(true),
            "show-secrets" => builder.show_secrets(true),
            "address" => builder.address(text(&mut parser, &name)?),
            "ca-out" => {
                let path = path(&mut parser, &name)?;
                ca_out = Some(path.clone());
                builder.write_ca(path)
            }
            "url-out" => {
                url_out = Some(path(&mut parser, &name)?);
                builder
            }
            "server-name" => {
                server_names.push(text(&mut parser, &name)?);
                builder
            }
            "token-lifetime" => builder.token_lifetime(seconds(&mut parser, &name)?),
            "refresh-lifetime" => builder.refresh_lifetime(seconds(&mut parser, &name)?),
            "sign-in-limit" => match number(&mut parser, &name)? {
                0 => builder.no_sign_in_limit(),
                limit => builder.sign_in_limit(size(limit), Duration::from_secs(300)),
            },
            "fleet-size" => builder.fleet_size(size(number(&mut parser, &name)?)),
            "application-token" => builder.application_token(text(&mut parser, &name)?),
            "user" => {
                let value = text(&mut parser, &name)?;
                // The value itself is not shown: it holds a password.
                let (user, password) =
                    value.split_once(':').ok_or("--user: the value is not NAME:PASSWORD")?;
                builder.user(User::new(user, password))
            }
            "log" => match path(&mut parser, &name)? {
                path if path.as_os_str() == "-" => builder.request_log(std::io::stdout()),
                path => builder.request_log_file(path),
            },
            _ => return Err(format!("unknown option --{name}; --help lists them")),
        };
    }
    if ca_out.is_some() && !tls {
        return Err("--ca-out needs --tls".into());
    }
    if !server_names.is_empty() {
        if !tls {
            return Err("--server-name needs --tls".into());
        }
        builder = builder.server_names(server_names);
    }
    Ok(Wanted::Run { builder: Box::new(builder), url_out })
}

/// The name of the next option. Values are never shown: they may be secrets in a wrong place.
fn next_name(parser: &mut Parser) -> Result<Option<String>, String> {
    match parser.next() {
        Ok(Some(Arg::Long(name))) => Ok(Some(name.to_owned())),
        Ok(Some(Arg::Short(letter))) => Err(format!("unknown option -{letter}; --help lists them")),
        Ok(Some(Arg::Value(_))) => Err("an argument that belongs to no option".into()),
        Ok(None) => Ok(None),
        Err(lexopt::Error::UnexpectedValue { option, .. }) => {
            Err(format!("{option} takes no value"))
        }
        Err(_) => Err("an argument that cannot be read".into()),
    }
}

fn path(parser: &mut Parser, name: &str) -> Result<PathBuf, String> {
    match parser.value() {
        Ok(value) if !value.is_empty() => Ok(value.into()),
        _ => Err(format!("--{name}: the value is missing")),
    }
}

fn text(parser: &mut Parser, name: &str) -> Result<String, String> {
    path(parser, name)?
        .into_os_string()
        .string()
        .map_err(|_| format!("--{name}: the value is not UTF-8"))
}

fn number(parser: &mut Parser, name: &str) -> Result<u64, String> {
    let value = text(parser, name)?;
    value.parse().map_err(|_| format!("--{name}: {value} is not a whole number"))
}

fn seconds(parser: &mut Parser, name: &str) -> Result<Duration, String> {
    number(parser, name).map(Duration::from_secs)
}

fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
