//! What the daemon may be told anew while it serves: each call and each connection takes what is in force when it begins.

use super::limits::Limits;
use super::policy::Policy;
use std::sync::{Arc, PoisonError, RwLock};

/// What is in force.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// What operators and viewers may have.
    pub policy: Policy,
    /// How much of the daemon callers can take.
    pub limits: Limits,
    /// What a log keeps in files where a job says nothing, as the key `spool`; the supervisor must have a place for them.
    pub spool: Option<String>,
}

/// The rules, for all who go by them. Cheap to clone; all clones change together.
#[derive(Debug, Clone, Default)]
pub struct Live(Arc<RwLock<Arc<Rules>>>);

impl Live {
    /// These, to begin with.
    pub fn new(rules: Rules) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(rules))))
    }

    /// What is in force now.
    pub fn now(&self) -> Arc<Rules> {
        // Replaced in one assignment.
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Others, from now on.
    pub fn set(&self, rules: Rules) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rules);
    }
}

impl From<Policy> for Live {
    fn from(policy: Policy) -> Self {
        Self::new(Rules { policy, ..Rules::default() })
    }
}

impl From<Limits> for Live {
    fn from(limits: Limits) -> Self {
        Self::new(Rules { limits, ..Rules::default() })
    }
}
