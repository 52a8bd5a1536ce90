//! What is to be told of a call at its end, however that comes.

use crate::rpc::audit::Entry;
use crate::rpc::metrics::Call;
use tonic::Code;

/// Told when it is dropped.
pub struct Record {
    /// Its line in the audit log, if it has one.
    pub entry: Option<Entry>,
    /// Its place among the counts.
    pub call: Call,
}

impl Record {
    /// It was answered so.
    pub fn code(&mut self, code: Code) {
        self.entry.iter_mut().for_each(|entry| entry.code(code));
        self.call.code(code);
    }
}
