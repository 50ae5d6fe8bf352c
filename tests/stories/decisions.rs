//! Checks `docs/decisions/`: consecutive numbers, and every page in the list.

use std::fs;

use support::root;

use crate::readme::read;

#[test]
fn every_decision_has_the_next_number_and_is_in_the_list() {
    let folder = fs::read_dir(root().join("docs/decisions")).unwrap();
    let mut pages: Vec<_> = folder
        .map(|page| page.unwrap().file_name().into_string().unwrap())
        .filter(|page| page != "README.md")
        .collect();
    pages.sort();
    let lines = pages.iter().enumerate().map(|(before, page)| {
        let number = before + 1;
        assert!(page.starts_with(&format!("{number:04}-")), "{page}");
        let text = read(&format!("docs/decisions/{page}"));
        let title = text.lines().next().unwrap().strip_prefix("# ");
        let (numbered, title) = title.unwrap().split_once(". ").unwrap();
        assert_eq!(numbered, number.to_string(), "{page}");
        format!("{number}. [{title}]({page})")
    });
    let list = read("docs/decisions/README.md");
    let listed = list.lines().filter(|line| line.contains("]("));
    assert_eq!(listed.collect::<Vec<_>>(), lines.collect::<Vec<_>>());
}
