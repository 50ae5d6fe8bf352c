//! Names that users chose, as they appear in mails to other people.

/// Maximum length of a name in a mail, in characters.
const MAX_LENGTH: usize = 80;
/// Ends a name that was cut.
const ELLIPSIS: char = '\u{2026}';
/// Has no width, and separates what mail programs would take for a link.
const WORD_JOINER: char = '\u{2060}';
/// Keeps the direction of the text in between to itself.
const ISOLATE: char = '\u{2068}';
const END_OF_ISOLATE: char = '\u{2069}';

/// Returns a name as one short line: without line breaks, which could add headers, and without invisible characters,
/// which could change the direction of the text around it.
pub(super) fn line(name: &str) -> String {
    let shown = name.chars().filter(|one| !is_invisible(*one));
    let shown: String = shown
        .map(|one| if one.is_control() { ' ' } else { one })
        .collect();
    let words: Vec<_> = shown.split_whitespace().collect();
    let line = words.join(" ");
    if line.chars().count() <= MAX_LENGTH {
        return line;
    }
    let cut: String = line.chars().take(MAX_LENGTH).collect();
    format!("{}{ELLIPSIS}", cut.trim_end())
}

/// Returns the line as text in which no mail program finds a link, and whose direction does not change the text around
/// it.
pub(super) fn plain(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut before = ' ';
    let mut rest = line.chars().peekable();
    while let Some(one) = rest.next() {
        text.push(one);
        let next = rest.peek().copied().unwrap_or(' ');
        let joins = before.is_alphanumeric() && next.is_alphanumeric();
        if (matches!(one, '.' | '@') && joins) || (one == ':' && next == '/') {
            text.push(WORD_JOINER);
        }
        before = one;
    }
    if line.chars().any(is_right_to_left) {
        return format!("{ISOLATE}{text}{END_OF_ISOLATE}");
    }
    text
}

/// Returns whether a character has no shape, or changes the direction of the text. The joiners of scripts and of emoji
/// are not among them.
fn is_invisible(one: char) -> bool {
    matches!(
        one,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'
            | '\u{200e}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

/// Returns whether a character belongs to a script that is written from right to left.
fn is_right_to_left(one: char) -> bool {
    matches!(
        one,
        '\u{590}'..='\u{8ff}'
            | '\u{fb1d}'..='\u{fdff}'
            | '\u{fe70}'..='\u{fefe}'
            | '\u{10800}'..='\u{10fff}'
            | '\u{1e800}'..='\u{1efff}'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_becomes_one_visible_line() {
        for (name, expected) in [
            ("Contoso", "Contoso"),
            (" Contoso \u{2028}\t Ltd ", "Contoso Ltd"),
            ("A\r\nBcc: eve@evil.example", "A Bcc: eve@evil.example"),
            ("A\u{202e}evil\u{202c}\u{200b}B", "AevilB"),
            ("\u{1b}[31mRed", "[31mRed"),
        ] {
            assert_eq!(line(name), expected);
        }
        let long = line(&"\u{e9}".repeat(255));
        assert_eq!(long, format!("{}\u{2026}", "\u{e9}".repeat(80)));
    }

    #[test]
    fn no_link_is_found_in_a_name() {
        for (name, expected) in [
            ("evil.example", "evil.\u{2060}example"),
            ("https://evil", "https:\u{2060}//evil"),
            ("eve@evil", "eve@\u{2060}evil"),
            ("Dr. No", "Dr. No"),
            ("<b>A</b> & Co.", "<b>A</b> & Co."),
        ] {
            assert_eq!(plain(name), expected);
        }
    }

    #[test]
    fn a_right_to_left_name_is_isolated() {
        let name = "\u{5e9}\u{5dc}\u{5d5}\u{5dd}";
        assert_eq!(plain(name), format!("\u{2068}{name}\u{2069}"));
    }

    proptest! {
        #[test]
        fn a_line_has_no_control_character(name in any::<String>()) {
            let line = line(&name);
            let is_hidden = |one: char| one.is_control() || is_invisible(one);
            let is_broken = line.contains(['\u{2028}', '\u{2029}']);
            prop_assert!(!is_broken && !line.chars().any(is_hidden));
            prop_assert!(line.chars().count() <= MAX_LENGTH + 1);
        }
    }
}
