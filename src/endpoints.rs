//! SIMs, endpoints and SMS: the calls that people make next.

use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::members::{self, Members, Named};
use crate::pages::Items;

/// A SIM. Members without a field of their own are in [`other`](Sim::other).
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Sim {
    /// Its id in the API; 0 where the service does not say it.
    #[serde(default, deserialize_with = "members::id")]
    pub id: u64,
    /// The number on the card.
    #[serde(default)]
    pub iccid: Option<String>,
    /// Such as activated, issued, suspended.
    #[serde(default)]
    pub status: Option<Named>,
    /// The endpoint it is in.
    #[serde(default)]
    pub endpoint: Option<Named>,
    /// Everything else the service says.
    #[serde(flatten)]
    pub other: Members,
}

/// An endpoint: a device with a SIM. Members without a field of their own are in
/// [`other`](Endpoint::other).
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Endpoint {
    /// Its id in the API; 0 where the service does not say it.
    #[serde(default, deserialize_with = "members::id")]
    pub id: u64,
    /// Its name.
    #[serde(default)]
    pub name: Option<String>,
    /// Such as enabled, disabled.
    #[serde(default)]
    pub status: Option<Named>,
    /// Its address in the private network.
    #[serde(default)]
    pub ip_address: Option<String>,
    /// Everything else the service says.
    #[serde(flatten)]
    pub other: Members,
}

/// Whether and where an endpoint is connected.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Connectivity {
    /// Such as `ONLINE`.
    #[serde(default)]
    pub status: Option<Named>,
    /// Everything else the service says: location, services, data session.
    #[serde(flatten)]
    pub other: Members,
}

/// How many members a page of a list has. Fewer pages cost fewer headers on the air; a hundred
/// members are about 15 kB, which gzip brings down to a tenth.
const PER_PAGE: u32 = 100;

impl Client {
    /// All SIMs, over all pages.
    pub fn sims(&self) -> Items<'_, Sim> {
        self.get("/api/v1/sim").query("per_page", PER_PAGE).items()
    }

    /// All endpoints, over all pages.
    pub fn endpoints(&self) -> Items<'_, Endpoint> {
        self.get("/api/v1/endpoint").query("per_page", PER_PAGE).items()
    }

    /// Whether and where an endpoint is connected.
    ///
    /// # Errors
    ///
    /// `Rejected` where there is no such endpoint, and those of any call.
    pub fn endpoint_connectivity(&self, endpoint_id: u64) -> Result<Connectivity, Error> {
        self.get(format!("/api/v1/endpoint/{endpoint_id}/connectivity")).call()?.json()
    }

    /// Sends an SMS to an endpoint and returns its id. Sent once at most: when the answer is lost,
    /// the SMS may have gone out all the same.
    ///
    /// `text` has at most 160 characters of the GSM alphabet, or 70 if there are others in it: the
    /// service sends a single SMS. Its length is not checked here.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for an empty text, `Rejected` where there is no such endpoint, `BadResponse`
    /// where the service took the SMS and did not say its id, and those of any call.
    pub fn send_sms(&self, endpoint_id: u64, text: &str) -> Result<u64, Error> {
        #[derive(Serialize)]
        struct Sms<'a> {
            payload: &'a str,
        }
        if text.is_empty() {
            return Err(Error::invalid("text is empty; an SMS needs a text"));
        }
        let path = format!("/api/v1/endpoint/{endpoint_id}/sms");
        let response = self.post(path).json(&Sms { payload: text }).call()?;
        response.check()?;
        // The id stands in the Location header and nowhere else.
        let id = response.header("location").and_then(id_at_end);
        id.ok_or_else(|| {
            Error::new(
                ErrorKind::BadResponse,
                "the SMS was accepted, but the answer does not say its id; do not send it again",
            )
            .with_answer(response.status(), None, response.request_id())
            .with_retryable(false)
        })
    }
}

/// The number that a URL or a path ends in.
fn id_at_end(location: &str) -> Option<u64> {
    let path = location.split(['?', '#']).next()?;
    path.trim_end_matches('/').rsplit('/').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_last_part_of_a_location() {
        assert_eq!(id_at_end("/api/v1/endpoint/1/sms/5000000001"), Some(5_000_000_001));
        assert_eq!(id_at_end("https://cdn.example/api/v1/endpoint/1/sms/7/?a=b"), Some(7));
        for no_id in ["", "/", "/api/v1/sms/x", "/api/v1/sms/-1", "/sms/99999999999999999999"] {
            assert_eq!(id_at_end(no_id), None, "{no_id}");
        }
    }

    #[test]
    fn unknown_and_missing_members_are_no_error() {
        let sim: Sim = serde_json::from_str(r#"{"id":1,"new":{"a":[1]}}"#).unwrap();
        assert_eq!((sim.id, sim.iccid, sim.other.names().count()), (1, None, 1));
        let sim: Sim = serde_json::from_str(r#"{"id":-1.5,"status":{"id":-1}}"#).unwrap();
        assert_eq!((sim.id, sim.status.unwrap().id), (0, None));
        let endpoint: Endpoint =
            serde_json::from_str(r#"{"id":9007199254740993,"status":null}"#).unwrap();
        assert_eq!((endpoint.id, endpoint.status), (9_007_199_254_740_993, None));
        let connectivity: Connectivity = serde_json::from_str("{}").unwrap();
        assert_eq!(connectivity.status, None);
    }
}
