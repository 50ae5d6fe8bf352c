//! Sends malicious requests byte by byte: they get a problem document or no response, never an
//! internal error, and change nothing.

use muster_local::Stack;
use support::{Actor, Reply, World};

/// A request of ada with these lines after the request line.
fn request(world: &World, line: &str, headers: &[&[u8]], body: &[u8]) -> Vec<u8> {
    let token = ada_token(&world.stack);
    let mut request =
        format!("{line}\r\nconnection: close\r\nauthorization: Bearer {token}\r\n").into_bytes();
    for header in headers {
        request.extend_from_slice(header);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    request.extend_from_slice(body);
    request
}

fn ada_token(stack: &Stack) -> String {
    stack.token("ada", support::ACME, &[]).unwrap()
}

/// Fails if the response is an internal error, or has another form than the contract's although it
/// comes from the API rather than the HTTP server.
fn check(what: &str, reply: Option<Reply>) -> Option<u16> {
    let reply = reply?;
    assert!(reply.status < 500, "{what}: {reply:?}");
    if reply.status >= 400 && !reply.body.is_null() {
        return Some(reply.any_problem().status);
    }
    reply.tells_nothing_internal();
    Some(reply.status)
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn malformed_request_lines_and_headers_change_nothing() {
    let (world, ada, id) = World::acme().await;
    let before = world.everything().await;
    let organization = format!("/organizations/{id}");
    let get = format!("GET {organization} HTTP/1.1");
    let long_query = format!("GET {organization}?q={} HTTP/1.1", "x".repeat(60_000));
    let long_path = format!("GET /organizations/{} HTTP/1.1", "x".repeat(60_000));
    let long_header = format!("x-long: {}", "x".repeat(60_000)).into_bytes();
    let many_headers: Vec<Vec<u8>> = (0..95)
        .map(|n| format!("x-{n}: {n}").into_bytes())
        .collect();
    let tags = format!("if-none-match: {}", "\"1\",".repeat(2_000)).into_bytes();
    let host: &[u8] = b"host: x";
    let cases: Vec<(&str, Vec<&[u8]>)> = vec![
        (&get, vec![]),
        (&get, vec![b"host: "]),
        (&get, vec![b"host: evil.example:99999"]),
        (&get, vec![b"host: \xff\xfe"]),
        (&get, vec![b"host: a", b"host: b"]),
        (
            &get,
            vec![b"host: [::1]:80:80", b"x-forwarded-host: evil.example"],
        ),
        (&get, vec![host, b"x-forwarded-proto: gopher"]),
        (
            &get,
            vec![host, b"x-forwarded-proto: \xff", b"x-forwarded-port: -1"],
        ),
        (&get, vec![host, b"x-forwarded-for: \xe9, ,,,,"]),
        (&get, vec![host, b"user-agent: \xff\xfe\x80"]),
        (&get, vec![host, b"cookie: \xff=\xff; ;;=;a"]),
        (
            &get,
            vec![
                host,
                b"x-empty:",
                b"x-tab:\t\t",
                b"x-twice: 1",
                b"x-twice: 2",
            ],
        ),
        (&get, vec![host, b"authorization: Basic YTpi"]),
        (
            &get,
            vec![host, b"if-none-match: \xff", b"if-none-match: W/\"\xff\""],
        ),
        (&get, vec![host, &tags]),
        (
            &get,
            vec![
                host,
                b"tenant_id: other",
                b"x-amzn-request-context: {}",
                b"x-request-id: \xff",
            ],
        ),
        (&get, vec![host, b"expect: 100-continue"]),
        (&get, vec![host, b"transfer-encoding: nonsense"]),
        (&get, vec![host, b"content-length: -1"]),
        (&get, vec![host, b"content-length: 3", b"content-length: 4"]),
        (
            &get,
            vec![
                host,
                b"upgrade: h2c",
                b"http2-settings: AAMAAABkAAQAoAAAAAIAAAAA",
            ],
        ),
        (&get, vec![host, &long_header]),
        (&get, many_headers.iter().map(Vec::as_slice).collect()),
        (&long_query, vec![host]),
        (&long_path, vec![host]),
        ("GET /organizations/a b HTTP/1.1", vec![host]),
        ("GET /organizations/a\tb HTTP/1.1", vec![host]),
        ("GET /organizations/\u{e9}\u{1f600} HTTP/1.1", vec![host]),
        (
            "GET /organizations/x?q=\u{e9} \u{1f600} HTTP/1.1",
            vec![host],
        ),
        ("GET /organizations/../users/me HTTP/1.1", vec![host]),
        ("GET /organizations/%2e%2e/users HTTP/1.1", vec![host]),
        ("GET //organizations HTTP/1.1", vec![host]),
        ("GET /organizations/%zz%1 HTTP/1.1", vec![host]),
        (
            "GET /users/me/organizations?cursor=%00%ff&limit=\u{0} HTTP/1.1",
            vec![host],
        ),
        ("GET http://evil.example/organizations HTTP/1.1", vec![host]),
        ("GET organizations HTTP/1.1", vec![host]),
        ("GET * HTTP/1.1", vec![host]),
        ("OPTIONS * HTTP/1.1", vec![host]),
        ("OPTIONS /organizations HTTP/1.1", vec![host]),
        ("HEAD /organizations HTTP/1.1", vec![host]),
        ("BREW /organizations HTTP/1.1", vec![host]),
        ("get /organizations HTTP/1.1", vec![host]),
        ("TRACE /organizations HTTP/1.1", vec![host]),
        ("GET /organizations HTTP/1.0", vec![]),
        ("GET /organizations HTTP/9.9", vec![host]),
        ("GET /organizations", vec![]),
        ("\u{0}\u{1}\u{2}", vec![]),
    ];
    let mut answered = 0;
    for (line, headers) in cases {
        let sent = request(&world, line, &headers, b"");
        let what = format!("{} {}", &line[..line.len().min(80)], headers.len());
        answered += usize::from(check(&what, world.raw(&sent).await).is_some());
    }
    // Most are unusual but valid; the server drops only a few.
    assert!(answered > 40, "{answered}");
    assert_eq!(world.everything().await, before);
    ada.get(&organization).await.expect(200);
}

#[tokio::test]
async fn malformed_bodies_are_rejected_and_change_nothing() {
    let (world, ada, id) = World::acme().await;
    let before = world.everything().await;
    let gzip: &[u8] =
        b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xab\x56\xca\x4b\xcc\x4d\x55\xb2\x52\xff\xff\xff";
    let json: &[u8] = b"content-type: application/json";
    let post = "POST /organizations HTTP/1.1";
    let patch = format!("PATCH /organizations/{id} HTTP/1.1");
    let good: &[u8] = br#"{"name":"B"}"#;
    for (line, headers, body, status) in [
        (post, vec![], good, 415),
        (
            post,
            vec![b"content-type: text/plain".as_slice()],
            good,
            415,
        ),
        (post, vec![b"content-type: \xff/json"], good, 415),
        (
            post,
            vec![
                b"content-type: application/json",
                b"content-type: text/plain",
            ],
            good,
            415,
        ),
        (post, vec![b"content-type: application/jsonx"], good, 415),
        (
            post,
            vec![b"content-type: application/x-www-form-urlencoded"],
            b"name=B",
            415,
        ),
        (post, vec![b"content-type: multipart/form-data"], b"--", 415),
        (post, vec![], b"", 415),
        (post, vec![json], b"", 400),
        (post, vec![json], b"\xff\xfe\x00", 400),
        (post, vec![json], b"{\"name\":\"\xff\"}", 400),
        (post, vec![json], b"{\"name\":\"\xed\xa0\x80\"}", 400),
        (post, vec![json], b"{\0\"name\":\"B\"}", 400),
        (post, vec![json, b"content-encoding: gzip"], gzip, 400),
        (post, vec![json, b"content-encoding: br"], &[0x8b; 100], 400),
        (post, vec![json, b"idempotency-key: "], good, 400),
        (post, vec![json, b"idempotency-key: a b"], good, 400),
        (post, vec![json, b"idempotency-key: \xff"], good, 400),
        (post, vec![json, b"idempotency-key: \xc3\xa9"], good, 400),
        (&patch, vec![json, b"if-match: \xff"], good, 412),
        (&patch, vec![json, b"if-match: "], good, 412),
        (
            &patch,
            vec![json, b"if-match: ,,,\"\",W/\"1\",1"],
            good,
            412,
        ),
        (
            &patch,
            vec![json, b"if-match: \"1e0\"", b"if-match: \"-1\""],
            good,
            412,
        ),
    ] {
        let length = format!("content-length: {}", body.len()).into_bytes();
        let mut headers = headers;
        headers.extend([b"host: x".as_slice(), &length]);
        let sent = request(&world, line, &headers, body);
        let what = String::from_utf8_lossy(&sent[sent.len() - body.len() - 40..]).into_owned();
        assert_eq!(check(&what, world.raw(&sent).await), Some(status), "{what}");
    }
    for (headers, body) in [
        (vec![b"content-length: 100".as_slice()], good),
        (vec![b"transfer-encoding: chunked"], b"zz\r\n{}"),
        (
            vec![b"transfer-encoding: chunked"],
            b"ffffffffffffffff\r\n{}",
        ),
        (
            vec![b"transfer-encoding: chunked", b"content-length: 5"],
            b"0\r\n\r\n",
        ),
    ] {
        let mut headers = headers;
        headers.extend([b"host: x".as_slice(), json]);
        let sent = request(&world, post, &headers, body);
        check("a body that breaks off", world.cut_off(&sent).await);
    }
    assert_eq!(world.everything().await, before);
    still_works(&ada).await;
}

#[tokio::test]
async fn malformed_tokens_are_rejected() {
    let (world, _, id) = World::acme().await;
    let token = ada_token(&world.stack);
    let (head, rest) = token.split_once('.').unwrap();
    let (claims, seal) = rest.split_once('.').unwrap();
    let none = "eyJhbGciOiJub25lIn0";
    let huge = "x".repeat(9_000);
    for token in [
        "",
        "x",
        ".",
        "..",
        "...",
        "\u{e9}",
        &huge,
        &format!("{head}.{claims}."),
        &format!("{head}.{claims}"),
        &format!("{none}.{claims}."),
        &format!("{none}.{claims}.{seal}"),
        &format!("{head}.{}.{seal}", "e30"),
        &format!("{token},{token}"),
        &format!("{token}x"),
    ] {
        for scheme in ["Bearer ", "bearer  ", "Basic ", ""] {
            let line = format!("GET /organizations/{id} HTTP/1.1");
            let sent = format!(
                "{line}\r\nhost: x\r\nconnection: close\r\nauthorization: {scheme}{token}\r\n\r\n"
            );
            let reply = world.raw(sent.as_bytes()).await.unwrap();
            reply.problem(401, "unauthenticated");
        }
    }
    assert!(
        world
            .calls
            .take()
            .iter()
            .all(|call| call.operation != "BatchGetItem")
    );
}

async fn still_works(ada: &Actor) {
    let made = ada
        .post("/organizations", serde_json::json!({"name": "B"}))
        .await;
    made.expect(201);
}
