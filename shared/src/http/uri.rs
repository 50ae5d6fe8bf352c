use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::request::ENCODED;
use crate::domain::UserId;

/// What may not stand in the path of a URI as it is (RFC 3986, section 3.3).
const NOT_IN_A_PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// A decoded path as it stands in a URI. Ids may hold `|`, which a URI may not.
pub fn uri_path(path: &str) -> String {
    utf8_percent_encode(path, NOT_IN_A_PATH).to_string()
}

/// A user id as it stands in a path, before the path is percent-encoded: as `~` and its Base64 where the id itself
/// would not arrive as it is.
pub fn user_in_path(user: &UserId) -> String {
    let id = user.as_str();
    let is_plain = !id.starts_with(ENCODED)
        && id != "."
        && id != ".."
        && id.trim_ascii() == id
        && !id.contains(['/', '\\', '%', '?', '#']);
    if is_plain {
        id.to_owned()
    } else {
        format!("{ENCODED}{}", URL_SAFE_NO_PAD.encode(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_path_may_not_hold_is_encoded_and_the_rest_stays() {
        let path = "/users/A-z.0_9@x+:|=/a b#%é";
        assert_eq!(uri_path(path), "/users/A-z.0_9@x+:%7C=/a%20b%23%25%C3%A9");
    }

    #[test]
    fn a_user_id_that_no_path_can_hold_is_spelled_in_base64() {
        for (id, segment) in [
            ("ada", "ada"),
            ("CN=Bob,OU=x", "CN=Bob,OU=x"),
            ("dlvyg+PkAt/lCmoJtTqb=", "~ZGx2eWcrUGtBdC9sQ21vSnRUcWI9"),
            (r"CORP\bob", "~Q09SUFxib2I"),
            ("..", "~Li4"),
            ("~x", "~fng"),
        ] {
            assert_eq!(user_in_path(&UserId::parse(id).unwrap()), segment);
        }
    }
}
