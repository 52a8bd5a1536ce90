//! Attacks from inside a cell: makes the calls by which others were broken, and says what the kernel answered.
//!
//! Static, so it runs in any root. Each call is one line, as `integration::answer` writes it. What only looks around is
//! the program `look`.

mod calls;
mod eat;
mod escape;
mod leave;
mod sockets;
mod stress;

use std::ffi::CString;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["calls"] => calls::calls(),
        ["raise"] => calls::raise(),
        ["foreign"] => calls::foreign(),
        ["open", how, ref paths @ ..] => escape::open(how, paths),
        ["mounts", place] => escape::mounts(place),
        ["setns"] => escape::setns(),
        ["clone"] => escape::clone(),
        ["handles", place] => escape::handles(place),
        ["breakout"] => escape::breakout(),
        ["inject"] => escape::inject(),
        ["anonymous", ref rest @ ..] => escape::anonymous(rest),
        ["families"] => sockets::families(),
        ["reach", port] => sockets::reach(port),
        ["serve", port] => sockets::serve(port),
        ["eat", kind, mib] => eat::eat(kind, mib),
        ["leave", name] => leave::leave(name),
        ["find", name] => leave::find(name),
        ["lock", file] => leave::lock(file),
        ["inotify"] => leave::inotify(),
        ["stay", ref rest @ ..] => leave::stay(rest),
        ["many", place, count] => stress::many(place, count),
        ["deep", place, count] => stress::deep(place, count),
        ["storm", kind] => stress::storm(kind),
        ["scatter"] => stress::scatter(),
        ["fill"] => stress::fill(),
        _ => panic!("attack: unknown words {words:?}"),
    }
}

/// A word as the kernel takes it.
fn path(text: &str) -> CString {
    CString::new(text).expect("a path has no NUL")
}
