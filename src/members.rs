//! Shapes that the service uses in many places.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind};

/// An id that the service says, or what comes in its place. Its description types some as floating-point
/// numbers, negative ones and fractions included, and one odd member must not take the rest with it:
/// a list, or a secret that is shown once.
pub(crate) fn id_if_any<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    /// With more digits the decoder's floating-point numbers are off by one.
    const LARGEST: f64 = 1e14;
    Ok(match Value::deserialize(from)? {
        Value::Number(number) => number.as_u64().or_else(|| {
            let whole =
                number.as_f64().filter(|it| it.fract() == 0.0 && (0.0..LARGEST).contains(it));
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // is whole, and fits
            whole.map(|it| it as u64)
        }),
        Value::String(digits) => digits.parse().ok(),
        _ => None,
    })
}

/// An id, or 0 where there is none.
pub(crate) fn id<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    id_if_any(from).map(Option::unwrap_or_default)
}

/// A number and what it stands for.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Named {
    /// The service's number for it, where it says one.
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
            #[serde(deserialize_with = "id_if_any")]
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
    fn an_id_is_any_whole_number_and_nothing_else_is_one() {
        let id =
            |text: &str| serde_json::from_str::<Named>(&format!(r#"{{"id":{text}}}"#)).unwrap().id;
        for (text, number) in [
            ("0", 0),
            ("7.0", 7),
            ("\"7\"", 7),
            ("9007199254740993", 9_007_199_254_740_993),
            ("18446744073709551615", u64::MAX),
            ("99999999999999.0", 99_999_999_999_999),
        ] {
            assert_eq!(id(text), Some(number), "{text}");
        }
        for text in [
            "null",
            "-1",
            "-1.0",
            "7.5",
            "18446744073709551616",
            "9007199254740991.0",
            "1e300",
            "\"x\"",
            "[7]",
            "{}",
        ] {
            assert_eq!(id(text), None, "{text}");
        }
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
