use muster::http::Code;
use serde_json::Value;
use strum::VariantArray as _;

use crate::Reply;

/// Texts that would expose the implementation or the stored data.
const INTERNAL: [&str; 18] = [
    "TENANT#",
    "USER#",
    "ORG#",
    "ORGNAME#",
    "gsi1",
    "DynamoDB",
    "dynamodb",
    "aws",
    "Exception",
    "ConditionalCheck",
    "muster::",
    "muster_",
    "serde",
    "SdkError",
    "panicked",
    "Some(",
    "RUST_BACKTRACE",
    "src/",
];

impl Reply {
    /// Returns this response, which must be an error of the contract: every member, the status of
    /// its code, `Retry-After` where documented, and nothing internal.
    #[track_caller]
    pub fn any_problem(self) -> Self {
        assert_eq!(
            self.headers.get("content-type").map(String::as_str),
            Some("application/problem+json"),
            "{self:?}"
        );
        let body = self.body.as_object().expect("an object");
        let text = |member: &str| {
            let text = body.get(member).and_then(Value::as_str).unwrap_or_default();
            assert!(!text.is_empty(), "{member} in {self:?}");
            text
        };
        let code = Code::VARIANTS
            .iter()
            .find(|code| code.as_str() == text("code"))
            .unwrap_or_else(|| panic!("a code outside the contract: {self:?}"));
        assert_eq!(text("type"), format!("urn:muster:problem:{}", text("code")));
        assert_eq!(text("request_id"), self.headers["x-request-id"]);
        text("title");
        text("detail");
        let instance = text("instance");
        assert!(
            instance.starts_with('/') && instance.bytes().all(|byte| byte.is_ascii_graphic()),
            "no URI: {instance:?}"
        );
        assert_eq!(body["status"], self.status, "{self:?}");
        // Errors of the gateway have additional members, and a status without a code in the
        // contract.
        let by_gateway = body.contains_key("message");
        assert!(
            self.status == code.status() || (by_gateway && self.status == 431),
            "{self:?}"
        );
        for member in body.keys() {
            let known = [
                "type",
                "title",
                "status",
                "detail",
                "instance",
                "code",
                "request_id",
                "errors",
            ];
            assert!(
                known.contains(&member.as_str()) || (by_gateway && member == "message"),
                "{member} in {self:?}"
            );
        }
        if let Some(errors) = body.get("errors") {
            let errors = errors.as_array().expect("a list");
            assert!(!errors.is_empty(), "{self:?}");
            for error in errors {
                let error = error.as_object().expect("an object");
                assert!(error.len() == 2, "{self:?}");
                assert!(error["pointer"].as_str().unwrap().starts_with('/'));
                assert!(!error["detail"].as_str().unwrap().is_empty());
            }
        }
        let wait = self.headers.get("retry-after");
        let must_have_wait = matches!(
            code,
            Code::Throttled | Code::Unavailable | Code::SentRecently
        );
        assert_eq!(wait.is_some(), must_have_wait, "Retry-After of {self:?}");
        if let Some(wait) = wait {
            assert!(wait.parse::<u32>().unwrap() >= 1, "{wait}");
        }
        self.tells_nothing_internal();
        self
    }

    /// Fails if the response exposes the implementation. Ignores values of the caller that
    /// `instance` and pointers repeat.
    #[track_caller]
    pub fn tells_nothing_internal(&self) {
        let mut shown = self.body.clone();
        if let Some(shown) = shown.as_object_mut() {
            shown.remove("instance");
            for error in shown
                .get_mut("errors")
                .and_then(Value::as_array_mut)
                .into_iter()
                .flatten()
            {
                error["pointer"].take();
            }
        }
        let shown = format!("{shown} {:?}", self.headers);
        for internal in INTERNAL {
            assert!(!shown.contains(internal), "{internal} in {self:?}");
        }
    }
}
