//! The name of a job: a UUID v7 for machines, twelve characters for people.

use std::fmt;
use uuid::Uuid;

/// Identifies one job for ever. Sorts by time of creation; its random part cannot be guessed.
///
/// For people it is shown as twelve characters of base 32 taken from the random part (60 bits).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct JobId(Uuid);

/// Characters of the short form: 60 bits of the 62 random ones.
pub const SHORT_LEN: usize = 12;

/// Crockford's base 32 in lower case: no i, l, o, u, so it survives being read aloud.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

impl JobId {
    /// A new id, of now.
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }

    /// The id that `uuid` stands for.
    pub fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The whole id.
    pub fn as_uuid(&self) -> Uuid {
        self.0
    }

    /// The form for people: twelve characters. Safe as a file name.
    pub fn short(&self) -> String {
        let random = self.0.as_u128();
        (0..SHORT_LEN).rev().map(|i| char::from(ALPHABET[(random >> (5 * i)) as usize & 31])).collect()
    }
}

impl Default for JobId {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.short())
    }
}

impl fmt::Debug for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JobId({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_form_is_twelve_safe_characters_of_the_random_part() {
        let id = JobId::from_uuid(Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0001));
        assert_eq!(id.short(), "000000000001");
        assert!(JobId::new().short().bytes().all(|b| ALPHABET.contains(&b)));
    }

    #[test]
    fn ten_thousand_ids_differ_in_their_short_form() {
        let mut seen: Vec<String> = (0..10_000).map(|_| JobId::new().short()).collect();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 10_000);
    }
}
