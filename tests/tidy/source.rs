//! A source file with its comments and the insides of its strings taken out, so that no rule is fooled by words.

/// A file as the rules see it.
pub struct Source {
    /// From the root of the repository.
    pub name: String,
    /// The first line as it is written.
    pub first_line: String,
    /// Whether it has at most one line: there is nothing to explain yet.
    pub empty: bool,
    /// The code: as many lines as the file, comments and the insides of strings and characters blanked.
    pub code: String,
    /// For each line, whether it belongs to a `#[cfg(test)]` item.
    pub test: Vec<bool>,
}

impl Source {
    /// Reads a file's text.
    pub fn new(name: String, text: &str) -> Self {
        let code = blanked(text);
        let whole_test = name.ends_with("/tests.rs") || name.contains("/tests/") || name.starts_with("tests/");
        let test = if whole_test { vec![true; code.lines().count()] } else { test_lines(&code) };
        let first_line = text.lines().next().unwrap_or_default().to_owned();
        Self { name, first_line, empty: text.trim().lines().count() <= 1, code, test }
    }

    /// The code with the tests blanked as well.
    pub fn without_tests(&self) -> String {
        let kept = self.code.lines().zip(&self.test).map(|(line, test)| if *test { "" } else { line });
        kept.collect::<Vec<_>>().join("\n")
    }

    /// The line, from 1, of a byte of the code.
    pub fn line_of(code: &str, at: usize) -> usize {
        code.as_bytes()[..at].iter().filter(|b| **b == b'\n').count() + 1
    }
}

/// `text` with every comment, and the inside of every string and character, turned into blanks; newlines stay.
pub fn blanked(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let (from, to, next) = skipped(bytes, at);
        code[from..to].iter_mut().filter(|b| **b != b'\n').for_each(|b| *b = b' ');
        at = next;
    }
    String::from_utf8(code).expect("only whole characters are blanked")
}

/// What is to be blanked at `at` (from, to), and where to go on.
fn skipped(bytes: &[u8], at: usize) -> (usize, usize, usize) {
    let rest = &bytes[at..];
    let word_before = at > 0 && is_word(bytes[at - 1]);
    if rest.starts_with(b"//") {
        let end = rest.iter().position(|b| *b == b'\n').map_or(bytes.len(), |length| at + length);
        return (at, end, end);
    }
    if rest.starts_with(b"/*") {
        let end = comment_end(bytes, at);
        return (at, end, end);
    }
    if rest[0] == b'r' && (!word_before || b"bc".contains(&bytes[at - 1])) {
        let hashes = rest[1..].iter().take_while(|b| **b == b'#').count();
        if rest.get(1 + hashes) == Some(&b'"') {
            let (from, close) = (at + hashes + 2, [b"\"".as_slice(), &rest[1..=hashes]].concat());
            let to = find(bytes, from, &close);
            return (from, to, (to + close.len()).min(bytes.len()));
        }
    }
    match rest[0] {
        b'"' => quoted(bytes, at, b'"'),
        // A lifetime has no closing quote: 'a is one, 'a' and '\'' are characters.
        b'\'' if rest.get(1) == Some(&b'\\') => quoted(bytes, at, b'\''),
        b'\'' => {
            let length = rest.get(1).map_or(1, |first| character_length(*first));
            let end = at + 1 + length;
            if bytes.get(end) == Some(&b'\'') { (at + 1, end, end + 1) } else { (at, at, at + 1) }
        }
        _ => (at, at, at + 1),
    }
}

/// The inside of a string or character with escapes.
fn quoted(bytes: &[u8], at: usize, quote: u8) -> (usize, usize, usize) {
    let mut end = at + 1;
    while end < bytes.len() && bytes[end] != quote {
        end += if bytes[end] == b'\\' { 2 } else { 1 };
    }
    let end = end.min(bytes.len());
    (at + 1, end, (end + 1).min(bytes.len()))
}

/// The end of a comment that may hold comments.
fn comment_end(bytes: &[u8], at: usize) -> usize {
    let (mut end, mut depth) = (at, 0);
    while end < bytes.len() {
        match &bytes[end..] {
            [b'/', b'*', ..] => (depth, end) = (depth + 1, end + 2),
            [b'*', b'/', ..] => (depth, end) = (depth - 1, end + 2),
            _ => end += 1,
        }
        if depth == 0 {
            break;
        }
    }
    end.min(bytes.len())
}

/// Where `what` begins, from `from` on; the end when it is not there.
fn find(bytes: &[u8], from: usize, what: &[u8]) -> usize {
    bytes[from..].windows(what.len()).position(|window| window == what).map_or(bytes.len(), |length| from + length)
}

/// Bytes of a character of UTF-8 that begins so.
fn character_length(first: u8) -> usize {
    match first {
        0xf0.. => 4,
        0xe0.. => 3,
        0xc0.. => 2,
        _ => 1,
    }
}

/// Whether a byte is part of a name.
pub fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Where the block that opens at or after `at` ends: behind its last brace, or behind a `;` that comes first.
pub fn block_end(code: &str, at: usize) -> usize {
    let (mut depth, mut round) = (0usize, 0usize);
    for (index, byte) in code.bytes().enumerate().skip(at) {
        match byte {
            b'(' | b'[' => round += 1,
            b')' | b']' => round = round.saturating_sub(1),
            b';' if depth == 0 && round == 0 => return index + 1,
            b'{' => depth += 1,
            b'}' if depth <= 1 => return index + 1,
            b'}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

/// Which lines belong to an item under `#[cfg(test)]`.
fn test_lines(code: &str) -> Vec<bool> {
    let mut test = vec![false; code.lines().count()];
    for (at, attribute) in code.match_indices("#[cfg(test)]") {
        let end = block_end(code, at + attribute.len());
        let lines = Source::line_of(code, at)..=Source::line_of(code, end - 1);
        lines.for_each(|line| test[line - 1] = true);
    }
    test
}

#[test]
fn words_in_comments_and_strings_are_no_code() {
    let text = r###"
        // unsafe
        /* unsafe /* unsafe */ unsafe */
        let a = "unsafe \" unsafe"; let b = r#"unsafe " unsafe"#; let c = b"unsafe"; let d = br"unsafe\";
        let e = '"'; let f = '\''; let g: &'static str = ""; let h = 'ü'; let r#type = 1;
        kept();
    "###;
    let code = blanked(text);
    assert!(!code.contains("unsafe"), "{code}");
    assert!(code.contains("kept()") && code.contains("'static str") && code.contains("r#type"), "{code}");
    assert_eq!(code.lines().count(), text.lines().count());
}

#[test]
fn hostile_text_does_not_panic() {
    for text in ["", "'", "\"", "r#\"", "/*", "'\\", "\"\\", "br##", "'ü", "//", "r", "b'"] {
        assert_eq!(blanked(text).len(), text.len());
    }
}

#[test]
fn the_lines_of_a_test_module_are_known() {
    let text =
        "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nfn c() {}\n#[cfg(test)]\nmod more;\nfn d() {}\n";
    let source = Source::new("src/x.rs".to_owned(), text);
    assert_eq!(source.test, [false, true, true, true, true, false, true, true, false]);
}
