//! Application tokens: make, list, describe, revoke, rotate.

mod checks;

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use self::checks::{is_cidr, is_date_or_time};
use crate::client::{Client, Parts};
use crate::credentials::{Credentials, Kind};
use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind};
use crate::log::LogLevel;
use crate::members::{self, Named};

const PATH: &str = "/api/v1/application_token";

/// An application token as the service lists it: everything but its secret.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct ApplicationToken {
    /// Its id, by which it is revoked; 0 where the service does not say it.
    #[serde(default, deserialize_with = "members::id")]
    pub id: u64,
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// When it was made.
    #[serde(default)]
    pub created: Option<String>,
    /// 0 activated, 1 revoked.
    #[serde(default)]
    pub status: Option<Named>,
    /// When it ends, if it does.
    #[serde(default)]
    pub expiry_date: Option<String>,
    /// The addresses it may be used from, in CIDR notation; any, where there is none.
    #[serde(default)]
    pub ip: Option<String>,
}

impl ApplicationToken {
    /// Whether it has been revoked.
    pub fn is_revoked(&self) -> bool {
        self.status.as_ref().and_then(|status| status.id) == Some(REVOKED)
    }
}

const REVOKED: u64 = 1;

/// What an application token that is about to be made shall be like.
#[derive(Clone, Debug, Default, Serialize)]
pub struct NewApplicationToken {
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiry_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip: Option<String>,
}

impl NewApplicationToken {
    /// One without a description, that does not expire, and may be used from any address.
    pub fn new() -> Self {
        Self::default()
    }

    /// What it is for. With a text that no other has, the new token's id can be told.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }

    /// When it shall end: a date such as `2031-10-29`, or a time such as `2031-10-29T12:00:00Z`.
    pub fn expiry_date(mut self, date: impl Into<String>) -> Self {
        self.expiry_date = Some(date.into());
        self
    }

    /// The addresses from which it may be used, in CIDR notation, such as `192.0.2.0/24`.
    pub fn ip_range(mut self, range: impl Into<String>) -> Self {
        self.ip = Some(range.into());
        self
    }

    fn check(&self) -> Result<(), Error> {
        if self.expiry_date.as_deref().is_some_and(|date| !is_date_or_time(date)) {
            return Err(Error::invalid(
                "expiry_date must be a date such as 2031-10-29 or a time such as \
                 2031-10-29T12:00:00Z",
            ));
        }
        if self.ip.as_deref().is_some_and(|range| !is_cidr(range)) {
            return Err(Error::invalid(
                "ip_range must be in CIDR notation, such as 192.0.2.0/24, or 192.0.2.7/32 for a \
                 single address",
            ));
        }
        Ok(())
    }
}

/// An application token that was just made. Its secret is shown this once.
#[derive(Clone)]
#[non_exhaustive]
pub struct CreatedApplicationToken {
    secret: SecretString,
    /// Its id, where that could be told: the service does not say it, so the list is compared
    /// before and after, and somebody else may have made a token of the same description in between.
    pub id: Option<u64>,
}

impl CreatedApplicationToken {
    /// The secret, to be stored. It cannot be asked for again.
    pub fn secret(&self) -> &str {
        self.secret.expose_secret()
    }
}

impl fmt::Debug for CreatedApplicationToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreatedApplicationToken").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What [`Client::rotate_application_token`] has done.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RotatedApplicationToken {
    /// The new token, which the client uses from now on.
    pub new: CreatedApplicationToken,
    /// Why the old one could not be revoked, if so. It still works; revoke it later.
    pub old_not_revoked: Option<Error>,
}

impl Client {
    /// Makes an application token.
    ///
    /// Makes three calls: to learn the new token's id, the list is fetched before and after.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for a date or a range that is none, and those of any call. Where the answer
    /// to the second call is lost, cannot be read, or is a 5xx, a token may have been made that
    /// nobody has the secret of: the message says so.
    pub fn create_application_token(
        &self,
        new: &NewApplicationToken,
    ) -> Result<CreatedApplicationToken, Error> {
        #[derive(Deserialize)]
        struct Created {
            application_token: SecretString,
            /// Not there as far as anybody has seen, though the documentation once says so.
            #[serde(default, deserialize_with = "members::id_if_any")]
            id: Option<u64>,
        }
        new.check()?;
        let before = self.application_tokens()?;
        let created = self.post(PATH).json(new).call().and_then(|response| response.json());
        let Created { application_token: secret, id } = created.map_err(|error| {
            if !error.may_be_done() {
                return error;
            }
            error.with_remark(
                "an application token may have been made that nobody has the secret of: look \
                 through the list, and revoke it",
            )
        })?;
        if let Some(id) = id.filter(|id| *id != 0) {
            return Ok(CreatedApplicationToken { secret, id: Some(id) });
        }
        let is_new = |token: &ApplicationToken| {
            token.id != 0
                && before.iter().all(|known| known.id != token.id)
                && token.description.as_deref().unwrap_or_default()
                    == new.description.as_deref().unwrap_or_default()
        };
        // The secret is here and would be lost with an error: without the list there is no id.
        let after = self.application_tokens().unwrap_or_default();
        let id = the_only(after.iter().filter(|token| is_new(token))).map(|token| token.id);
        Ok(CreatedApplicationToken { secret, id })
    }

    /// All application tokens, the revoked ones included.
    ///
    /// # Errors
    ///
    /// Those of any call.
    pub fn application_tokens(&self) -> Result<Vec<ApplicationToken>, Error> {
        self.get(PATH).whole()
    }

    /// The application token with this id; `None` where there is none.
    ///
    /// # Errors
    ///
    /// Those of any call.
    pub fn application_token(&self, id: u64) -> Result<Option<ApplicationToken>, Error> {
        // The service has no call for a single one. An id of 0 stands for one that it did not say.
        Ok(self.application_tokens()?.into_iter().find(|token| token.id == id && id != 0))
    }

    /// The one application token that has exactly this description and is not revoked: by it, a
    /// device learns the id of its own. `None` where there is none, and where there are several, since
    /// nothing says which is meant. So it is for an empty description, which says nothing either.
    ///
    /// # Errors
    ///
    /// Those of any call.
    pub fn application_token_described(
        &self,
        description: &str,
    ) -> Result<Option<ApplicationToken>, Error> {
        // One without a description must not be found by a device whose own was left empty: it is
        // somebody else's, and would be revoked by the next rotation.
        let is_it = |token: &ApplicationToken| {
            !description.is_empty()
                && !token.is_revoked()
                && token.description.as_deref() == Some(description)
        };
        Ok(the_only(self.application_tokens()?.into_iter().filter(is_it)))
    }

    /// Changes what an application token says it is for.
    ///
    /// # Errors
    ///
    /// `Rejected` where there is none with this id, and those of any call.
    pub fn describe_application_token(&self, id: u64, description: &str) -> Result<(), Error> {
        #[derive(Serialize)]
        struct Change<'a> {
            description: &'a str,
        }
        self.patch(format!("{PATH}/{id}")).json(&Change { description }).call()?.check()
    }

    /// Revokes an application token: it signs nobody in from now on. Auth tokens that it got before
    /// live on until their own end.
    ///
    /// # Errors
    ///
    /// `Rejected` where there is none with this id, and those of any call.
    pub fn revoke_application_token(&self, id: u64) -> Result<(), Error> {
        #[derive(Serialize)]
        struct Status {
            id: u64,
        }
        #[derive(Serialize)]
        struct Change {
            status: Status,
        }
        let change = Change { status: Status { id: REVOKED } };
        self.patch(format!("{PATH}/{id}")).json(&change).call()?.check()
    }

    /// Replaces the application token that this client uses, which has the id `old`, by a new one.
    ///
    /// Makes the new one, signs in with it, has `keep` store its secret, switches this client to it,
    /// and revokes the old one, in this order: at every point at least one of the two is both valid
    /// and stored, so that a device that loses power comes back with one that works.
    ///
    /// The service does not say which token a client has signed in with, so that a wrong `old` cannot
    /// be noticed: the token that it belongs to is revoked, and the client's own stays valid, unused.
    ///
    /// Makes six requests, each of which may take the client's [`timeout`](crate::ClientBuilder::timeout).
    /// The sign-in counts among the client's 10 in 5 minutes, and is not made during a rate limit;
    /// where it could not be made, no token is.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` on a client that does not sign in with an application token, where there is
    /// no active token `old`, and for a date or a range that is none; those of any call; and what
    /// `keep` says, as [`ErrorKind::Storage`]. The old token then still works and the client still
    /// uses it; the new one is revoked again, or, where that fails as well, the message says that it
    /// was left behind. `Cancelled` also where the client was given other credentials meanwhile: it
    /// uses those, and the message says what is valid beside them. Only a failure to revoke the old
    /// one is not an error: see [`RotatedApplicationToken::old_not_revoked`].
    pub fn rotate_application_token(
        &self,
        old: u64,
        new: &NewApplicationToken,
        keep: impl FnOnce(&str) -> Result<(), String>,
    ) -> Result<RotatedApplicationToken, Error> {
        // First, since nothing is sent for an argument that is wrong by itself.
        new.check()?;
        let Parts { cache, timeout, log, .. } = self.parts()?;
        let in_use = cache.credentials();
        if !matches!(in_use.kind(), Kind::ApplicationToken(_)) {
            return Err(Error::invalid(
                "client: it does not sign in with an application token, so that there is none to \
                 rotate",
            ));
        }
        if old == 0 {
            return Err(Error::invalid(
                "old_id is 0, which is no id; give that of the application token in use",
            ));
        }
        match self.application_token(old)? {
            Some(token) if !token.is_revoked() => {}
            _ => {
                return Err(Error::invalid(format!(
                    "the application token {old} is not there, or is revoked already; give the id \
                     of the one that this client uses"
                )));
            }
        }
        // Before there is something that would have to be taken back.
        cache.may_try_out()?;
        let created = self.create_application_token(new)?;
        let credentials = Credentials::application_token(created.secret());
        let signed_in = cache
            .try_out(&credentials, Deadline::after(timeout))
            .map_err(|error| error.of("the new application token, which was only tried out"));
        let stored = signed_in.and_then(|token| {
            if !cache.credentials().are_those(&in_use) {
                return Err(replaced_meanwhile());
            }
            keep(created.secret()).map_err(|reason| {
                Error::new(
                    ErrorKind::Storage,
                    format!("the new application token could not be stored: {reason}"),
                )
            })?;
            Ok(token)
        });
        let token = match stored {
            Ok(token) => token,
            Err(error) => return Err(self.take_back(created.id, error)),
        };
        if !cache.adopt(&in_use, credentials, token) {
            // What is stored must stay valid, so that this is not taken back.
            let id = created.id.map_or_else(|| "of unknown id".to_owned(), |id| id.to_string());
            let both = format!(
                "the new application token, {id}, is stored and valid, and the old one may be"
            );
            return Err(replaced_meanwhile().with_remark(&both));
        }
        let old_not_revoked = self.revoke_application_token(old).err();
        if let Some(error) = &old_not_revoked {
            log.line(LogLevel::Warning, || {
                format!("application token {old} is replaced but could not be revoked: {error}")
            });
        }
        Ok(RotatedApplicationToken { new: created, old_not_revoked })
    }

    /// After a rotation that failed: revokes the successor, or says that it is left behind.
    fn take_back(&self, successor: Option<u64>, error: Error) -> Error {
        let left = match successor {
            Some(id) => match self.revoke_application_token(id) {
                Ok(()) => return error,
                Err(_) => format!("the new application token {id} is left behind, revoke it"),
            },
            None => "a new application token of unknown id is left behind, revoke it".to_owned(),
        };
        error.with_remark(&left)
    }
}

/// The first of them, if there is no second one.
fn the_only<T>(mut candidates: impl Iterator<Item = T>) -> Option<T> {
    candidates.next().filter(|_| candidates.next().is_none())
}

fn replaced_meanwhile() -> Error {
    Error::new(
        ErrorKind::Cancelled,
        "the client was given other credentials while its application token was rotated; it uses \
         those",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_asked_for_is_sent() {
        let json = |new: &NewApplicationToken| serde_json::to_string(new).unwrap();
        assert_eq!(json(&NewApplicationToken::new()), "{}");
        let all = NewApplicationToken::new()
            .description("d")
            .expiry_date("2031-10-29")
            .ip_range("192.0.2.0/24");
        assert_eq!(
            json(&all),
            r#"{"description":"d","expiry_date":"2031-10-29","ip":"192.0.2.0/24"}"#
        );
    }
}
