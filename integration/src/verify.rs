//! For tests of `ironcell verify`: what it found, by the names of promises and attempts.

use crate::support::{Ran, finish, ironcell};
use serde_json::Value;

/// What was found.
pub struct Verified {
    /// The command.
    pub ran: Ran,
    /// What it printed.
    pub value: Value,
}

/// `ironcell verify --json FLAGS`, which must leave nothing.
pub fn verify(flags: &[&str]) -> Verified {
    let all: Vec<&str> = ["verify", "--json"].iter().chain(flags).copied().collect();
    let ran = finish(ironcell(&all));
    assert_eq!(ran.err, "", "verify itself failed: {ran:?}");
    let value: Value = serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("no JSON ({error}): {ran:?}"));
    assert_eq!(value["schema"], 1, "{ran:?}");
    Verified { ran, value }
}

impl Verified {
    /// A member that is text.
    pub fn text<'a>(value: &'a Value, member: &str) -> &'a str {
        value[member].as_str().unwrap_or_else(|| panic!("no text {member} in {value:#}"))
    }

    /// Every promise.
    pub fn promises(&self) -> &[Value] {
        self.value["promises"].as_array().expect("promises are a list")
    }

    /// The promise of this name.
    pub fn promise(&self, name: &str) -> &Value {
        let found = self.promises().iter().find(|promise| promise["promise"] == name);
        found.unwrap_or_else(|| panic!("no promise {name}"))
    }

    /// Its verdict.
    pub fn verdict(&self, name: &str) -> &str {
        Self::text(self.promise(name), "verdict")
    }

    /// The attempt of this name, of the first promise that has it.
    pub fn attempt(&self, name: &str) -> &Value {
        let mut all = self.promises().iter().filter_map(|promise| promise["attempts"].as_array()).flatten();
        all.find(|attempt| attempt["attempt"] == name).unwrap_or_else(|| panic!("no attempt {name}"))
    }
}
