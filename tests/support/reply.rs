//! Responses of the API.

use serde_json::Value;

/// A response.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Headers by lower-case name.
    pub headers: std::collections::BTreeMap<String, String>,
    /// The JSON body; `null` for none.
    pub body: Value,
}

impl Reply {
    /// Returns this response, which must have this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// Returns this response, which must be this error with every member of an error.
    #[track_caller]
    pub fn problem(self, status: u16, code: &str) -> Self {
        assert_eq!(
            (self.status, self.body["code"].as_str()),
            (status, Some(code)),
            "{self:?}"
        );
        self.any_problem()
    }

    /// The number of round trips to DynamoDB that the response reports.
    pub fn round_trips(&self) -> u32 {
        let timing = &self.headers["server-timing"];
        let (_, description) = timing.split_once("desc=\"").expect("a description");
        description
            .trim_end_matches(" rt\"")
            .parse()
            .expect("a number")
    }
}
