//! The page of the stack loads only what the stack serves, and pages of other origins reach nothing.

use super::*;

#[tokio::test]
async fn the_page_loads_only_local_resources() {
    let stack = start(options()).await;
    let page = reqwest::get(stack.url()).await.unwrap();
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self';"));
    assert!(policy.contains("connect-src 'self'") && !policy.contains("unsafe"));
    let page = page.text().await.unwrap();
    let mut files: Vec<String> = page
        .split('"')
        .filter(|text| text.starts_with("/_local/"))
        .map(str::to_owned)
        .collect();
    assert_eq!(files.len(), 4, "{files:?}");
    let mut read = 0;
    while let Some(file) = files.get(read).cloned() {
        read += 1;
        let answer = reqwest::get(format!("{}{file}", stack.url()))
            .await
            .unwrap();
        assert_eq!(answer.status(), 200, "{file}");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
        if file.starts_with("/_local/swagger-ui/") {
            continue;
        }
        let text = answer.text().await.unwrap();
        for never in ["http://", "https://", "innerHTML", "eval("] {
            assert!(!text.contains(never), "{file}: {never}");
        }
        for module in text.split("from \"./").skip(1) {
            let name = module.split('"').next().unwrap();
            let module = format!("/_local/page/{name}");
            if !files.contains(&module) {
                files.push(module);
            }
        }
    }
    assert!(files.len() > 4, "{files:?}");
    for nothing in [
        "/_local/page/mod.rs",
        "/_local/swagger-ui",
        "/_local/swagger-ui/oauth2-redirect.html",
    ] {
        let answer = reqwest::get(format!("{}{nothing}", stack.url()))
            .await
            .unwrap();
        assert_eq!(answer.status(), 404, "{nothing}");
    }
}

#[tokio::test]
async fn foreign_pages_get_no_token_and_reach_no_function() {
    let stack = Stack::start(Options::default()).await.unwrap();
    let http = reqwest::Client::new();
    let token = format!("{}/_local/token", stack.url());
    let invoke = format!("{}/2015-03-31/functions/get-user/invocations", stack.url());
    for url in [&token, &invoke] {
        for (header, value) in [
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("host", "evil.example:3000"),
        ] {
            let asked = http.post(url).header(header, value).body("{}");
            let answer = asked.send().await.unwrap();
            assert_eq!(answer.status(), 403, "{url} {header}: {value}");
        }
    }
    let logins = format!("{}/_local/logins", stack.url());
    let elsewhere = http.get(&logins).header("host", "evil.example:3000");
    assert_eq!(elsewhere.send().await.unwrap().status(), 403);
    let own = http.post(&token).header("origin", "http://localhost:5173");
    let body = r#"{"user_id": "ada", "tenant_id": "acme"}"#;
    assert_eq!(own.body(body).send().await.unwrap().status(), 200);
    stack.stop().await;
}
