//! The published table of reasons: what `ErrorInfo.reason` can be, the code of gRPC that it comes with, and when. The domain is
//! [`DOMAIN`]. A reason keeps its meaning for ever; more may come.

use std::fmt::Write as _;
use tonic::Code;

/// `ErrorInfo.domain` of all of them.
pub const DOMAIN: &str = "ironcell.dev";

/// Declares each reason once: its word, its code and when it comes.
macro_rules! reasons {
    ($($name:ident $word:literal $code:ident $when:literal;)*) => {
        /// Why a call was not done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[allow(missing_docs, reason = "the table tells when each comes")]
        pub enum Reason { $($name,)* }

        impl Reason {
            /// All of them, by code.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Its word on the wire.
            pub fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// The code of gRPC that it comes with.
            pub fn code(self) -> Code {
                match self { $(Self::$name => Code::$code,)* }
            }

            /// When it comes.
            pub fn when(self) -> &'static str {
                match self { $(Self::$name => $when,)* }
            }
        }
    };
}

reasons! {
    EmptyCommand "EMPTY_COMMAND" InvalidArgument "no program is named";
    InvalidCwd "CWD_NOT_ABSOLUTE" InvalidArgument "the directory to start in is none";
    InvalidEnv "INVALID_ENV" InvalidArgument "a variable has no meaning";
    InvalidLimit "INVALID_LIMIT" InvalidArgument "a limit or a time has no meaning";
    InvalidMount "INVALID_MOUNT" InvalidArgument "a mount or a root has no meaning";
    InvalidSignal "INVALID_SIGNAL" InvalidArgument "there is no such signal";
    InvalidId "INVALID_ID" InvalidArgument "no job is named";
    InvalidPageToken "INVALID_PAGE_TOKEN" InvalidArgument "the token is not one of next_page_token";
    InvalidField "INVALID_FIELD" InvalidArgument "another field has no meaning";
    JobNotFound "JOB_NOT_FOUND" NotFound "there is no such job, or it is not the caller's";
    NameInUse "NAME_IN_USE" AlreadyExists "a job of the same owner that has not ended has this name; metadata: id";
    AmbiguousId "AMBIGUOUS_ID" FailedPrecondition "several jobs are meant; metadata: matches";
    ExecFailed "EXEC_FAILED" FailedPrecondition "the cell could not be built, or the program not be executed; metadata: step, errno, refused, program";
    IsolationUnavailable "ISOLATION_UNAVAILABLE" FailedPrecondition "this host cannot enforce what was asked for: it is refused, never skipped";
    JobExited "JOB_EXITED" FailedPrecondition "the job has ended, or is being ended";
    JobNotExited "JOB_NOT_EXITED" FailedPrecondition "the job has not ended";
    StdinNotRequested "STDIN_NOT_REQUESTED" FailedPrecondition "the job was started without an input to write to";
    StdinClosed "STDIN_CLOSED" FailedPrecondition "the input of the job has its end, or nobody reads it any more";
    NoTerminal "NO_TERMINAL" FailedPrecondition "the job was started without a terminal";
    StreamUnavailable "STREAM_UNAVAILABLE" FailedPrecondition "the job has no such stream: a terminal shows one alone";
    AlreadyAttached "ALREADY_ATTACHED" FailedPrecondition "somebody holds the input of the job; metadata: holder";
    RequestIdConflict "REQUEST_ID_CONFLICT" FailedPrecondition "the same request_id came with another job; metadata: id";
    OffsetBeyondEnd "OFFSET_BEYOND_END" OutOfRange "nothing was written there yet; metadata: begin, end";
    StdinOffsetMismatch "STDIN_OFFSET_MISMATCH" OutOfRange "bytes before these are missing; metadata: end";
    OutputGap "OUTPUT_GAP" DataLoss "with fail_on_gap: output that is not kept any more; metadata: from, to";
    TooManyJobs "TOO_MANY_JOBS" ResourceExhausted "as many jobs run as the daemon takes";
    TooManyStreams "TOO_MANY_STREAMS" ResourceExhausted "as many streams are open as the daemon takes";
    TooManyItems "TOO_MANY_ITEMS" InvalidArgument "a batch has more items than the daemon takes at once";
    MessageTooLarge "MESSAGE_TOO_LARGE" ResourceExhausted "the request is larger than the daemon takes; metadata: most";
    NotAuthenticated "NOT_AUTHENTICATED" Unauthenticated "nobody is known to call";
    CertUnusable "CERT_UNUSABLE" Unauthenticated "the client certificate names no owner";
    NoRoleInCert "NO_ROLE_IN_CERT" PermissionDenied "no OU of the client certificate is a role";
    AmbiguousRole "AMBIGUOUS_ROLE" PermissionDenied "more than one OU of the client certificate is a role";
    RoleRequired "ROLE_REQUIRED" PermissionDenied "the role of the caller may not; metadata: role, needed";
    PolicyForbids "POLICY_FORBIDS" PermissionDenied "the daemon's policy does not give this to operators; metadata: field";
    Draining "DRAINING" Unavailable "the daemon takes no starts; try another, or later";
    ShuttingDown "SHUTTING_DOWN" Unavailable "the daemon is being shut down";
    Unsupported "UNSUPPORTED" Unimplemented "the daemon cannot do this to such a job";
    Internal "INTERNAL" Internal "a call of the kernel's failed, or ironcell has a mistake";
}

/// The table for people, as Markdown.
pub fn table() -> String {
    let mut table = String::from("| Code | Reason | When |\n|---|---|---|\n");
    for reason in Reason::ALL {
        // Writing to a String cannot fail.
        let _ = writeln!(table, "| {:?} | {} | {} |", reason.code(), reason.word(), reason.when());
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_reason_has_a_word_of_its_own_in_the_form_that_google_asks_for() {
        let words: BTreeSet<&str> = Reason::ALL.iter().map(|reason| reason.word()).collect();
        assert_eq!(words.len(), Reason::ALL.len());
        // google.rpc.ErrorInfo: [A-Z][A-Z0-9_]+[A-Z0-9], 63 at most.
        let form = |word: &str| word.len() <= 63 && word.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
        assert!(words.iter().all(|word| form(word)), "{words:?}");
    }

    #[test]
    fn the_table_has_a_line_a_reason() {
        assert_eq!(table().lines().count(), Reason::ALL.len() + 2);
    }

    #[test]
    fn readme_shows_the_table_as_it_is() {
        let readme = include_str!("../../../README.md");
        let (_, rest) = readme.split_once("<!-- reasons -->\n").expect("README has the opening marker");
        let (shown, _) = rest.split_once("<!-- end of reasons -->").expect("README has the closing marker");
        assert_eq!(shown, table());
    }
}
