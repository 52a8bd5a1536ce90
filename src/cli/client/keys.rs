//! The keys that detach: looked for in what is typed, and never typed into the job.

use crate::spec::SpecError;

/// Ctrl-P, Ctrl-Q, as other programs have them.
pub const DEFAULT: &str = "ctrl-p,ctrl-q";

/// Looks for a sequence of keys in what is typed.
#[derive(Debug)]
pub struct Keys {
    wanted: Vec<u8>,
    /// How many of them were typed, one after the other.
    seen: usize,
}

impl Keys {
    /// Keys by their names, with a comma between: single characters, and `ctrl-` with a letter or one of `@[\]^_`.
    ///
    /// # Errors
    /// When one has no meaning.
    pub fn read(said: &str) -> Result<Self, SpecError> {
        let forms = "write keys with commas between, as ctrl-p,ctrl-q or ctrl-],d";
        let none = || SpecError::new("--detach-keys", said, "not keys", forms);
        let key = |name: &str| match (name.strip_prefix("ctrl-").unwrap_or(name).as_bytes(), name.starts_with("ctrl-"))
        {
            ([letter @ (b'a'..=b'z' | b'A'..=b'Z' | b'@' | b'['..=b'_')], true) => Some(letter & 0x1f),
            ([key], false) => Some(*key),
            _ => None,
        };
        let wanted = said.split(',').map(|name| key(name.trim())).collect::<Option<Vec<u8>>>().ok_or_else(none)?;
        Ok(Self { wanted, seen: 0 })
    }

    /// What of these bytes is typed into the job, and whether the keys were among them: then nothing after them is.
    pub fn typed(&mut self, bytes: &[u8]) -> (Vec<u8>, bool) {
        let mut typed = Vec::with_capacity(bytes.len());
        for byte in bytes {
            if *byte != self.wanted[self.seen] {
                // They were meant for the job after all.
                typed.extend_from_slice(&self.wanted[..self.seen]);
                self.seen = 0;
            }
            if *byte == self.wanted[self.seen] {
                self.seen += 1;
                if self.seen == self.wanted.len() {
                    return (typed, true);
                }
            } else {
                typed.push(*byte);
            }
        }
        (typed, false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_by_their_names() {
        assert_eq!(Keys::read(DEFAULT).expect("keys").wanted, [16, 17]);
        assert_eq!(Keys::read("ctrl-],d").expect("keys").wanted, [29, b'd']);
        assert!(Keys::read("").is_err() && Keys::read("ctrl-").is_err() && Keys::read("ctrl-p,esc").is_err());
    }

    #[test]
    fn what_only_begins_like_the_keys_is_typed_and_the_keys_are_not() {
        let mut keys = Keys::read(DEFAULT).expect("keys");
        assert_eq!(keys.typed(b"a\x10"), (b"a".to_vec(), false));
        assert_eq!(keys.typed(b"b"), (b"\x10b".to_vec(), false));
        assert_eq!(keys.typed(b"\x10\x10"), (b"\x10".to_vec(), false));
        assert_eq!(keys.typed(b"\x11later"), (Vec::new(), true));
    }
}
