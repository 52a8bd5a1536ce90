//! The audit log: one line for every call that changes something, when it is answered. Who, what, which job, and how it
//! went, through `tracing` under the target [`TARGET`]; refused calls are in it as well.
//!
//! Everything that a caller has a say in is written as a quoted text with escapes, so that no name ends a line or begins a
//! second one.

use super::authz::Rpc;
use super::peer::Peer;
use crate::spec::JobId;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tonic::Code;

/// The target of its lines.
pub const TARGET: &str = "ironcell::audit";

/// Bytes of what a caller called a job that are written at most: twice what a name has.
const ASKED_MOST: usize = 256;

/// Which job a call is about, as far as that is known: the gate has one for each call, and whoever learns more of it says so.
/// A call that is refused keeps what it was refused for.
#[derive(Debug, Clone, Default)]
pub struct Subject(Arc<Mutex<About>>);

#[derive(Debug, Default)]
struct About {
    job: Option<String>,
    asked: Option<String>,
}

impl Subject {
    /// The caller calls it so: an id, a name, or the beginning of one. The first word counts.
    pub fn asked(&self, said: &str) {
        if !said.is_empty() {
            let cut = said.floor_char_boundary(ASKED_MOST);
            self.0.lock().unwrap_or_else(PoisonError::into_inner).asked.get_or_insert_with(|| said[..cut].to_owned());
        }
    }

    /// It is this job.
    pub fn is(&self, id: JobId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).job.get_or_insert_with(|| id.short());
    }
}

/// A line in the making. It is written when it is dropped, whatever became of the call.
#[derive(Debug)]
pub struct Entry {
    peer: Option<Arc<Peer>>,
    from: Arc<str>,
    rpc: Rpc,
    begun: Instant,
    subject: Subject,
    code: Option<Code>,
}

impl Entry {
    /// A call begins. `None` is a caller who is nobody.
    pub fn new(peer: Option<Arc<Peer>>, from: Arc<str>, rpc: Rpc, subject: Subject) -> Self {
        Self { peer, from, rpc, begun: Instant::now(), subject, code: None }
    }

    /// It was answered so.
    pub fn code(&mut self, code: Code) {
        self.code = Some(code);
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let peer = self.peer.as_deref();
        let who = peer.map_or("", |peer| peer.owner.as_str());
        let role = peer.map_or("", |peer| peer.role.word());
        let fingerprint = peer.map_or("", |peer| peer.fingerprint.as_str());
        let about = self.subject.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (job, asked) = (about.job.as_deref().unwrap_or_default(), about.asked.as_deref().unwrap_or_default());
        // A call that nobody waits for any more has no code.
        let code = self.code.map_or("CANCELLED".to_owned(), word);
        let ms = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (from, rpc) = (&*self.from, self.rpc.name());
        tracing::info!(target: TARGET, who = ?who, role, fingerprint, from = ?from, rpc, job = ?job, asked = ?asked, code, ms);
    }
}

/// A code as gRPC's documents write it.
pub fn word(code: Code) -> String {
    let mut word = String::new();
    for letter in format!("{code:?}").chars() {
        if letter.is_ascii_uppercase() && !word.is_empty() {
            word.push('_');
        }
        word.push(letter.to_ascii_uppercase());
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::peer::Role;
    use crate::spec::Owner;
    use std::io::{self, Write};

    /// Where the lines of a test go.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("whole").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is written of what happens in `work`, as text and as JSON.
    fn written(work: impl Fn()) -> [String; 2] {
        [false, true].map(|json| {
            let lines = Lines::default();
            let builder = tracing_subscriber::fmt().with_ansi(false).with_writer({
                let lines = lines.clone();
                move || lines.clone()
            });
            if json {
                tracing::subscriber::with_default(builder.json().finish(), &work);
            } else {
                tracing::subscriber::with_default(builder.finish(), &work);
            }
            String::from_utf8(lines.0.lock().expect("whole").clone()).expect("text")
        })
    }

    #[test]
    fn a_line_has_who_what_which_job_and_how_it_went() {
        let [text, json] = written(|| {
            let peer = Peer {
                owner: Owner::new("alice").expect("a word"),
                name: "alice".to_owned(),
                role: Role::Operator,
                fingerprint: "ab12".to_owned(),
            };
            let subject = Subject::default();
            let mut entry = Entry::new(Some(Arc::new(peer)), "10.0.0.1:7".into(), Rpc::StopJob, subject.clone());
            subject.asked("web");
            subject.is(JobId::of(0, [0; 10]));
            entry.code(Code::NotFound);
        });
        for part in [
            "who=\"alice\"",
            "role=\"operator\"",
            "fingerprint=\"ab12\"",
            "rpc=\"StopJob\"",
            "job=\"000000000000\"",
            "asked=\"web\"",
            "code=\"NOT_FOUND\"",
            "ms=",
            TARGET,
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        let json: serde_json::Value = serde_json::from_str(json.trim()).expect("one line of JSON");
        assert_eq!((&json["target"], &json["fields"]["rpc"]), (&TARGET.into(), &"StopJob".into()));
    }

    #[test]
    fn nothing_that_a_caller_writes_makes_a_second_line() {
        for text in written(|| {
            let subject = Subject::default();
            subject.asked("a\" code=OK\n2026-01-01 INFO ironcell::audit: who=\"root\"\x1b[2J\r");
            drop(Entry::new(None, "x".into(), Rpc::DeleteJob, subject));
        }) {
            assert_eq!(text.lines().count(), 1, "{text}");
            assert!(!text.contains('\x1b') && text.contains("CANCELLED") && text.contains("a\\"), "{text}");
        }
    }

    #[test]
    fn of_a_long_name_the_beginning_is_written() {
        let subject = Subject::default();
        subject.asked(&"\u{e9}".repeat(ASKED_MOST));
        subject.asked("another");
        assert_eq!(subject.0.lock().expect("whole").asked, Some("\u{e9}".repeat(ASKED_MOST / 2)));
    }

    #[test]
    fn codes_are_written_as_grpc_writes_them() {
        assert_eq!(
            [Code::Ok, Code::NotFound, Code::PermissionDenied].map(word),
            ["OK", "NOT_FOUND", "PERMISSION_DENIED"]
        );
    }
}
