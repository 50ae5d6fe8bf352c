//! Reads query parameters one by one and reports all violations at once.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::cursor::{Cursor, DEFAULT_LIMIT, MAX_LIMIT, PageRequest};
use super::{ApiRequest, Problem};
use crate::domain::{Caller, Invalid};
use crate::json::{Violations, pointer_to};

/// The query parameters that have not been read yet. Parameters that are left at the end are refused.
#[derive(Debug)]
pub struct Query<'a> {
    request: &'a ApiRequest,
    left: BTreeMap<&'a str, &'a str>,
    /// Each filter that was read, with its value. An absent filter has an empty value.
    filters: Vec<(&'static str, &'a str)>,
    violations: Violations,
}

impl ApiRequest {
    /// Returns the query parameters.
    pub fn query(&self) -> Query<'_> {
        Query::new(self, &self.query)
    }

    /// Fails if there are query parameters, for operations that have none.
    pub fn no_query(&self) -> Result<(), Problem> {
        self.query().finish()
    }
}

impl<'a> Query<'a> {
    fn new(request: &'a ApiRequest, parameters: &'a BTreeMap<String, String>) -> Self {
        let parameters = parameters.iter();
        Self {
            request,
            left: parameters
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect(),
            filters: Vec::new(),
            violations: Violations::default(),
        }
    }

    fn violate(&mut self, name: &str, detail: impl ToString) {
        self.violations.add(pointer_to(name), detail);
    }

    /// Reads a filter with `read`. The filter is part of the list that a cursor belongs to.
    pub fn filter<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, Invalid>,
    ) -> Option<T> {
        let value = self.left.remove(name);
        self.filters.push((name, value.unwrap_or_default()));
        self.checked(name, value?, read)
    }

    /// Reads a filter of a type that has its own rule.
    pub fn parsed<T: FromStr<Err = Invalid>>(&mut self, name: &'static str) -> Option<T> {
        self.filter(name, str::parse)
    }

    /// Reads `true` or `false`. Defaults to `false`.
    pub fn flag(&mut self, name: &'static str) -> bool {
        let Some(value) = self.left.remove(name) else {
            return false;
        };
        let read = |value: &str| match value {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(Invalid::new("must be true or false")),
        };
        self.checked(name, value, read).unwrap_or_default()
    }

    fn checked<T>(
        &mut self,
        name: &str,
        value: &str,
        read: impl FnOnce(&str) -> Result<T, Invalid>,
    ) -> Option<T> {
        if value.is_empty() {
            self.violate(name, "must not be empty; omit it for no filter");
            return None;
        }
        read(value)
            .map_err(|invalid| self.violate(name, invalid))
            .ok()
    }

    /// Reads `limit` and `cursor`, and finishes the query.
    pub fn page(mut self, caller: &Caller) -> Result<PageRequest, Problem> {
        // An empty limit means the default, and an empty cursor means the first page.
        let limit = self.left.remove("limit").filter(|it| !it.is_empty());
        let limit = match limit.map(str::parse::<usize>) {
            None => DEFAULT_LIMIT,
            Some(Ok(limit)) if (1..=MAX_LIMIT).contains(&limit) => limit,
            Some(_) => {
                self.violate("limit", "must be a number from 1 to 100");
                DEFAULT_LIMIT
            }
        };
        let sealed = self.left.remove("cursor").filter(|it| !it.is_empty());
        let place =
            ["organization_id", "team_id", "user_id"].map(|name| self.request.path_parameter(name));
        let place = place.iter().map(|id| ("", id.as_str()));
        let filters = self.filters.iter().copied();
        let cursor = Cursor::new(
            &caller.tenant_id,
            self.request.route(),
            place.chain(filters),
        );
        self.finish()?;
        let after = sealed.map(|sealed| cursor.open(sealed)).transpose()?;
        Ok(PageRequest {
            limit,
            after,
            cursor,
        })
    }

    /// Fails with all violations if a parameter was wrong or was not read.
    pub fn finish(mut self) -> Result<(), Problem> {
        for name in std::mem::take(&mut self.left).into_keys() {
            self.violate(name, "is not a query parameter of this operation");
        }
        Ok(self.violations.finish()?)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::Role;

    fn violations(parameters: serde_json::Value) -> Vec<String> {
        let event = json!({
            "routeKey": "GET /", "requestContext": {}, "queryStringParameters": parameters,
        });
        let request = ApiRequest::of_event(&event.to_string(), "").unwrap();
        let mut query = request.query();
        query.parsed::<Role>("role");
        query.flag("force");
        let Err(problem) = query.finish() else {
            return Vec::new();
        };
        let violations = problem.violations.into_iter();
        violations.map(|it| it.pointer).collect()
    }

    #[test]
    fn query_reports_all_violations_at_once() {
        assert!(violations(json!({"role": "owner", "force": "true"})).is_empty());
        assert!(violations(json!({})).is_empty());
        assert_eq!(
            violations(json!({"role": "", "force": "", "a/b": "1", "": ""})),
            ["/role", "/force", "/", "/a~1b"]
        );
        assert_eq!(
            violations(json!({"role": "boss", "force": "yes", "Role": "owner"})),
            ["/role", "/force", "/Role"]
        );
    }
}
