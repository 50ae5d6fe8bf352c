//! Creating, reading and changing directories, and the proof that an Entra tenant belongs to a tenant.

use serde_json::{Value, json};
use support::World;

use super::{ENTRA, GLOBEX, PRINCIPAL, created, new_directory, organization_with_domain};

#[tokio::test]
async fn a_directory_is_created_changed_and_listed() {
    let world = World::start().await;
    let (path, _) = created(&world, |_| json!({"create_organizations": true})).await;
    let root = world.tenant_admin_of(GLOBEX);
    let shown = root.get(&path).await.expect(200).body;
    let now = &shown["created_at"];
    assert_eq!(
        shown,
        json!({
            "id": path.strip_prefix("/directories/"),
            "tenant_id": GLOBEX,
            "name": "Globex",
            "type": "entra",
            "status": "active",
            "status_reason": null,
            "entra": {
                "tenant_id": ENTRA,
                "domain": "globex.example",
                "service_principal_id": PRINCIPAL,
                "client_id": null,
                "client_secret_arn": null,
            },
            "settings": {
                "create_organizations": true,
                "default_team_params": {"models": [], "max_budget": null, "budget_duration": null,
                    "tpm_limit": null, "rpm_limit": null},
                "default_role": "internal_user",
                "role_map": {},
                "group_map": {},
                "group_filter": null,
                "tenant_admin_groups": [],
                "on_leave": "remove",
                "nested_groups": false,
                "refresh_names": false,
                "removal_limit": {"percent": 20, "count": 20},
                "link_by": "object_id",
            },
            "last_run": null,
            "blocked_run_id": null,
            "version": 1,
            "created_by": "root",
            "created_at": now,
            "updated_at": now,
        })
    );
    assert_eq!(root.all("/directories").await, std::slice::from_ref(&shown));

    let change = json!({"name": "Globex Corporation", "settings": {"role_map": {"Lead": "manager"},
        "group_filter": {"pattern": "^App-"}, "removal_limit": {"count": 5}}});
    let changed = root.patch(&path, change.clone()).await.expect(200).body;
    assert_eq!(changed["version"], 2);
    assert_eq!(changed["settings"]["create_organizations"], true);
    assert_eq!(
        changed["settings"]["removal_limit"],
        json!({"percent": 20, "count": 5})
    );
    // Nothing changes, so there is no event and no new version.
    assert_eq!(root.patch(&path, change).await.expect(200).body, changed);
    let reset = json!({"settings": {"role_map": {"Lead": null}, "group_filter": null}});
    let reset = root.patch(&path, reset).await.expect(200).body;
    assert_eq!(reset["settings"]["role_map"], json!({}));
    assert_eq!(reset["settings"]["group_filter"], Value::Null);
    let events = root.all("/events?type=directory.*&order=newest").await;
    let types: Vec<_> = events
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect();
    assert_eq!(
        types,
        [
            "directory.updated",
            "directory.updated",
            "directory.created"
        ]
    );
    assert_eq!(events[2]["changes"]["name"]["to"], "Globex");

    // Only tenant admins, and only of the tenant.
    let user = world.user_of(GLOBEX, "hank");
    user.get(&path).await.problem(403, "forbidden");
    user.get("/directories").await.problem(403, "forbidden");
    user.patch(&path, json!({})).await.problem(403, "forbidden");
    user.delete(&path).await.problem(403, "forbidden");
    let others = world.tenant_admin();
    others.get(&path).await.problem(404, "not-found");
    others
        .patch(&path, json!({}))
        .await
        .problem(404, "not-found");
    others.delete(&path).await.problem(404, "not-found");
    assert!(others.all("/directories").await.is_empty());
}

#[tokio::test]
async fn an_entra_tenant_is_bound_only_with_proof() {
    let world = World::start().await;
    let root = world.tenant_admin_of(GLOBEX);
    let body = new_directory(&json!({}));
    let refused = async |body: Value, pointer: &str| {
        let reply = root.post("/directories", body).await;
        let reply = reply.problem(400, "validation-failed");
        assert_eq!(reply.body["errors"][0]["pointer"], pointer, "{reply:?}");
    };
    // No organization of the tenant has verified the domain.
    refused(body.clone(), "/entra/domain").await;
    // Another tenant has.
    organization_with_domain(&world, "acme", "globex.example").await;
    refused(body.clone(), "/entra/domain").await;
    let other = world.tenant_admin();
    organization_with_domain(&world, GLOBEX, "globex.example").await;
    // The domain is of another Entra tenant, or of none.
    let mut foreign = body.clone();
    foreign["entra"]["tenant_id"] = json!(PRINCIPAL);
    refused(foreign, "/entra/domain").await;
    let mut unknown = body.clone();
    unknown["entra"]["domain"] = json!("initech.example");
    refused(unknown, "/entra/domain").await;
    let mut scim = body.clone();
    scim["type"] = json!("scim");
    refused(scim, "/entra").await;
    let mut secret = body.clone();
    secret["entra"]["client_secret_arn"] =
        json!("arn:aws:secretsmanager:eu-central-1:123456789012:secret:another-AbCdEf");
    refused(secret, "/entra/client_secret_arn").await;
    assert!(root.all("/directories").await.is_empty());

    let first = root.post_once("/directories", "k1", body.clone()).await;
    let first = first.expect(201);
    let replayed = root.post_once("/directories", "k1", body.clone()).await;
    assert_eq!(replayed.expect(201).body, first.body);
    root.post("/directories", body.clone())
        .await
        .problem(409, "limit-reached");
    // The other tenant has proved the domain as well, but the Entra tenant is taken.
    other
        .post("/directories", body.clone())
        .await
        .problem(409, "directory-taken");
    root.delete(&first.headers["location"]).await.expect(204);
    other.post("/directories", body).await.expect(201);
}

#[tokio::test]
async fn concurrent_creates_create_one_directory() {
    let world = World::start().await;
    let root = world.tenant_admin_of(GLOBEX);
    organization_with_domain(&world, GLOBEX, "globex.example").await;
    let body = new_directory(&json!({}));
    let all = (0..5).map(|_| root.post("/directories", body.clone()));
    let replies = futures::future::join_all(all).await;
    let made = replies.iter().filter(|reply| reply.status == 201).count();
    assert_eq!(made, 1, "{replies:?}");
    assert_eq!(root.all("/directories").await.len(), 1);
}

#[tokio::test]
async fn a_secret_lies_below_the_name_of_the_tenant() {
    const PREFIX: &str =
        "arn:aws:secretsmanager:eu-central-1:123456789012:secret:muster/directories/";
    let world = World::with_variable("DIRECTORY_SECRETS", PREFIX).await;
    let (path, _) = created(&world, |_| json!({})).await;
    let root = world.tenant_admin_of(GLOBEX);
    let arn = |tenant: &str| json!({"entra": {"client_secret_arn": format!("{PREFIX}{tenant}")}});
    for bad in [
        "acme/entra-AbCdEf",
        "globex",
        "globex/",
        "globex2/entra-AbCdEf",
    ] {
        root.patch(&path, arn(bad))
            .await
            .problem(400, "validation-failed");
    }
    let set = root
        .patch(&path, arn("globex/entra-AbCdEf"))
        .await
        .expect(200);
    let expected = arn("globex/entra-AbCdEf");
    assert_eq!(
        set.body["entra"]["client_secret_arn"],
        expected["entra"]["client_secret_arn"]
    );
    let cleared = json!({"entra": {"client_secret_arn": null}});
    let cleared = root.patch(&path, cleared).await.expect(200);
    assert_eq!(cleared.body["entra"]["client_secret_arn"], Value::Null);
}
