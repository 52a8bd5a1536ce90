//! The plan's digest: one number by which two runs can be known to have had the same walls and the same limits.

use super::Plan;
use sha2::{Digest, Sha256};
use std::fmt::Write;

impl Plan {
    /// SHA-256 over the orders to the shim and the settings of the cgroup, in hexadecimal.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.order.encode());
        for setting in &self.settings {
            // NUL cannot be in either, so no two lists have the same bytes.
            hash.update([setting.file.as_bytes(), b"\0", setting.value.as_bytes(), b"\0"].concat());
        }
        hash.finalize().iter().fold(String::new(), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}
