//! The last log lines of the functions, for invocations with `X-Amz-Log-Type: Tail`.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use muster::telemetry::Telemetry;
use serde_json::Value;

use crate::log::Log;

/// Number of lines to keep.
const LINES: usize = 256;
/// Number of lines of logins to keep in addition.
const LOGIN_LINES: usize = 50;
/// Maximum size of the returned lines of an invocation in bytes, as in Lambda.
const MAX_BYTES: usize = 4 * 1024;

/// The last lines, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tail(Arc<Mutex<KeptLines>>);

#[derive(Debug, Default)]
struct KeptLines {
    /// Each with the id of its invocation.
    lines: VecDeque<(String, String)>,
    /// Lines of logins, which requests would displace.
    logins: VecDeque<Value>,
}

impl Tail {
    /// Records the lines of a function. Prints failures and the results of logins on the terminal;
    /// for requests the gateway prints a line.
    pub(crate) fn telemetry(&self, log: Log) -> Telemetry {
        let tail = self.clone();
        Telemetry::to(move |line| {
            let fields = serde_json::from_str::<Value>(line).unwrap_or_default();
            let text = |name: &str| fields.get(name).and_then(Value::as_str);
            if let Some(error) = text("error") {
                log.line(format_args!("failed: {error}"));
            }
            if let (Some("login sync"), Some(outcome)) = (text("message"), text("outcome")) {
                let reason = text("reason").map(|reason| format!(" ({reason})"));
                let reason = reason.unwrap_or_default();
                let count =
                    |name: &str| fields.get(name).and_then(Value::as_u64).unwrap_or_default();
                log.line(format_args!(
                    "login {outcome}{reason}: {} organizations and {} teams made, {} memberships \
                     made and {} removed, {:.0} ms",
                    count("OrganizationsMade"),
                    count("TeamsMade"),
                    count("MembershipsMade"),
                    count("MembershipsRemoved"),
                    fields
                        .get("SyncDuration")
                        .and_then(Value::as_f64)
                        .unwrap_or_default(),
                ));
            }
            if let Some(id) = text("request_id") {
                tail.add(id, line, &fields);
            }
        })
    }

    fn add(&self, id: &str, line: &str, fields: &Value) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        push(&mut kept.lines, LINES, (id.to_owned(), line.to_owned()));
        let text = |name: &str| fields.get(name).and_then(Value::as_str);
        if text("message") == Some("login sync") || text("code") == Some("login-sync") {
            push(&mut kept.logins, LOGIN_LINES, fields.clone());
        }
    }

    /// The lines of the last logins, failures before the result of the login.
    pub(crate) fn logins(&self) -> Vec<Value> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.logins.iter().cloned().collect()
    }

    /// The last lines of an invocation.
    pub(crate) fn of(&self, id: &str) -> String {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = String::new();
        for (_, line) in kept.lines.iter().filter(|(of, _)| of == id) {
            let _ = writeln!(all, "{line}");
        }
        let mut from = all.len().saturating_sub(MAX_BYTES);
        while !all.is_char_boundary(from) {
            from += 1;
        }
        all.split_off(from)
    }
}

fn push<T>(lines: &mut VecDeque<T>, most: usize, line: T) {
    if lines.len() == most {
        lines.pop_front();
    }
    lines.push_back(line);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn add(tail: &Tail, id: &str, fields: &Value) {
        tail.add(id, &fields.to_string(), fields);
    }

    #[test]
    fn the_log_tail_of_one_invocation_is_returned() {
        let tail = Tail::default();
        for line in 0..3 {
            add(&tail, "a", &json!({ "line": line }));
            add(&tail, "b", &json!("ä".repeat(3000)));
        }
        assert_eq!(tail.of("a"), "{\"line\":0}\n{\"line\":1}\n{\"line\":2}\n");
        let long = tail.of("b");
        assert!(long.len() <= MAX_BYTES && long.ends_with("ä\"\n"));
        assert_eq!(tail.of("c"), "");
        for _ in 0..LINES {
            add(&tail, "d", &json!(1));
        }
        assert_eq!(tail.of("a"), "");
    }

    #[test]
    fn lines_of_logins_outlast_those_of_requests() {
        let tail = Tail::default();
        let failure = json!({"message": "failure", "code": "login-sync", "error": "late"});
        let sync = json!({"message": "login sync", "outcome": "failed"});
        add(&tail, "a", &failure);
        add(&tail, "a", &sync);
        for _ in 0..LINES {
            add(&tail, "b", &json!({"message": "request", "code": "ok"}));
        }
        assert_eq!(tail.logins(), [failure, sync.clone()]);
        for _ in 0..LOGIN_LINES {
            add(&tail, "c", &sync);
        }
        assert_eq!(tail.logins(), vec![sync; LOGIN_LINES]);
    }
}
