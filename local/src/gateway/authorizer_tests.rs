use axum::http::HeaderValue;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::json;

use super::*;
use crate::issuer::signing_key;

const URL: &str = "http://127.0.0.1:3000/_local";

fn issuer() -> Issuer {
    Issuer::new(URL.to_owned(), signing_key(None).unwrap()).unwrap()
}

/// The authorizer's error for a token with these claims in addition to the default ones.
fn verdict(claims: Value) -> Result<Map<String, Value>, TokenRejection> {
    let Value::Object(claims) = claims else {
        panic!("claims are an object")
    };
    of_token(&issuer().token_with(claims).unwrap())
}

fn of_token(token: &str) -> Result<Map<String, Value>, TokenRejection> {
    of_header(&format!("Bearer {token}"))
}

fn of_header(value: &str) -> Result<Map<String, Value>, TokenRejection> {
    let headers = HeaderMap::from_iter([(
        header::AUTHORIZATION,
        HeaderValue::from_bytes(value.as_bytes()).unwrap(),
    )]);
    Authorizer::new(&issuer()).unwrap().claims(&headers)
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn now() -> i64 {
    Clock::system().now().as_second()
}

fn good_claims() -> Value {
    json!({"iss": URL, "aud": AUDIENCE, "sub": "ada", "exp": now() + 60})
}

#[test]
fn a_token_of_the_issuer_is_accepted_with_its_claims() {
    assert_eq!(verdict(json!({"sub": "ada"})).unwrap()["sub"], "ada");
    let token = issuer().token_with(Map::new()).unwrap();
    for header in [
        token.clone(),
        format!("bearer {token}"),
        format!("BEARER   {token} "),
    ] {
        assert!(of_header(&header).is_ok());
    }
}

#[test]
fn missing_and_invalid_tokens_differ() {
    let headers = HeaderMap::new();
    let authorizer = Authorizer::new(&issuer()).unwrap();
    assert_eq!(
        authorizer.claims(&headers).unwrap_err(),
        TokenRejection::Missing
    );
    assert_eq!(of_header("Bearer ").unwrap_err(), TokenRejection::Missing);
}

#[test]
fn times_are_checked_without_leeway() {
    for (claims, says) in [
        (json!({"exp": now() - 2}), "the token has expired"),
        (json!({"exp": "tomorrow"}), "the token lacks exp or iss"),
        (json!({"exp": null}), "the token lacks exp or iss"),
        (json!({"nbf": now() + 5}), "the token is not valid yet"),
        (
            json!({"iat": now() + 60}),
            "the token was issued in the future",
        ),
    ] {
        assert_eq!(
            verdict(claims.clone()).unwrap_err(),
            TokenRejection::Invalid(says),
            "{claims}"
        );
    }
    assert!(verdict(json!({"nbf": now() - 5})).is_ok());
}

#[test]
fn another_issuer_is_rejected() {
    let other = TokenRejection::Invalid("the token is from another issuer");
    for iss in [
        "http://127.0.0.1:3001/_local",
        "",
        "http://127.0.0.1:3000/_local/",
    ] {
        assert_eq!(verdict(json!({"iss": iss})).unwrap_err(), other);
    }
    assert!(verdict(json!({"iss": null})).is_err());
}

#[test]
fn the_audience_must_match_or_else_the_client_id() {
    let other = Err(TokenRejection::Invalid("the token is for another audience"));
    assert_eq!(verdict(json!({"aud": "other"})), other);
    assert_eq!(verdict(json!({"aud": ["other"]})), other);
    assert_eq!(verdict(json!({"aud": null, "client_id": "other"})), other);
    assert_eq!(verdict(json!({"aud": null, "client_id": null})), other);
    assert!(verdict(json!({"aud": ["other", AUDIENCE]})).is_ok());
    assert!(verdict(json!({"aud": null})).is_ok());
}

#[test]
fn a_token_of_another_key_is_rejected_even_with_the_key_id() {
    let directory = std::env::temp_dir().join(format!("muster-{}", Clock::system().new_id()));
    std::fs::create_dir(&directory).unwrap();
    let other = signing_key(Some(&directory)).unwrap();
    std::fs::remove_dir_all(&directory).unwrap();
    let mut head = Header::new(Algorithm::RS256);
    head.kid = issuer().key_id().map(str::to_owned);
    let token = encode(&head, &good_claims(), &other).unwrap();
    let wrong = Err(TokenRejection::Invalid("the token's signature is wrong"));
    assert_eq!(of_token(&token), wrong);

    head.kid = Some("another".to_owned());
    let token = encode(&head, &good_claims(), &other).unwrap();
    assert!(of_token(&token).is_err());
}

#[test]
fn changed_claims_are_rejected() {
    let token = issuer().token_with(Map::new()).unwrap();
    let [head, _, signature] = token.split('.').collect::<Vec<_>>()[..] else {
        panic!()
    };
    let forged = format!("{head}.{}.{signature}", part(&good_claims()));
    assert_eq!(
        of_token(&forged),
        Err(TokenRejection::Invalid("the token's signature is wrong"))
    );
}

#[test]
fn only_rs256_is_accepted() {
    let kid = issuer().key_id().map(str::to_owned);
    for alg in ["none", "None", "HS256", "ES256", "RS512", "PS256"] {
        let head = part(&json!({"alg": alg, "typ": "JWT", "kid": kid}));
        for signature in ["", "AAAA"] {
            let token = format!("{head}.{}.{signature}", part(&good_claims()));
            assert!(of_token(&token).is_err(), "{alg}");
        }
    }
}

#[test]
fn the_public_key_cannot_be_used_as_a_secret() {
    // The classic confusion: HS256 with the public key as the shared secret.
    let set = serde_json::to_value(issuer().key_set()).unwrap();
    let modulus = set["keys"][0]["n"].as_str().unwrap().to_owned();
    let decoded = URL_SAFE_NO_PAD.decode(&modulus).unwrap();
    for secret in [modulus.as_bytes(), &decoded, set.to_string().as_bytes()] {
        let mut head = Header::new(Algorithm::HS256);
        head.kid = issuer().key_id().map(str::to_owned);
        let token = encode(&head, &good_claims(), &EncodingKey::from_secret(secret)).unwrap();
        assert!(of_token(&token).is_err());
    }
}

#[test]
fn garbage_is_rejected() {
    for token in [
        "x",
        "a.b",
        "a.b.c",
        "...",
        "a.b.c.d",
        "é.é.é",
        "e30.e30.e30",
        "a b c",
    ] {
        assert!(
            matches!(of_header(token), Err(TokenRejection::Invalid(_))),
            "{token}"
        );
        assert!(
            matches!(of_token(token), Err(TokenRejection::Invalid(_))),
            "{token}"
        );
    }
}
