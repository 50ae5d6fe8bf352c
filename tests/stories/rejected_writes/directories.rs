//! The writes about directories. A tenant has one directory, so each kind of write has a world of its own.

use serde_json::{Value, json};
use support::{Reply, World};

use super::write::{Write, Writer};
use super::writes::unknown;

fn bad() -> [Value; 4] {
    [
        json!({"name": ""}),
        json!({"name": "Fine", "settings": {"on_leave": "forget"}}),
        json!({"name": "Fine", "last_run": {}}),
        json!([]),
    ]
}

/// The users of the tests, who are known, in a tenant without a directory.
pub(super) async fn without_directory(world: &World) -> Vec<Write> {
    world.register(&["root"]).await;
    let create = Write::new("POST /directories", "/directories")
        .body(json!({"name": "New", "type": "scim"}))
        .rejects(&[json!({}), json!({"name": "Fine", "type": "ldap"})])
        .rejects(&bad());
    vec![create.by(Writer::TenantAdmin)]
}

/// A directory of Entra, whose domain an organization has verified.
pub(super) async fn with_entra_directory(world: &World) -> Vec<Write> {
    world.register(&["root"]).await;
    let ada = world.user("ada");
    let id = world.organization(&ada, "Acme").await;
    crate::domains::verified(world, &ada, &id, "globex.example").await;
    let entra = json!({"name": "Entra", "type": "entra", "entra": {
        "tenant_id": "7b1d9c52-0e4f-4a6b-9d38-5c2f1e0a7b64",
        "domain": "globex.example",
        "service_principal_id": "a40c6d1b-93f2-4e57-8b0a-6d5e4f3c2b1a",
    }});
    let made = world.tenant_admin().post("/directories", entra).await;
    let sync = format!("{}/sync", location(made));
    let sync = Write::new("POST /directories/{directory_id}/sync", &sync)
        .body(json!({}))
        .rejects(&[
            json!({"dry_run": "yes"}),
            json!({"confirm": "none"}),
            json!([]),
        ]);
    vec![sync.by(Writer::TenantAdmin)]
}

/// Creates a directory of SCIM.
pub(super) async fn with_scim_directory(world: &World) -> Vec<Write> {
    let scim = json!({"name": "Scim", "type": "scim"});
    let scim = location(world.tenant_admin().post("/directories", scim).await);
    let writes = [
        Write::new("PATCH /directories/{directory_id}", &scim)
            .body(json!({"name": "Renamed"}))
            .rejects(&bad()),
        Write::new(
            "POST /directories/{directory_id}/rotate-token",
            &format!("{scim}/rotate-token"),
        )
        .rejects(&unknown()),
        Write::new("DELETE /directories/{directory_id}", &scim),
    ];
    writes.map(|write| write.by(Writer::TenantAdmin)).into()
}

fn location(made: Reply) -> String {
    made.expect(201).headers["location"].clone()
}
