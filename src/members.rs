//! Shapes that the service uses in many places.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind};

/// A number and what it stands for.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Named {
    /// The service's number for it.
    pub id: Option<u64>,
    /// What it stands for: the service calls this `description` here and `name` there.
    pub description: Option<String>,
}

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        // Not one member with an alias: an object may have both.
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Members {
            id: Option<u64>,
            description: Option<String>,
            name: Option<String>,
        }
        let Members { id, description, name } = Members::deserialize(from)?;
        Ok(Self { id, description: description.or(name) })
    }
}

/// What else the service says of something: the members without a field of their own.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct Members(Map<String, Value>);

impl Members {
    /// The member `name`; `None` where there is none, or it is `null`.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), emnify::Error> {
    /// # let client = emnify::Client::from_env()?;
    /// for sim in client.sims() {
    ///     let imsi: Option<String> = sim?.other.get("imsi")?;
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// `BadResponse` where it is not a `T`.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Error> {
        let Some(value) = self.0.get(name) else {
            return Ok(None);
        };
        // Without the decoder's words, which quote the value.
        Option::deserialize(value).map_err(|_| {
            let message = format!("the member {name} of the answer is not what was asked for");
            Error::new(ErrorKind::BadResponse, message).with_retryable(false)
        })
    }

    /// The names of all members.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_number_stands_for_may_be_a_description_or_a_name_or_both() {
        let named = |text: &str| serde_json::from_str::<Named>(text).unwrap();
        let both = named(r#"{"id":2,"name":"n","description":"d","more":[]}"#);
        assert_eq!((both.id, both.description.as_deref()), (Some(2), Some("d")));
        assert_eq!(named(r#"{"name":"n"}"#).description.as_deref(), Some("n"));
        assert_eq!(named("{}"), Named::default());
    }

    #[test]
    fn a_member_is_read_into_what_the_caller_wants() {
        let members: Members = serde_json::from_str(r#"{"a":[1,2],"b":null}"#).unwrap();
        assert_eq!(members.get::<Vec<u8>>("a").unwrap(), Some(vec![1, 2]));
        assert_eq!(members.get::<u8>("b").unwrap(), None);
        assert_eq!(members.get::<u8>("c").unwrap(), None);
        assert_eq!(members.get::<u8>("a").unwrap_err().kind(), ErrorKind::BadResponse);
        assert_eq!(members.names().collect::<Vec<_>>(), ["a", "b"]);
    }
}
