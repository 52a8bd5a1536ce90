//! All paths that a piece of code names, with the groups of `use` written out: `a::{b, c::d}` is `a::b` and `a::c::d`.

use crate::source::is_word;

/// A path and the byte where its first name stands.
pub struct Named {
    /// The names from left to right.
    pub names: Vec<String>,
    /// Where it begins.
    pub at: usize,
    /// Whether it stands right behind `use`: then even a single name is a path, and no variable or field.
    pub used: bool,
}

/// One word or one sign of the code; blanks are skipped.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    Colons,
    Sign(u8),
}

/// The tokens with their places.
fn tokens(code: &str) -> Vec<(usize, Token<'_>)> {
    let bytes = code.as_bytes();
    let (mut tokens, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let start = at;
        if is_word(bytes[at]) {
            at += bytes[at..].iter().take_while(|b| is_word(**b)).count();
            tokens.push((start, Token::Word(&code[start..at])));
        } else if bytes[at..].starts_with(b"::") {
            at += 2;
            tokens.push((start, Token::Colons));
        } else {
            at += 1;
            if !bytes[start].is_ascii_whitespace() {
                tokens.push((start, Token::Sign(bytes[start])));
            }
        }
    }
    tokens
}

/// Every path of the code; a single word is a path of one name.
pub fn paths(code: &str) -> Vec<Named> {
    let tokens = tokens(code);
    let (mut found, mut next) = (Vec::new(), 0);
    while next < tokens.len() {
        match tokens[next].1 {
            // A field or a method is no path.
            Token::Sign(b'.') => next += 2,
            Token::Word(_) => next = path(&tokens, next, &[], &mut found),
            // `use {a::b, c}` and every other block are gone into by themselves.
            Token::Colons | Token::Sign(_) => next += 1,
        }
    }
    found
}

/// Reads the path at `next` below `prefix`; returns where to go on.
fn path(tokens: &[(usize, Token)], mut next: usize, prefix: &[String], found: &mut Vec<Named>) -> usize {
    let at = tokens[next].0;
    let used = next > 0 && tokens[next - 1].1 == Token::Word("use");
    let mut names = prefix.to_vec();
    while let Some((_, Token::Word(word))) = tokens.get(next) {
        names.push((*word).to_owned());
        next += 1;
        if tokens.get(next).map(|(_, token)| *token) != Some(Token::Colons) {
            break;
        }
        next += 1;
        if tokens.get(next).map(|(_, token)| *token) == Some(Token::Sign(b'{')) {
            return group(tokens, next + 1, &names, found);
        }
    }
    found.push(Named { names, at, used });
    next
}

/// Reads `a, b::c }` below `prefix`; returns where to go on.
fn group(tokens: &[(usize, Token)], mut next: usize, prefix: &[String], found: &mut Vec<Named>) -> usize {
    while let Some((_, token)) = tokens.get(next) {
        match token {
            Token::Sign(b'}') => return next + 1,
            Token::Word("as") => next += 2,
            Token::Word(_) => next = path(tokens, next, prefix, found),
            Token::Colons | Token::Sign(_) => next += 1,
        }
    }
    next
}

#[test]
fn groups_are_written_out() {
    let code = "use a::{b, c::{d, self}, e as f, g::*}; x.libc::<u8>(); ::h::i(); fn j() { k::l }";
    let found: Vec<String> = paths(code).into_iter().map(|path| path.names.join("::")).collect();
    for path in ["a::b", "a::c::d", "a::c::self", "a::e", "a::g", "h::i", "k::l"] {
        assert!(found.iter().any(|known| known == path), "{path} is not in {found:?}");
    }
    assert!(!found.iter().any(|path| path == "libc" || path == "f"), "{found:?}");
}
