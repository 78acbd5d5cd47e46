//! The members of a JSON object as they were written: in order, and twice where they came twice.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::Call;

/// `serde_json::Map` would keep the last of two equal names silently, and a stand-in that is
/// meant to find malformed requests must not.
#[derive(Debug)]
pub(crate) struct Members(Vec<(String, Value)>);

impl Members {
    /// Reads the body of a request; what is wrong with it comes back in words.
    pub(crate) fn of(call: &Call<'_>) -> Result<Self, String> {
        if !call.is_json() {
            return Err("the content type is not application/json".into());
        }
        let members: Self = serde_json::from_slice(call.body)
            // serde_json's own message may quote the input, which may be a secret.
            .map_err(|_| "the body is not a JSON object".to_owned())?;
        members.check()?;
        Ok(members)
    }

    fn check(&self) -> Result<(), String> {
        for (at, (name, value)) in self.0.iter().enumerate() {
            if value.is_null() {
                return Err(format!("the member {} is null", shown(name)));
            }
            if self.0[..at].iter().any(|(earlier, _)| earlier == name) {
                return Err(format!("the member {} comes twice", shown(name)));
            }
        }
        Ok(())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Refuses every member that is not in `known`.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), String> {
        match self.0.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            Some((name, _)) => Err(format!("unexpected member {}", shown(name))),
            None => Ok(()),
        }
    }

    /// A member that must be there and a string.
    pub(crate) fn text(&self, name: &str) -> Result<&str, String> {
        self.optional_text(name)?.ok_or_else(|| format!("the member {name} is missing"))
    }

    pub(crate) fn optional_text(&self, name: &str) -> Result<Option<&str>, String> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(format!("the member {name} is not a string")),
        }
    }

    /// The integer `id` inside the object `name`, as in `{"status": {"id": 1}}`.
    pub(crate) fn optional_id(&self, name: &str) -> Result<Option<u64>, String> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => value
                .get("id")
                .and_then(Value::as_u64)
                .map(Some)
                .ok_or_else(|| format!("the member {name} is not an object with an integer id")),
        }
    }
}

/// A name that came from outside, fit to be shown. A name that long is no name: it may be a
/// secret that was put on the wrong side of the colon.
fn shown(name: &str) -> String {
    if name.len() <= 32 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        name.to_owned()
    } else {
        "(unprintable)".to_owned()
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}
