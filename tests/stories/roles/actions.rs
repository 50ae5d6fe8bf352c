//! The actions of the tables: all routes in one list, by resource, so that one that is missing is seen.

use serde_json::json;

use super::action::Action;

/// Every route, several times if the target or the body matters.
pub(super) const ACTIONS: &[Action] = &[
    Action::new("POST /organizations", "", |scene| {
        let name = format!("Made beside {} by {}", scene.id, scene.caller.id);
        scene
            .of_tenant("POST", "/organizations")
            .json(&json!({"name": name}))
    }),
    Action::new("GET /organizations", "", |scene| {
        scene.of_tenant("GET", "/organizations")
    }),
    Action::new("GET /organizations/{organization_id}", "", |scene| {
        scene.request("GET", "")
    }),
    Action::new("GET /organizations/{organization_id}", "deleted", |scene| {
        scene.request("GET", "")
    })
    .of_deleted(),
    Action::new("GET /organizations/{organization_id}/events", "", |scene| {
        scene.request("GET", "/events")
    }),
    Action::new(
        "GET /organizations/{organization_id}/events",
        "deleted",
        |scene| scene.request("GET", "/events"),
    )
    .of_deleted(),
    Action::new("GET /events", "", |scene| scene.of_tenant("GET", "/events")),
    Action::new("GET /events/{event_id}", "unknown", |scene| {
        scene.of_tenant("GET", "/events/019aa8c1-2d3e-7f40-8a1b-3c4d5e6f7081")
    }),
    Action::new("PATCH /organizations/{organization_id}", "name", |scene| {
        let body = json!({"name": format!("Renamed {}", scene.id)});
        scene.request("PATCH", "").json(&body)
    }),
    Action::new(
        "PATCH /organizations/{organization_id}",
        "billing",
        |scene| {
            let body = json!({"billing_email": "bills@acme.example"});
            scene.request("PATCH", "").json(&body)
        },
    ),
    Action::new(
        "PATCH /organizations/{organization_id}",
        "deleted",
        |scene| scene.request("PATCH", "").json(&json!({"domain": null})),
    )
    .of_deleted(),
    Action::new("PUT /organizations/{organization_id}", "limits", |scene| {
        let body = json!({"limits": {"rpm_limit": 60}});
        scene.request("PUT", "").json(&body)
    }),
    Action::new("PUT /organizations/{organization_id}", "billing", |scene| {
        let body = json!({"stripe_customer_id": "cus_123", "domain": "acme.example"});
        scene.request("PUT", "").json(&body)
    }),
    Action::new(
        "DELETE /organizations/{organization_id}",
        "deleted",
        |scene| scene.request("DELETE", ""),
    )
    .of_deleted(),
    Action::new(
        "POST /organizations/{organization_id}/restore",
        "deleted",
        |scene| scene.request("POST", "/restore"),
    )
    .of_deleted(),
    Action::new(
        "POST /organizations/{organization_id}/restore",
        "live",
        |scene| scene.request("POST", "/restore"),
    ),
    Action::new(
        "POST /organizations/{organization_id}/members",
        "new member",
        |scene| {
            let body = json!({"user_id": "newcomer"});
            scene.request("POST", "/members").json(&body)
        },
    ),
    Action::new(
        "POST /organizations/{organization_id}/members",
        "existing member",
        |scene| {
            let body = json!({"user_id": "colleague"});
            scene.request("POST", "/members").json(&body)
        },
    ),
    Action::new(
        "POST /organizations/{organization_id}/members/batch",
        "existing member",
        |scene| {
            let body = json!({"items": [{"user_id": "colleague"}]});
            scene.request("POST", "/members/batch").json(&body)
        },
    ),
    Action::new(
        "POST /organizations/{organization_id}/invitations",
        "as a member",
        |scene| {
            let body = json!({"email": "newcomer@acme.example"});
            scene.request("POST", "/invitations").json(&body)
        },
    ),
    Action::new(
        "POST /organizations/{organization_id}/invitations",
        "as an owner",
        |scene| {
            let body = json!({"email": "boss@acme.example", "role": "owner"});
            scene.request("POST", "/invitations").json(&body)
        },
    ),
    Action::new(
        "POST /organizations/{organization_id}/invitations/batch",
        "invited address",
        |scene| {
            let body = json!({"items": [{"email": "newcomer@acme.example"}]});
            scene.request("POST", "/invitations/batch").json(&body)
        },
    ),
    Action::new("GET /invitations/{token}", "unknown", |scene| {
        scene.of_tenant("GET", "/invitations/inv1_YWNtZQ.c2lnbmF0dXJl")
    }),
    Action::new("POST /invitations/accept", "unknown", |scene| {
        let body = json!({"token": "inv1_YWNtZQ.c2lnbmF0dXJl"});
        scene.of_tenant("POST", "/invitations/accept").json(&body)
    }),
    Action::new("POST /invitations/decline", "unknown", |scene| {
        let body = json!({"token": "inv1_YWNtZQ.c2lnbmF0dXJl"});
        scene.of_tenant("POST", "/invitations/decline").json(&body)
    }),
    Action::new("GET /users/me/invitations", "", |scene| {
        scene.of_tenant("GET", "/users/me/invitations")
    }),
    Action::new(
        "POST /users/me/invitations/{invitation_id}/accept",
        "unknown",
        |scene| scene.of_tenant("POST", "/users/me/invitations/none/accept"),
    ),
    Action::new(
        "POST /users/me/invitations/{invitation_id}/decline",
        "unknown",
        |scene| scene.of_tenant("POST", "/users/me/invitations/none/decline"),
    ),
    Action::new(
        "GET /organizations/{organization_id}/invitations",
        "",
        |scene| scene.request("GET", "/invitations"),
    ),
    Action::new(
        "GET /organizations/{organization_id}/invitations/{invitation_id}",
        "unknown",
        |scene| scene.request("GET", "/invitations/none"),
    ),
    Action::new(
        "POST /organizations/{organization_id}/invitations/{invitation_id}/resend",
        "unknown",
        |scene| scene.request("POST", "/invitations/none/resend"),
    ),
    Action::new(
        "DELETE /organizations/{organization_id}/invitations/{invitation_id}",
        "unknown",
        |scene| scene.request("DELETE", "/invitations/none"),
    ),
    Action::new(
        "GET /organizations/{organization_id}/members",
        "",
        |scene| scene.request("GET", "/members"),
    ),
    Action::new(
        "GET /organizations/{organization_id}/members/{user_id}",
        "another user",
        |scene| scene.request("GET", "/members/colleague"),
    ),
    Action::new(
        "GET /organizations/{organization_id}/members/{user_id}",
        "self",
        |scene| scene.request("GET", "/members/me"),
    ),
    Action::new(
        "PATCH /organizations/{organization_id}/members/{user_id}",
        "a member's role",
        |scene| {
            let body = json!({"role": "readonly"});
            scene.request("PATCH", "/members/colleague").json(&body)
        },
    ),
    Action::new(
        "PUT /organizations/{organization_id}/members/{user_id}",
        "a member's status",
        |scene| {
            let body = json!({"status": "suspended"});
            scene.request("PUT", "/members/colleague").json(&body)
        },
    ),
    Action::new(
        "PATCH /organizations/{organization_id}/members/{user_id}",
        "own status",
        |scene| {
            let body = json!({"status": "active"});
            scene.request("PATCH", "/members/me").json(&body)
        },
    ),
    Action::new(
        "DELETE /organizations/{organization_id}/members/{user_id}",
        "a member",
        |scene| scene.request("DELETE", "/members/colleague"),
    ),
    Action::new(
        "DELETE /organizations/{organization_id}/members/{user_id}",
        "no member",
        |scene| scene.request("DELETE", "/members/nobody"),
    ),
    Action::new(
        "POST /organizations/{organization_id}/members/{user_id}/accept",
        "for another user",
        |scene| scene.request("POST", "/members/colleague/accept"),
    ),
    Action::new(
        "GET /users/{user_id}/organizations",
        "another user",
        |scene| scene.of_tenant("GET", "/users/colleague/organizations"),
    ),
    Action::new("GET /users/{user_id}/organizations", "self", |scene| {
        scene.of_tenant("GET", "/users/me/organizations")
    }),
    Action::new("GET /users/{user_id}/organizations", "deleted", |scene| {
        scene.of_tenant("GET", "/users/me/organizations?organization_status=deleted")
    })
    .of_deleted(),
    Action::new("GET /users", "", |scene| scene.of_tenant("GET", "/users")),
    Action::new("GET /users/{user_id}", "another user", |scene| {
        scene.of_tenant("GET", "/users/colleague")
    }),
    Action::new("GET /users/{user_id}", "self", |scene| {
        scene.of_tenant("GET", "/users/me")
    }),
    Action::new("PATCH /users/{user_id}", "another user", |scene| {
        scene
            .of_tenant("PATCH", "/users/colleague")
            .json(&json!({"status": "enabled"}))
    }),
    Action::new("DELETE /users/{user_id}", "unknown user", |scene| {
        scene.of_tenant("DELETE", "/users/nobody")
    }),
    Action::new("PUT /users/{user_id}", "another user", |scene| {
        scene
            .of_tenant("PUT", "/users/colleague")
            .json(&json!({"display_name": "Col"}))
    }),
    Action::new("PUT /users/{user_id}", "self", |scene| {
        scene
            .of_tenant("PUT", "/users/me")
            .json(&json!({"display_name": "Me"}))
    }),
    Action::new(
        "POST /organizations/{organization_id}/members/{user_id}/accept",
        "self",
        |scene| scene.request("POST", "/members/me/accept"),
    )
    .spoils(),
    Action::new(
        "POST /organizations/{organization_id}/members",
        "self, as admin",
        |scene| {
            let body = json!({"user_id": scene.caller.id, "role": "admin", "status": "active"});
            scene.request("POST", "/members").json(&body)
        },
    )
    .spoils(),
    Action::new(
        "DELETE /organizations/{organization_id}/members/{user_id}",
        "self",
        |scene| scene.request("DELETE", "/members/me"),
    )
    .spoils(),
    Action::new(
        "POST /organizations/{organization_id}/transfer-ownership",
        "to a member",
        |scene| {
            scene
                .request("POST", "/transfer-ownership")
                .json(&json!({"user_id": "colleague"}))
        },
    )
    .spoils(),
    // Of an Entra tenant that has not verified the domain.
    Action::new("POST /directories", "", |scene| {
        let id = "8e881353-1735-45af-af21-ee1344582a4d";
        let entra = json!({"tenant_id": id, "domain": "none.example", "service_principal_id": id});
        let body = json!({"name": "Acme", "type": "entra", "entra": entra});
        scene.of_tenant("POST", "/directories").json(&body)
    }),
    Action::new("GET /directories", "", |scene| {
        scene.of_tenant("GET", "/directories")
    }),
    Action::new("GET /directories/{directory_id}", "", |scene| {
        scene.of_tenant("GET", "/directories/none")
    }),
    Action::new("PATCH /directories/{directory_id}", "", |scene| {
        scene
            .of_tenant("PATCH", "/directories/none")
            .json(&json!({"status": "paused"}))
    }),
    Action::new("DELETE /directories/{directory_id}", "", |scene| {
        scene.of_tenant("DELETE", "/directories/none")
    }),
    Action::new("POST /directories/{directory_id}/sync", "", |scene| {
        scene
            .of_tenant("POST", "/directories/none/sync")
            .json(&json!({}))
    }),
    Action::new("GET /directories/{directory_id}/runs", "", |scene| {
        scene.of_tenant("GET", "/directories/none/runs")
    }),
    Action::new(
        "POST /directories/{directory_id}/rotate-token",
        "",
        |scene| scene.of_tenant("POST", "/directories/none/rotate-token"),
    ),
    Action::new("POST /webhook-endpoints", "", |scene| {
        let body = json!({"url": "https://hooks.example/", "event_types": ["*"]});
        scene.of_tenant("POST", "/webhook-endpoints").json(&body)
    }),
    Action::new("GET /webhook-endpoints", "", |scene| {
        scene.of_tenant("GET", "/webhook-endpoints")
    }),
    Action::new("GET /webhook-endpoints/{endpoint_id}", "", |scene| {
        scene.of_tenant("GET", "/webhook-endpoints/none")
    }),
    Action::new("PATCH /webhook-endpoints/{endpoint_id}", "", |scene| {
        scene
            .of_tenant("PATCH", "/webhook-endpoints/none")
            .json(&json!({"status": "disabled"}))
    }),
    Action::new("DELETE /webhook-endpoints/{endpoint_id}", "", |scene| {
        scene.of_tenant("DELETE", "/webhook-endpoints/none")
    }),
    Action::new(
        "POST /webhook-endpoints/{endpoint_id}/rotate-secret",
        "",
        |scene| scene.of_tenant("POST", "/webhook-endpoints/none/rotate-secret"),
    ),
    Action::new("POST /webhook-endpoints/{endpoint_id}/test", "", |scene| {
        scene.of_tenant("POST", "/webhook-endpoints/none/test")
    }),
    Action::new(
        "POST /webhook-endpoints/{endpoint_id}/replay",
        "",
        |scene| {
            let range =
                json!({"from": "2026-01-01T00:00:00.000Z", "to": "2026-01-02T00:00:00.000Z"});
            scene
                .of_tenant("POST", "/webhook-endpoints/none/replay")
                .json(&range)
        },
    ),
    Action::new(
        "POST /webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}/retry",
        "",
        |scene| {
            let delivery = "deliveries/019aa8c1-2d3e-7f40-8a1b-3c4d5e6f7081/retry";
            scene.of_tenant("POST", &format!("/webhook-endpoints/none/{delivery}"))
        },
    ),
    Action::new(
        "GET /webhook-endpoints/{endpoint_id}/deliveries",
        "",
        |scene| scene.of_tenant("GET", "/webhook-endpoints/none/deliveries"),
    ),
    Action::new(
        "POST /organizations/{organization_id}/domains",
        "",
        |scene| {
            let body = json!({"domain": "acme.example"});
            scene.request("POST", "/domains").json(&body)
        },
    ),
    Action::new(
        "GET /organizations/{organization_id}/domains",
        "",
        |scene| scene.request("GET", "/domains"),
    ),
    Action::new(
        "GET /organizations/{organization_id}/domains/{domain}",
        "",
        |scene| scene.request("GET", "/domains/none.example"),
    ),
    Action::new(
        "PATCH /organizations/{organization_id}/domains/{domain}",
        "",
        |scene| {
            let body = json!({"auto_join": false});
            scene.request("PATCH", "/domains/none.example").json(&body)
        },
    ),
    Action::new(
        "POST /organizations/{organization_id}/domains/{domain}/verify",
        "",
        |scene| scene.request("POST", "/domains/none.example/verify"),
    ),
    Action::new(
        "DELETE /organizations/{organization_id}/domains/{domain}",
        "",
        |scene| scene.request("DELETE", "/domains/none.example"),
    ),
    Action::new("DELETE /organizations/{organization_id}", "", |scene| {
        scene.request("DELETE", "")
    })
    .spoils(),
];
