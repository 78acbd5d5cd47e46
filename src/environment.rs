//! Settings from the environment, read only where a program asks for it.

use std::env::{self, VarError};

use crate::client::{Client, ClientBuilder};
use crate::credentials::Credentials;
use crate::error::Error;

/// A builder with what the environment says.
pub(crate) fn builder() -> Result<ClientBuilder, Error> {
    builder_from(|name| match env::var(name) {
        Ok(value) => Ok(Some(value)),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(Error::invalid(format!("{name} is not UTF-8"))),
    })
}

/// Apart from the environment itself, which tests in several threads must not change.
fn builder_from(
    look_up: impl Fn(&str) -> Result<Option<String>, Error>,
) -> Result<ClientBuilder, Error> {
    // Set to nothing is how a shell script unsets.
    let get = |name: &str| look_up(name).map(|value| value.filter(|text| !text.is_empty()));

    let token = get("EMNIFY_APPLICATION_TOKEN")?;
    let username = get("EMNIFY_USERNAME")?;
    let password = get("EMNIFY_PASSWORD")?;
    let credentials = match (token, username, password) {
        (Some(token), None, None) => Credentials::application_token(token),
        (None, Some(username), Some(password)) => Credentials::user(username, password),
        (None, Some(_), None) => {
            return Err(Error::invalid("EMNIFY_PASSWORD is not set, but EMNIFY_USERNAME is"));
        }
        (None, None, Some(_)) => {
            return Err(Error::invalid("EMNIFY_USERNAME is not set, but EMNIFY_PASSWORD is"));
        }
        (Some(_), _, _) => {
            return Err(Error::invalid(
                "EMNIFY_APPLICATION_TOKEN is set, and so is EMNIFY_USERNAME or EMNIFY_PASSWORD; \
                 unset one or the other",
            ));
        }
        (None, None, None) => {
            return Err(Error::invalid(
                "EMNIFY_APPLICATION_TOKEN is not set; set it, or EMNIFY_USERNAME and \
                 EMNIFY_PASSWORD",
            ));
        }
    };
    if get("EMNIFY_TOKEN_FILE")?.is_some() {
        return Err(Error::invalid(
            "EMNIFY_TOKEN_FILE is set, but this version keeps tokens in memory only; unset it",
        ));
    }
    let mut builder = Client::builder(credentials);
    if let Some(url) = get("EMNIFY_BASE_URL")? {
        builder = builder.base_url(url);
    }
    if let Some(path) = get("EMNIFY_CA_FILE")? {
        builder = builder.ca_file(path);
    }
    Ok(builder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)]) -> Result<ClientBuilder, Error> {
        builder_from(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            Ok(found.map(|(_, value)| (*value).to_owned()))
        })
    }

    fn complaint(variables: &[(&str, &str)]) -> String {
        with(variables).unwrap_err().to_string()
    }

    #[test]
    fn a_token_or_a_name_with_a_password_will_do() {
        let token = with(&[("EMNIFY_APPLICATION_TOKEN", "canary")]).unwrap();
        assert!(format!("{token:?}").contains("application token"));
        assert!(with(&[("EMNIFY_USERNAME", "a"), ("EMNIFY_PASSWORD", "canary")]).is_ok());
    }

    #[test]
    fn what_is_missing_or_contradicts_is_named() {
        assert!(complaint(&[]).starts_with("EMNIFY_APPLICATION_TOKEN is not set"));
        assert!(complaint(&[("EMNIFY_USERNAME", "a")]).starts_with("EMNIFY_PASSWORD is not set"));
        assert!(complaint(&[("EMNIFY_PASSWORD", "a")]).starts_with("EMNIFY_USERNAME is not set"));
        let both = [("EMNIFY_APPLICATION_TOKEN", "a"), ("EMNIFY_USERNAME", "b")];
        assert!(complaint(&both).contains("EMNIFY_USERNAME"));
    }

    #[test]
    fn a_variable_set_to_nothing_counts_as_not_set() {
        let variables = [("EMNIFY_APPLICATION_TOKEN", "a"), ("EMNIFY_USERNAME", "")];
        assert!(with(&variables).is_ok());
        assert!(with(&[("EMNIFY_APPLICATION_TOKEN", "")]).is_err());
    }

    #[test]
    fn the_url_and_the_certificates_are_taken_over() {
        let shown = format!(
            "{:?}",
            with(&[
                ("EMNIFY_APPLICATION_TOKEN", "a"),
                ("EMNIFY_BASE_URL", "https://api.example"),
                ("EMNIFY_CA_FILE", "ca.pem"),
            ])
            .unwrap()
        );
        assert!(shown.contains("https://api.example") && shown.contains("ca.pem"), "{shown}");
    }

    #[test]
    fn a_token_file_is_refused_with_a_word_rather_than_ignored() {
        let variables = [("EMNIFY_APPLICATION_TOKEN", "a"), ("EMNIFY_TOKEN_FILE", "f")];
        assert!(complaint(&variables).contains("EMNIFY_TOKEN_FILE"));
    }
}
