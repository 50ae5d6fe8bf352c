use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::types::AttributeValue;
use muster::http::MACHINE_SCOPE;
use muster_local::{Options, Stack};
use serde_json::{Value, json};

use crate::endpoint::OwnTable;
use crate::{Actor, Calls, Charges};

/// The default tenant of users.
pub const ACME: &str = "acme";
/// The default group of tenant admins.
const TENANT_ADMINS: &str = "tenant-admins";
/// How long a busy machine may take for a call to its own DynamoDB.
const PATIENT: Duration = Duration::from_secs(25);

/// A stack of a test, and the calls it made to DynamoDB.
pub struct World {
    /// The stack.
    pub stack: Stack,
    /// Every call of the functions to DynamoDB.
    pub calls: Calls,
    /// The charges of DynamoDB for the functions.
    pub charges: Charges,
    http: reqwest::Client,
    /// Last, so that it is dropped after everything that uses it.
    _table: Option<OwnTable>,
}

impl World {
    /// With default options.
    pub async fn start() -> Self {
        Self::with(Options::default()).await
    }

    /// With these options.
    pub async fn with(mut options: Options) -> Self {
        let table = OwnTable::choose(&mut options);
        let (calls, charges) = (Calls::default(), Charges::default());
        let inner = options.configure_client.take();
        let interceptors = (calls.clone(), charges.clone());
        options.configure_client = Some(Arc::new(move |config| {
            let config = match &inner {
                Some(inner) => inner(config),
                None => config.timeout_config(patient()),
            };
            config
                .interceptor(interceptors.0.clone())
                .interceptor(interceptors.1.clone())
        }));
        let stack = Stack::start(options).await.expect("the stack starts");
        Self {
            stack,
            calls,
            charges,
            http: reqwest::Client::new(),
            _table: table,
        }
    }

    /// With an environment variable set.
    pub async fn with_variable(name: &str, value: &str) -> Self {
        let mut options = Options::default();
        options.variables.insert(name.to_owned(), value.to_owned());
        Self::with(options).await
    }

    /// Invokes a function with an event, as Lambda does. Returns its JSON.
    pub async fn invoke(&self, function: &str, event: &Value) -> Value {
        let url = self.stack.url();
        let url = format!("{url}/2015-03-31/functions/{function}/invocations");
        let answer = self.http.post(url).json(event).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers().get("x-amz-function-error"), None);
        answer.json().await.unwrap()
    }

    /// A user of [`ACME`], not yet registered.
    pub fn user(&self, id: &str) -> Actor {
        self.user_of(ACME, id)
    }

    /// A user of a tenant.
    pub fn user_of(&self, tenant: &str, id: &str) -> Actor {
        self.actor(tenant, id, &[])
    }

    /// A tenant admin of [`ACME`].
    pub fn tenant_admin(&self) -> Actor {
        self.tenant_admin_of(ACME)
    }

    /// A tenant admin of a tenant.
    pub fn tenant_admin_of(&self, tenant: &str) -> Actor {
        self.actor(tenant, "root", &[TENANT_ADMINS])
    }

    /// A user with a token for these groups.
    pub fn actor(&self, tenant: &str, id: &str, groups: &[&str]) -> Actor {
        let token = self.stack.token(id, tenant, groups).expect("a token");
        self.bearer(id, Some(token))
    }

    /// A machine that calls the API for a tenant.
    pub fn machine_of(&self, tenant: &str) -> Actor {
        let client = "billing-backend";
        let claims = json!({"sub": client, "client_id": client, "scope": MACHINE_SCOPE});
        let token = self.stack.token_with(claims.as_object().unwrap().clone());
        let machine = self.bearer(client, Some(token.expect("a token")));
        machine.of_tenant(tenant)
    }

    /// A user with any token, or none.
    pub fn bearer(&self, id: &str, token: Option<String>) -> Actor {
        Actor::new(self.http.clone(), self.stack.url(), id, token)
    }

    /// Registers users in [`ACME`].
    pub async fn register(&self, ids: &[&str]) {
        let admin = self.tenant_admin();
        for id in ids {
            let reply = admin.put(&format!("/users/{id}"), json!({})).await;
            assert!(matches!(reply.status, 200 | 201), "{reply:?}");
        }
    }

    /// Creates an organization of this name, owned by `owner`. Returns its id.
    pub async fn organization(&self, owner: &Actor, name: &str) -> String {
        let made = owner
            .post("/organizations", json!({"name": name}))
            .await
            .expect(201);
        made.body["id"].as_str().unwrap().to_owned()
    }

    /// Registers a user and adds a member to an organization, as a tenant admin.
    pub async fn member(&self, organization: &str, id: &str, role: &str, status: &str) -> Actor {
        self.register(&[id]).await;
        let body = json!({"user_id": id, "role": role, "status": if status == "suspended" { "active" } else { status }});
        let members = format!("/organizations/{organization}/members");
        self.tenant_admin().post(&members, body).await.expect(201);
        if status == "suspended" {
            let member = format!("{members}/{id}");
            self.tenant_admin()
                .patch(&member, json!({"status": status}))
                .await
                .expect(200);
        }
        self.user(id)
    }

    /// Creates a team of an organization, or a standalone one, as a tenant admin, with these members
    /// and their roles. Returns its path.
    pub async fn team(
        &self,
        organization: Option<&str>,
        name: &str,
        members: &[(&str, &str)],
    ) -> String {
        let root = self.tenant_admin();
        let teams = organization.map_or_else(
            || "/teams".to_owned(),
            |id| format!("/organizations/{id}/teams"),
        );
        let made = root.post(&teams, json!({"name": name})).await.expect(201);
        let team = made.headers["location"].clone();
        for (user, role) in members {
            let body = json!({"user_id": user, "role": role});
            root.post(&format!("{team}/members"), body)
                .await
                .expect(201);
        }
        team
    }

    /// Every item of the table, read directly.
    pub async fn items(&self) -> Vec<serde_json::Map<String, Value>> {
        let mut items = Vec::new();
        let mut start = None;
        loop {
            let page = self
                .stack
                .client()
                .scan()
                .table_name(self.stack.table_name())
                .consistent_read(true)
                .set_exclusive_start_key(start)
                .send()
                .await
                .unwrap();
            items.extend(page.items().iter().map(|item| {
                item.iter()
                    .map(|(name, value)| (name.clone(), plain(value)))
                    .collect()
            }));
            start = page.last_evaluated_key().cloned();
            if start.is_none() {
                return items;
            }
        }
    }

    /// Changes an attribute of an item directly.
    pub async fn tamper(&self, pk: &str, sk: &str, attribute: &str, value: AttributeValue) {
        self.stack
            .client()
            .update_item()
            .table_name(self.stack.table_name())
            .key("pk", AttributeValue::S(pk.to_owned()))
            .key("sk", AttributeValue::S(sk.to_owned()))
            .update_expression("SET #a = :v")
            .expression_attribute_names("#a", attribute)
            .expression_attribute_values(":v", value)
            .send()
            .await
            .unwrap();
    }
}

/// Only stories about the client depend on its speed.
fn patient() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(PATIENT)
        .operation_attempt_timeout(PATIENT)
        .operation_timeout(PATIENT)
        .build()
}

/// An attribute as JSON.
fn plain(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!(text),
        AttributeValue::N(number) => serde_json::from_str(number).unwrap(),
        AttributeValue::Bool(yes) => json!(yes),
        AttributeValue::Null(_) => Value::Null,
        AttributeValue::L(list) => list.iter().map(plain).collect(),
        AttributeValue::M(map) => map
            .iter()
            .map(|(name, value)| (name.clone(), plain(value)))
            .collect(),
        AttributeValue::B(bytes) => {
            let hex = bytes.as_ref().iter().map(|byte| format!("{byte:02x}"));
            json!(hex.collect::<String>())
        }
        other => panic!("an attribute of a kind that nothing writes: {other:?}"),
    }
}
