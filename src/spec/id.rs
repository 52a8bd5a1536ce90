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
    /// The id of this moment (milliseconds since 1970) and these random bytes.
    pub fn of(unix_millis: u64, random: [u8; 10]) -> Self {
        Self(uuid::Builder::from_unix_timestamp_millis(unix_millis, &random).into_uuid())
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
    use proptest::prelude::*;

    #[test]
    fn the_short_form_is_twelve_safe_characters_of_the_random_part() {
        let id = JobId::from_uuid(Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0001));
        assert_eq!(id.short(), "000000000001");
    }

    #[test]
    fn an_id_is_a_uuid_of_version_7_and_sorts_by_time() {
        let (early, late) = (JobId::of(1_000, [255; 10]), JobId::of(1_001, [0; 10]));
        assert!(early < late);
        assert_eq!(early.as_uuid().get_version_num(), 7);
    }

    proptest! {
        #[test]
        fn the_short_form_shows_the_random_bytes_in_safe_characters(random: [u8; 10], other: [u8; 10]) {
            let (one, two) = (JobId::of(7, random).short(), JobId::of(7, other).short());
            prop_assert!(one.len() == SHORT_LEN && one.bytes().all(|b| ALPHABET.contains(&b)));
            // The last 60 bits are random ones.
            prop_assert_eq!(random[3..] == other[3..], one == two || random[3..] == other[3..]);
        }
    }
}
