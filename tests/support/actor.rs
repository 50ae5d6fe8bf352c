use reqwest::{Method, Request, RequestBuilder};
use serde_json::Value;

use crate::document::SentRequest;
use crate::reply::Reply;

/// A user who sends requests.
#[derive(Clone)]
pub struct Actor {
    http: reqwest::Client,
    url: String,
    /// Their user id.
    pub id: String,
    token: Option<String>,
    /// The tenant that a machine names in each request.
    tenant: Option<String>,
}

impl Actor {
    pub(crate) fn new(http: reqwest::Client, url: &str, id: &str, token: Option<String>) -> Self {
        Self {
            http,
            url: url.to_owned(),
            id: id.to_owned(),
            token,
            tenant: None,
        }
    }

    /// The same caller with the header `Muster-Tenant`.
    pub fn of_tenant(mut self, tenant: &str) -> Self {
        self.tenant = Some(tenant.to_owned());
        self
    }

    /// The header `Authorization` of the requests.
    pub fn authorization(&self) -> String {
        let token = self.token.as_ref().expect("a token");
        format!("Bearer {token}")
    }

    /// A request under construction; [`Actor::send`] sends it.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        if let Some(tenant) = &self.tenant {
            request = request.header("muster-tenant", tenant);
        }
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends a request. The response must match the `OpenAPI` document, unless it is one of SCIM.
    pub async fn send(&self, request: RequestBuilder) -> Reply {
        let request = request.build().expect("a request");
        let is_described = !request.url().path().starts_with("/scim/");
        let sent = SentRequest::of(&request);
        let reply = self.execute(request).await;
        if is_described {
            reply.holds_to_the_document(&sent);
        }
        reply
    }

    /// Sends a request whose response is that of the last release. It can lack fields that are new.
    pub async fn send_to_last_release(&self, request: RequestBuilder) -> Reply {
        self.execute(request.build().expect("a request")).await
    }

    async fn execute(&self, request: Request) -> Reply {
        let response = self.http.execute(request).await.expect("an answer");
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        let body = response.bytes().await.unwrap();
        Reply {
            status,
            headers,
            body: if body.is_empty() {
                Value::Null
            } else {
                serde_json::from_slice(&body)
                    .unwrap_or_else(|_| panic!("no JSON: {}", String::from_utf8_lossy(&body)))
            },
        }
    }

    /// `GET`
    pub async fn get(&self, path: &str) -> Reply {
        self.send(self.request(Method::GET, path)).await
    }

    /// `DELETE`
    pub async fn delete(&self, path: &str) -> Reply {
        self.send(self.request(Method::DELETE, path)).await
    }

    /// `POST` with JSON
    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.send(self.request(Method::POST, path).json(&body))
            .await
    }

    /// `POST` with JSON and an `Idempotency-Key`
    pub async fn post_once(&self, path: &str, key: &str, body: Value) -> Reply {
        let request = self
            .request(Method::POST, path)
            .header("idempotency-key", key);
        self.send(request.json(&body)).await
    }

    /// `POST` without a body
    pub async fn post_empty(&self, path: &str) -> Reply {
        self.send(self.request(Method::POST, path)).await
    }

    /// `PATCH` with JSON
    pub async fn patch(&self, path: &str, body: Value) -> Reply {
        self.send(self.request(Method::PATCH, path).json(&body))
            .await
    }

    /// `PUT` with JSON
    pub async fn put(&self, path: &str, body: Value) -> Reply {
        self.send(self.request(Method::PUT, path).json(&body)).await
    }

    /// All items of a list, page by page.
    pub async fn all(&self, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut cursor = String::new();
        loop {
            let separator = if path.contains('?') { '&' } else { '?' };
            let page = self
                .get(&format!("{path}{separator}cursor={cursor}"))
                .await
                .expect(200);
            items.extend(page.body["items"].as_array().unwrap().clone());
            match page.body["next_cursor"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => return items,
            }
        }
    }
}
