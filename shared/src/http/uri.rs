use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::domain::UserId;

/// The prefix of a user id in a path that is encoded in Base64.
pub(super) const ENCODED: char = '~';

/// The characters that must be percent-encoded in the path of a URI (RFC 3986, section 3.3).
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

/// Percent-encodes a decoded path for a URI. Ids may contain `|`, which a URI may not.
pub fn uri_path(path: &str) -> String {
    utf8_percent_encode(path, NOT_IN_A_PATH).to_string()
}

/// Encodes a user id for a path, before the path is percent-encoded. Returns `~` and its Base64 if the id itself would
/// not arrive unchanged.
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
    fn only_reserved_path_characters_are_encoded() {
        let path = "/users/A-z.0_9@x+:|=/a b#%é";
        assert_eq!(uri_path(path), "/users/A-z.0_9@x+:%7C=/a%20b%23%25%C3%A9");
    }

    #[test]
    fn user_id_unfit_for_a_path_is_encoded_in_base64() {
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
