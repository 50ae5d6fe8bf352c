//! Folds names for comparison: keeps the visible text, without case and width.

use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizer;
use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory};
use icu_properties::{CodePointMapData, CodePointSetData};

/// Applies NFKC, case folding, and NFKC again, because case folding can undo NFKC.
pub(super) fn fold_case(text: &str) -> String {
    let nfkc = ComposingNormalizer::new_nfkc();
    let folded = CaseMapper::new()
        .fold_string(&nfkc.normalize(text))
        .into_owned();
    nfkc.normalize(&folded).into_owned()
}

/// Blank symbols, which no Unicode property covers.
const BLANK_SYMBOLS: [char; 5] = [
    '\u{2800}',  // braille pattern blank
    '\u{fffc}',  // object replacement character
    '\u{13441}', // Egyptian hieroglyph full blank
    '\u{13442}', // Egyptian hieroglyph half blank
    '\u{1d159}', // musical symbol null notehead
];

/// Returns whether a character shows nothing, or nothing that is the same everywhere: format and default-ignorable
/// characters, blank symbols, private use, unassigned code points and noncharacters. White space and combining
/// marks do not count as invisible, because they distinguish names.
fn is_invisible(c: char) -> bool {
    use GeneralCategory as G;

    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    matches!(category, G::Format | G::PrivateUse | G::Unassigned)
        || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
        || BLANK_SYMBOLS.contains(&c)
}

/// Returns whether a character is visible by itself.
pub(super) fn is_visible(c: char) -> bool {
    use GeneralCategory as G;

    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    let is_mark = matches!(
        category,
        G::NonspacingMark | G::SpacingMark | G::EnclosingMark
    );
    !is_mark && !c.is_whitespace() && !c.is_control() && !is_invisible(c)
}

/// Removes invisible characters, so that names that look the same are equal.
pub(super) fn visible(text: &str) -> String {
    text.chars().filter(|c| !is_invisible(*c)).collect()
}

/// Does the same as [`visible`] in the first release, which knew fewer invisible characters. That release reserved
/// names in this form.
pub(super) fn visible_in_first_release(text: &str) -> String {
    let is_invisible = |c: char| {
        matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{e0000}'..='\u{e0fff}')
    };
    text.chars().filter(|c| !is_invisible(*c)).collect()
}

/// Replaces white space with single blanks and trims the text.
pub(super) fn fold_white_space(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
