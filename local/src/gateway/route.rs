//! Finds the route of a request.

use std::collections::HashMap;

use anyhow::{Context as _, Result};
use percent_encoding::percent_decode_str;

use crate::template::Route;

/// The method of a route for any method.
const ANY: &str = "ANY";

/// One tree of paths per method.
type ByMethod = HashMap<String, matchit::Router<Route>>;

/// The routes.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    plain: ByMethod,
    /// Routes with a greedy parameter. Separate, because a tree does not allow them next to a
    /// parameter.
    greedy: ByMethod,
}

/// A found route with the values of its parameters.
#[derive(Debug)]
pub(crate) struct FoundRoute<'a> {
    pub(crate) route: &'a Route,
    /// Percent-decoded.
    pub(crate) parameters: Vec<(String, String)>,
}

impl Routes {
    /// Rejects two routes that match the same request.
    pub(crate) fn new(routes: &[Route]) -> Result<Self> {
        let mut all = Self::default();
        for route in routes {
            // `{proxy+}` matches the rest of the path; the router's syntax is `{*proxy}`.
            let greedy = route.path.rsplit_once("/{").and_then(|(before, last)| {
                Some(format!("{before}/{{*{}}}", last.strip_suffix("+}")?))
            });
            let (by_method, path) = match greedy {
                Some(path) => (&mut all.greedy, path),
                None => (&mut all.plain, route.path.clone()),
            };
            let paths = by_method.entry(route.method.clone()).or_default();
            paths.insert(path, route.clone()).with_context(|| {
                format!(
                    "template.yaml: resource {}: route {}",
                    route.function,
                    route.key()
                )
            })?;
        }
        Ok(all)
    }

    /// The most specific route for this request: a fixed segment before a parameter before the rest
    /// of the path, then the method's own route before `ANY`.
    pub(crate) fn find(&self, method: &str, path: &str) -> Option<FoundRoute<'_>> {
        let trees = [&self.plain, &self.greedy].into_iter();
        let mut trees = trees.flat_map(|by_method| [by_method.get(method), by_method.get(ANY)]);
        trees.find_map(|tree| {
            let found = tree?.at(path).ok()?;
            let parameters = found.params.iter().map(|(name, value)| {
                let value = percent_decode_str(value).decode_utf8_lossy();
                (name.to_owned(), value.into_owned())
            });
            Some(FoundRoute {
                route: found.value,
                parameters: parameters.collect(),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(keys: &[&str]) -> Result<Routes> {
        let routes = keys.iter().map(|key| {
            let (method, path) = key.split_once(' ').unwrap();
            Route {
                method: method.to_owned(),
                path: path.to_owned(),
                function: "F".to_owned(),
                authorized: true,
            }
        });
        Routes::new(&routes.collect::<Vec<_>>())
    }

    #[test]
    fn the_most_specific_route_matches() {
        let routes = routes(&[
            "GET /users/me",
            "GET /users/{user_id}",
            "GET /users/{id}/teams",
            "GET /users/{proxy+}",
            "ANY /users/{any}",
            "ANY /{rest+}",
        ])
        .unwrap();
        for (method, path, key, parameters) in [
            ("GET", "/users/me", "GET /users/me", vec![]),
            (
                "GET",
                "/users/a",
                "GET /users/{user_id}",
                vec![("user_id", "a")],
            ),
            (
                "GET",
                "/users/a/teams",
                "GET /users/{id}/teams",
                vec![("id", "a")],
            ),
            (
                "GET",
                "/users/a/b/c",
                "GET /users/{proxy+}",
                vec![("proxy", "a/b/c")],
            ),
            ("PUT", "/users/a", "ANY /users/{any}", vec![("any", "a")]),
            (
                "PUT",
                "/users/a/b",
                "ANY /{rest+}",
                vec![("rest", "users/a/b")],
            ),
        ] {
            let found = routes.find(method, path).unwrap();
            assert_eq!(found.route.key(), key);
            let found: Vec<_> = found
                .parameters
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            assert_eq!(found, parameters);
        }
    }

    #[test]
    fn other_methods_and_paths_do_not_match() {
        let routes = routes(&["GET /users/{user_id}"]).unwrap();
        for (method, path) in [
            ("POST", "/users/a"),
            ("GET", "/users"),
            ("GET", "/users/"),
            ("GET", "/users/a/b"),
        ] {
            assert!(routes.find(method, path).is_none(), "{method} {path}");
        }
    }

    #[test]
    fn parameters_are_percent_decoded_after_the_route_is_found() {
        let routes = routes(&["GET /users/{user_id}"]).unwrap();
        let found = routes.find("GET", "/users/a%2Fb%20%C3%A9+c").unwrap();
        assert_eq!(
            found.parameters,
            [("user_id".to_owned(), "a/b é+c".to_owned())]
        );
    }

    #[test]
    fn ambiguous_routes_are_rejected_with_the_resource() {
        let error = routes(&["GET /a/{x}", "GET /a/{y}"]).unwrap_err();
        assert!(
            error.to_string().contains("resource F: route GET /a/{y}"),
            "{error}"
        );
    }
}
