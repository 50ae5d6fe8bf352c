use serde_json::{Value, json};

use super::file::{Directory, SAMPLE};
use super::source::read;

/// The sample with a change.
fn changed(change: impl FnOnce(&mut Value)) -> Result<Directory, String> {
    let mut directory: Value = serde_json::from_str(SAMPLE).unwrap();
    change(&mut directory);
    read(directory.to_string().as_bytes()).map_err(|wrong| wrong.to_string())
}

/// The sample with this value at this position.
fn with(place: &str, value: Value) -> Result<Directory, String> {
    changed(|directory| {
        let (parent, name) = place.rsplit_once('/').unwrap();
        let parent = directory.pointer_mut(parent).unwrap();
        match name.parse::<usize>() {
            Ok(at) => parent[at] = value,
            Err(_) => parent[name] = value,
        }
    })
}

#[test]
fn a_directory_survives_a_round_trip() {
    let sample = read(SAMPLE.as_bytes()).unwrap();
    assert_eq!(sample.groups.len(), 4);
    let again = serde_json::to_vec(&sample).unwrap();
    assert_eq!(read(&again).unwrap(), sample);
    assert!(read(&[b"\xef\xbb\xbf", SAMPLE.as_bytes()].concat()).is_ok());
}

#[test]
fn inconsistencies_are_named_with_their_position() {
    let long = "x".repeat(65);
    for (place, value, said) in [
        ("/groups/1/memebrs", json!([]), "groups[1]"),
        (
            "/groups/1/memebrs",
            json!([]),
            "unknown field `memebrs`, expected one of",
        ),
        ("/application/secret", json!("s3cret"), "application"),
        (
            "/users/0/email",
            json!(5),
            "users[0].email: invalid type: integer",
        ),
        ("/users/0", json!({}), "users[0]: missing field `id`"),
        ("/tenant_id", json!("a#b"), "tenant_id: must be"),
        (
            "/application/tenant",
            json!("common"),
            "application.tenant: must be",
        ),
        (
            "/application/tenant",
            json!("a/b"),
            "application.tenant: must be",
        ),
        (
            "/application/client_secret",
            json!(""),
            "application.client_secret: must not be empty",
        ),
        (
            "/application/client_id",
            json!("a b"),
            "application.client_id: must be an id",
        ),
        (
            "/application/app_roles/1/value",
            json!("org_admin"),
            "app_roles[1].value: org_admin is there more than once",
        ),
        ("/users/1/id", json!(long), "users[1].id: must be an id"),
        (
            "/users/1/user_id",
            json!("grace"),
            "users[1].user_id: grace is there more than once",
        ),
        (
            "/groups/1/id",
            json!("grace"),
            "groups[1].id: grace is the user_id of a user",
        ),
        (
            "/groups/0/members/1",
            json!("nobody"),
            "groups[0].members[1]: nobody is neither",
        ),
        (
            "/assignments/2/to",
            json!("nobody"),
            "assignments[2].to: nobody is neither",
        ),
        (
            "/assignments/0/app_role",
            json!("king"),
            "assignments[0].app_role: king is the value of no app role",
        ),
        ("/page_size", json!(0), "page_size: must be 1 to 999"),
        ("/token_seconds", json!(-1), "token_seconds: invalid value"),
    ] {
        let error = with(place, value).unwrap_err();
        assert!(error.contains(said), "{error}\ndoes not say\n{said}");
        assert!(!error.contains("s3cret"), "{error}");
    }
}

#[test]
fn invalid_json_is_rejected_with_its_line() {
    for (text, said) in [
        ("", "EOF while parsing a value at line 1"),
        ("{\n  \"users\": [,]}", "line 2"),
        ("5", "invalid type: integer `5`"),
    ] {
        let error = read(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
    let twice = format!("{SAMPLE}{SAMPLE}");
    let error = read(twice.as_bytes()).unwrap_err().to_string();
    assert!(error.contains("trailing characters"), "{error}");
}

#[test]
fn invalid_faults_are_rejected_with_their_position() {
    for (place, value, said) in [
        (
            "/faults",
            json!([{"on": "groups"}]),
            "faults[0].on: unknown variant `groups`, expected one of `token`",
        ),
        (
            "/faults",
            json!([{"on": "token"}]),
            "faults[0]: does nothing",
        ),
        (
            "/faults",
            json!([{"on": "token", "status": 99}]),
            "faults[0].status: must be",
        ),
        (
            "/faults",
            json!([{"on": "token", "cut_off": true, "body": {}}]),
            "faults[0]: has cut_off",
        ),
        (
            "/faults",
            json!([{"on": "token", "set": {"expires_in": 1}, "status": 200}]),
            "faults[0]: changes the normal response and sets a response of its own",
        ),
        (
            "/faults",
            json!([{"on": "token", "omit_rows": 1, "cut_off": true}]),
            "faults[0]: changes the normal response and sets a response of its own",
        ),
        (
            "/faults",
            json!([{"on": "token", "headers": {"a b": "c"}}]),
            "faults[0].headers.a b: is not a valid header",
        ),
        (
            "/faults",
            json!([{"on": "token", "delay_ms": 1, "retry_after": 1}]),
            "faults[0].retry_after: wants",
        ),
        (
            "/faults",
            json!([{"on": "token", "status": 429, "retry_after": []}]),
            "faults[0].retry_after: must be",
        ),
        (
            "/faults",
            json!([{"on": "token", "status": 429, "calls": [1, 0]}]),
            "faults[0].calls[1]: counts from 1",
        ),
        (
            "/faults",
            json!([{"on": "token", "status": 429, "page": 0}]),
            "faults[0].page: counts from 1",
        ),
        (
            "/faults",
            json!([{"on": "token", "status": 429, "user": "eve"}]),
            "faults[0].user: eve is",
        ),
    ] {
        let error = with(place, value).unwrap_err();
        assert!(error.contains(said), "{error}\ndoes not say\n{said}");
    }
}

#[test]
fn cyclic_groups_are_visited_once() {
    let (one, other) = (
        "cdb555e3-b33e-4fd5-a427-17fadacb0002",
        "cdb555e3-b33e-4fd5-a427-17fadacb0003",
    );
    let directory = with("/groups/2/members", json!(["edsger", one])).unwrap();
    let edsger = directory.users.iter().find(|user| user.user_id == "edsger");
    let names = |nested| {
        let groups = directory.groups_of(edsger.unwrap(), nested);
        let ids = groups.into_iter().map(|group| group.id.as_str());
        ids.filter(|id| [one, other].contains(id))
            .collect::<Vec<_>>()
    };
    assert_eq!(names(false), [other]);
    assert_eq!(names(true), [one, other]);
}
