//! No function has more permissions than it needs.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::document::{branches, each, read, texts};
use crate::functions::{FunctionBlock, functions};

#[test]
fn functions_have_only_the_permissions_of_their_policy() {
    for function in functions() {
        for statement in function.statements() {
            let name = &function.resource;
            if statement["Effect"] == "Deny" {
                continue;
            }
            assert_eq!(statement["Effect"], "Allow", "{name}");
            if !is_for_invitations(&function, statement)
                && !is_for_mails(name, statement)
                && !is_for_entra(name, statement)
                && !is_for_events(name, statement)
            {
                check_on_table(name, statement);
            }
        }
    }
}

/// The audit log is final: a function that may change or delete items is denied it for events. Only erasing a user, and
/// what a login wrote of them meanwhile, changes the personal details in an event, and nothing else.
#[test]
fn no_function_may_change_an_event() {
    let changes = ["BatchWriteItem", "DeleteItem", "UpdateItem"].map(|it| format!("dynamodb:{it}"));
    let mut checked = 0;
    for function in functions() {
        let name = &function.resource;
        let statements = function.statements();
        let denials = statements.iter().filter(|it| denied_keys(it) == EVENTS);
        let denials: Vec<_> = denials.collect();
        let actions = |effect: &str| -> BTreeSet<&str> {
            let some = statements.iter().filter(|it| match effect {
                "Deny" => denied_keys(it) == EVENTS,
                effect => it["Effect"] == effect,
            });
            let actions = some.flat_map(|it| texts(&it["Action"]));
            actions
                .filter(|it| changes.iter().any(|change| change == it))
                .collect()
        };
        assert_eq!(actions("Allow"), actions("Deny"), "{name}");
        let update = json!(["dynamodb:UpdateItem"]);
        for denial in &denials {
            let mut condition = denial["Condition"].clone();
            let condition = condition.as_object_mut().unwrap();
            let except = condition.remove("ForAnyValue:StringNotEquals");
            let personal = json!({"dynamodb:Attributes": ["pk", "sk", "personal"]});
            let erases = ["EraseUser", "TrackMembers"].contains(&name.as_str());
            let is_erasure = erases && denial["Action"] == update;
            assert_eq!(except, is_erasure.then_some(personal), "{name}");
            assert_eq!(condition.len(), 1, "{name}");
        }
        checked += denials.len();
    }
    assert!(checked > 10, "{checked}");
}

/// Only the functions that sign webhooks or write their secrets have access to them. Each has a reason in
/// `docs/SECURITY.md`.
#[test]
fn few_functions_have_access_to_secrets() {
    let reasons = read("docs/SECURITY.md");
    let mut with_access = BTreeSet::new();
    for function in functions() {
        let statements = function.statements();
        let on_table = statements.iter().filter(|it| it["Effect"] == "Allow");
        let on_table = on_table.filter(|it| !it["Condition"]["ForAllValues:StringLike"].is_null());
        let on_index = |it: &Value| it["Resource"].to_string().contains("/index/");
        let allowed = on_table.filter(|it| !on_index(it));
        let allowed: BTreeSet<_> = allowed.flat_map(|it| texts(&it["Action"])).collect();
        let denied = statements.iter().filter(|it| denied_keys(it) == SECRETS);
        let denied: BTreeSet<_> = denied.flat_map(|it| texts(&it["Action"])).collect();
        if denied.is_empty() && !allowed.is_empty() {
            assert!(reasons.contains(&format!("`{}`", function.binary)));
            with_access.insert(function.binary.clone());
        } else {
            assert_eq!(allowed, denied, "{}", function.resource);
        }
    }
    let expected = [
        "create-directory",
        "create-webhook-endpoint",
        "delete-webhook-endpoint",
        "deliver-webhook",
        "rotate-directory-token",
        "rotate-webhook-secret",
        "test-webhook-endpoint",
    ];
    let with_access: Vec<_> = with_access.iter().map(String::as_str).collect();
    assert_eq!(with_access, expected);
}

const EVENTS: &str = "TENANT#*#!EVENTS#*";
const SECRETS: &str = "TENANT#*#!SECRETS#*";

/// The partition keys that a statement denies; empty for a statement that allows.
fn denied_keys(statement: &Value) -> &str {
    if statement["Effect"] != "Deny" {
        return "";
    }
    let keys = &statement["Condition"]["ForAnyValue:StringLike"]["dynamodb:LeadingKeys"];
    keys.as_str().expect("a denial names partition keys")
}

/// The functions that know the secret of the tokens of invitations may read it, and no other secret.
fn is_for_invitations(function: &FunctionBlock, statement: &Value) -> bool {
    let secret = json!({"Ref": "InvitationSecret"});
    if statement["Resource"] != secret {
        return false;
    }
    let actions: Vec<_> = texts(&statement["Action"]).into_iter().collect();
    assert_eq!(actions, ["secretsmanager:GetSecretValue"]);
    let variables = &function.properties["Environment"]["Variables"];
    assert_eq!(variables["INVITATION_SECRET_ARN"], secret);
    true
}

/// Only the function that sends mails may, and only as the sender that the deployment names.
fn is_for_mails(name: &str, statement: &Value) -> bool {
    if !texts(&statement["Action"])
        .into_iter()
        .eq(["ses:SendEmail"])
    {
        return false;
    }
    assert_eq!(name, "SendInvitation");
    let own = "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:";
    let resources = each(&statement["Resource"]).into_iter().flat_map(branches);
    let resources: Vec<_> = resources.filter_map(|it| it["Fn::Sub"].as_str()).collect();
    let expected = [
        "identity/*",
        "configuration-set/*",
        "template/${InvitationTemplate}",
    ];
    assert_eq!(resources, expected.map(|it| format!("{own}{it}")));
    // The address in `InvitationFrom`, without a name before it.
    let twice = json!({"Fn::Sub": "${InvitationFrom}<${InvitationFrom}"});
    let last = json!({"Fn::Select": [1, {"Fn::Split": ["<", twice]}]});
    let address = json!({"Fn::Select": [0, {"Fn::Split": [">", last]}]});
    let condition = json!({"StringEqualsIgnoreCase": {"ses:FromAddress": address}});
    assert_eq!(statement["Condition"], condition);
    true
}

/// The login sync needs credentials for Entra: the given secret, or a token of AWS with Entra as
/// its only audience.
fn is_for_entra(name: &str, statement: &Value) -> bool {
    let secret = json!({"Ref": "MicrosoftClientSecretArn"});
    let condition = &statement["Condition"];
    let actions: Vec<_> = texts(&statement["Action"]).into_iter().collect();
    match actions[..] {
        ["secretsmanager:GetSecretValue"] => {
            // The deployment's own, or those that are named after the stack and a tenant.
            let place = "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}";
            let own = format!("{place}:secret:${{AWS::StackName}}/directories/*");
            let of_directories = json!({ "Fn::Sub": own });
            assert!([secret, of_directories].contains(&statement["Resource"]));
        }
        ["kms:Decrypt"] => {
            let key = json!({"Ref": "MicrosoftClientSecretKeyArn"});
            assert_eq!(statement["Resource"], key);
            let of = &condition["StringEquals"]["kms:EncryptionContext:SecretARN"];
            assert_eq!(*of, secret);
            let via = &condition["StringLike"]["kms:ViaService"]["Fn::Sub"];
            assert_eq!(*via, "secretsmanager.*.${AWS::URLSuffix}");
        }
        ["sts:GetWebIdentityToken"] => {
            let audience = &condition["ForAllValues:StringEquals"]["sts:IdentityTokenAudience"];
            assert_eq!(*audience, "api://AzureADTokenExchange");
            assert_eq!(condition["Null"]["sts:IdentityTokenAudience"], "false");
        }
        _ => return false,
    }
    let readers = ["PostLogin", "ReconcileDirectory", "SyncDirectory"];
    assert!(readers.contains(&name), "{name}");
    true
}

/// Publishing events needs the bus, the queue of failures and the table's stream: each of them only. Counting members
/// needs the stream and that queue.
fn is_for_events(name: &str, statement: &Value) -> bool {
    let mut readers = &["PublishEvents", "TrackMembers"][..];
    let on = match texts(&statement["Action"]).into_iter().collect::<Vec<_>>()[..] {
        ["events:PutEvents"] => {
            readers = &["PublishEvents"];
            vec![
                json!({"Fn::GetAtt": "EventBus.Arn"}),
                json!({"Fn::Sub": "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:event-bus/${EventBusName}"}),
            ]
        }
        ["sqs:SendMessage"] => {
            let queues = each(&statement["Resource"]);
            let queues = queues
                .into_iter()
                .map(|it| it["Fn::GetAtt"].as_str().unwrap());
            let expected: &[&str] = match name {
                "PublishEvents" => &[
                    "EventFailures.Arn",
                    "WebhookQueue.Arn",
                    "InvitationQueue.Arn",
                ],
                "TrackMembers" => &["EventFailures.Arn"],
                "DeliverWebhook" => &["WebhookQueue.Arn", "WebhookFailures.Arn"],
                "SendInvitation" => &["InvitationQueue.Arn", "InvitationFailures.Arn"],
                "ReplayWebhookEvents" | "RetryWebhookDelivery" => &["WebhookQueue.Arn"],
                "ScheduleReconciles" | "ReconcileDirectory" | "SyncDirectory"
                | "UpdateDirectory" | "ScimUsers" | "ScimGroups" => &["ReconcileQueue.Arn"],
                _ => &[],
            };
            assert_eq!(queues.collect::<Vec<_>>(), expected, "{name}");
            return true;
        }
        [
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
            "sqs:ReceiveMessage",
        ] => {
            let queue = match name {
                "DeliverWebhook" => "WebhookQueue.Arn",
                "SendInvitation" => "InvitationQueue.Arn",
                "ReconcileDirectory" => "ReconcileQueue.Arn",
                other => panic!("{other} reads a queue"),
            };
            assert_eq!(statement["Resource"], json!({"Fn::GetAtt": queue}));
            return true;
        }
        [
            "dynamodb:DescribeStream",
            "dynamodb:GetRecords",
            "dynamodb:GetShardIterator",
        ] => vec![
            json!({"Ref": "RestoredTableStreamArn"}),
            json!({"Fn::GetAtt": "Table.StreamArn"}),
        ],
        ["dynamodb:ListStreams"] => vec![
            json!({"Fn::Sub": "${RestoredTableArn}/stream/*"}),
            json!({"Fn::Sub": "${Table.Arn}/stream/*"}),
        ],
        _ => return false,
    };
    assert_eq!(
        branches(&statement["Resource"]),
        on.iter().collect::<Vec<_>>()
    );
    assert!(readers.contains(&name), "{name}");
    true
}

fn check_on_table(name: &str, statement: &Value) {
    let mut on_index = false;
    for resource in each(&statement["Resource"]).into_iter().flat_map(branches) {
        if *resource == json!({"Fn::GetAtt": "Table.Arn"})
            || *resource == json!({"Ref": "RestoredTableArn"})
        {
            continue;
        }
        let index = resource["Fn::Sub"].as_str().unwrap_or_default();
        let index = ["${Table.Arn}", "${RestoredTableArn}"]
            .iter()
            .find_map(|table| index.strip_prefix(table));
        assert!(
            matches!(index, Some("/index/gsi1" | "/index/gsi2" | "/index/gsi3")),
            "{name} reaches {resource}"
        );
        on_index = true;
    }
    for action in texts(&statement["Action"]) {
        let operation = action.strip_prefix("dynamodb:");
        let operation = operation.unwrap_or_else(|| panic!("{name} may {action}"));
        let item_operations = [
            "BatchGetItem",
            "BatchWriteItem",
            "ConditionCheckItem",
            "DeleteItem",
            "GetItem",
            "PutItem",
            "Query",
            "UpdateItem",
        ];
        // No Scan, no changes of the table itself, no wildcard.
        assert!(
            item_operations.contains(&operation),
            "{name} may {operation}"
        );
        assert!(
            !on_index || operation == "Query",
            "{name}: {operation} on an index"
        );
    }
    let condition = &statement["Condition"];
    let keys = &condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"];
    // The domains to check, and the directories to read, are of all tenants, and have places of their own in an index.
    let place = match name {
        "RecheckDomains" => "TENANT##CHECKS",
        "ScheduleReconciles" => "TENANT##RUNS",
        _ => "",
    };
    if !(on_index && *keys == place) {
        assert_eq!(*keys, "TENANT#*", "{name}");
    }
    let guard = &condition["Null"]["dynamodb:LeadingKeys"];
    assert_eq!(*guard, "false", "{name}");
}
