//! The plan's digest: one number by which two runs can be known to have had the same walls and the same limits.

use super::Plan;
use crate::life::digest::Sum;

impl Plan {
    /// SHA-256 over the orders to the shim and the settings of the cgroup, in hexadecimal.
    pub fn digest(&self) -> String {
        let mut sum = Sum::default();
        sum.add(&self.order.encode());
        for setting in &self.settings {
            // NUL cannot be in either, so no two lists have the same bytes.
            sum.add(&[setting.file.as_bytes(), b"\0", setting.value.as_bytes(), b"\0"].concat());
        }
        sum.hex()
    }
}
