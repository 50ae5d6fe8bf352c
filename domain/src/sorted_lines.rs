//! Lists that are compiled in as text: sorted, one entry a line.

use std::cmp::Ordering;

/// Returns whether a line of a sorted list is this one. Needs no memory, and looks at few lines of a long list.
pub(crate) fn contains_line(list: &str, line: &str) -> bool {
    let (mut rest, line) = (list.as_bytes(), line.as_bytes());
    while !rest.is_empty() {
        let (before, after) = rest.split_at(rest.len() / 2);
        let start = before.iter().rposition(|byte| *byte == b'\n');
        let start = start.map_or(0, |end| end + 1);
        let length = after.iter().position(|byte| *byte == b'\n');
        let end = length.map_or(rest.len(), |length| before.len() + length);
        let Some(middle) = rest.get(start..end) else {
            return false;
        };
        rest = match line.cmp(middle) {
            Ordering::Equal => return true,
            Ordering::Less => rest.get(..start).unwrap_or_default(),
            Ordering::Greater => rest.get(end + 1..).unwrap_or_default(),
        };
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_found_and_nothing_else() {
        let lines: Vec<_> = (10..60).map(|n| format!("{n}x")).collect();
        for count in 0..lines.len() {
            let listed = lines.get(..count).unwrap();
            for end in ["", "\n"] {
                let list = listed.join("\n") + end;
                for (place, line) in lines.iter().enumerate() {
                    assert_eq!(
                        contains_line(&list, line),
                        place < count,
                        "{line} in {count}"
                    );
                }
                for other in ["0", "10", "10xx", "1", "35", "9"] {
                    assert!(!contains_line(&list, other), "{other} in {count}");
                }
            }
        }
    }
}
