//! The catalogue of attacks (`integration/CATALOGUE.md`) is whole: every case is there, every test that it names exists,
//! and no test of an attack is left out. So is the page of what ironcell joins (`integration/ROWS.md`).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The cases that concern a cell or the program: escape, exhaustion, leaks, the local user. A number that is missing is a
/// case that was given up before it had a test; numbers are never used again.
const CASES: [(char, &[u32]); 4] = [
    ('E', &[1, 3, 5, 7, 9, 10, 11, 12, 14, 15, 17, 18, 19, 20, 21, 22, 23, 26, 28, 30, 32, 33, 34, 36, 37, 38]),
    ('R', &[1, 2, 4, 6, 7, 8, 9, 12, 14, 15, 16, 17, 18, 19, 21, 22, 23, 25]),
    ('L', &[1, 2, 3, 4, 5, 6, 10, 11, 13, 15, 16, 17, 18, 19]),
    ('U', &[1, 3, 5, 6, 8]),
];

/// How a row says that nothing can be tested, before the reason.
const NO_TEST: &str = "not a test: ";

fn integration() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("integration")
}

/// The rows of the page: the case, and what holds it.
fn rows(page: &str) -> BTreeMap<String, String> {
    let mut rows = BTreeMap::new();
    for line in page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| Case")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        assert_eq!(cells.len(), 3, "a row has three cells: {line}");
        let before = rows.insert(cells[0].to_owned(), cells[2].to_owned());
        assert!(before.is_none(), "{} is there twice", cells[0]);
    }
    rows
}

/// The tests that a row names, as `file::function`.
fn named(row: &str) -> impl Iterator<Item = &str> {
    row.split('`').skip(1).step_by(2).filter(|word| word.contains("::"))
}

/// Every test of the integration tests, as the page names them.
fn tests() -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for entry in std::fs::read_dir(integration().join("tests")).expect("the tests are there") {
        let path = entry.expect("an entry of a directory").path();
        let file = path.file_stem().expect("a name").to_str().expect("a name of text").to_owned();
        let text = std::fs::read_to_string(&path).expect("a file of text");
        for part in text.split("#[test]\n").skip(1) {
            let name = part.strip_prefix("fn ").and_then(|rest| rest.split('(').next()).expect("a test is a function");
            all.insert(format!("{file}::{name}"));
        }
    }
    assert!(all.len() > 100, "the tests are not where they were looked for");
    all
}

#[test]
fn every_case_is_there_and_names_tests_that_exist_or_its_reason() {
    let page = std::fs::read_to_string(integration().join("CATALOGUE.md")).expect("the page is there");
    let (mut rows, tests) = (rows(&page), tests());
    for (letter, numbers) in CASES {
        for number in numbers {
            let case = format!("{letter}{number:02}");
            let row = rows.remove(&case).unwrap_or_else(|| panic!("{case} is missing"));
            let missing: Vec<&str> = named(&row).filter(|test| !tests.contains(*test)).collect();
            assert!(missing.is_empty(), "{case} names tests that are not there: {missing:?}");
            assert!(named(&row).count() > 0 || row.starts_with(NO_TEST), "{case} has neither a test nor a reason");
        }
    }
    assert!(rows.is_empty(), "cases that nobody knows: {:?}", rows.keys());
}

#[test]
fn no_test_of_an_attack_is_left_out() {
    let page = std::fs::read_to_string(integration().join("CATALOGUE.md")).expect("the page is there");
    let rows = rows(&page);
    let named: BTreeSet<&str> = rows.values().flat_map(|row| named(row)).collect();
    let tests = tests();
    let left: Vec<&String> =
        tests.iter().filter(|test| test.starts_with("attack_") && !named.contains(test.as_str())).collect();
    assert!(left.is_empty(), "tests without a case: {left:?}");
}

#[test]
fn the_table_of_known_holes_names_tests_that_are_there() {
    let page = std::fs::read_to_string(integration().join("../SECURITY.md")).expect("the page is there");
    let files: BTreeSet<String> =
        tests().iter().filter_map(|test| test.split_once("::")).map(|(file, _)| file.to_owned()).collect();
    let begin = page.find("## Known attacks").expect("the table's heading");
    let rows: Vec<&str> =
        page[begin..].lines().filter(|line| line.starts_with("| 20") || line.starts_with("| piped")).collect();
    assert!(rows.len() >= 12, "{rows:?}");
    for row in rows {
        let last = row.trim_end_matches('|').rsplit('|').next().expect("a last column");
        let named: Vec<&str> = last.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty() && named.iter().all(|name| files.contains(*name)), "{row}");
    }
}

/// The systems that are joined, and how many rows each has.
const JOINED: [(u32, u32); 5] = [(0, 18), (1, 21), (2, 22), (3, 15), (4, 36)];
/// How a row says that no test of its number shows it yet, before what there is of it.
const OPEN: &str = "open: ";

/// Every test of a row, as the page names it, with the rows that it has in its name.
fn tests_of_rows() -> BTreeMap<String, BTreeSet<String>> {
    let mut all = BTreeMap::new();
    let tests = integration().join("../tests");
    for directory in [integration().join("tests"), tests.join("daemon_service"), tests] {
        for entry in std::fs::read_dir(directory).expect("the tests are there") {
            let path = entry.expect("an entry of a directory").path();
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            let file = path.file_stem().and_then(|stem| stem.to_str()).expect("a name of text").to_owned();
            for part in text.split("fn row_").skip(1) {
                let name = part.split('(').next().expect("a name");
                // A row that is spoken of in this file is no test.
                if name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
                    let numbers = name.split("_and_").map_while(|part| {
                        let (group, rest) = part.split_once('_')?;
                        let row = rest.split('_').next()?;
                        (group.parse::<u32>().is_ok() && row.parse::<u32>().is_ok()).then(|| format!("{group}.{row}"))
                    });
                    all.insert(format!("{file}::row_{name}"), numbers.collect());
                }
            }
        }
    }
    assert!(all.len() > 40, "the rows are not where they were looked for");
    all
}

#[test]
fn every_row_of_what_is_joined_names_tests_of_its_number_or_what_is_open() {
    let page = std::fs::read_to_string(integration().join("ROWS.md")).expect("the page is there");
    let page: String = page.lines().filter(|line| !line.starts_with("| Row")).map(|line| format!("{line}\n")).collect();
    let (rows, tests) = (rows(&page), tests_of_rows());
    for (group, count) in JOINED {
        for row in (1..=count).map(|number| format!("{group}.{number}")) {
            let by = rows.get(&row).unwrap_or_else(|| panic!("{row} is missing"));
            let named: Vec<&str> = named(by).collect();
            assert!(!named.is_empty() || by.starts_with(OPEN), "{row} has neither a test nor a reason");
            for test in named {
                let numbers = tests.get(test).unwrap_or_else(|| panic!("{row}: there is no {test}"));
                assert!(numbers.contains(&row), "{test} is not of row {row}");
            }
        }
    }
    let said: BTreeSet<&str> = rows.values().flat_map(|row| named(row)).collect();
    let left: Vec<&String> = tests.keys().filter(|test| !said.contains(test.as_str())).collect();
    assert!(left.is_empty(), "tests without a row: {left:?}");
}
