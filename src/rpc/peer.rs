//! Who calls: the verified identity of a connection, and when that connection ends.

use crate::spec::Owner;
use std::fmt;
use std::sync::Arc;
use tokio::sync::watch;

/// What a caller may do; exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Sees the state of all jobs; their output only if the policy says so.
    Viewer,
    /// Everything with jobs of its own.
    Operator,
    /// Everything with all jobs, and with the daemon.
    Admin,
}

impl Role {
    /// All of them, the least first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Admin];

    /// Its word in certificates, configuration and logs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// The one who calls. Read once a connection, and the same for all of its calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Whose jobs his are: of a certificate its name and its key, of a local caller his user id.
    pub owner: Owner,
    /// The name, for people: the certificate's CN, or `uid N`.
    pub name: String,
    /// What he may do.
    pub role: Role,
    /// SHA-256 of the certificate's public key (SubjectPublicKeyInfo), hexadecimal; empty for a local caller.
    pub fingerprint: String,
}

/// One connection: who is at its other end, and whether it is still there. What tonic hands to every call of it.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Who calls.
    pub peer: Arc<Peer>,
    /// Its sender is dropped with the connection.
    open: watch::Receiver<()>,
}

/// Held by a connection as long as it is open.
#[derive(Debug)]
pub struct Open(#[expect(dead_code, reason = "its end is what it tells")] watch::Sender<()>);

impl Connection {
    /// A new one, open as long as the second half lives.
    pub fn new(peer: Peer) -> (Self, Open) {
        let (sender, open) = watch::channel(());
        (Self { peer: Arc::new(peer), open }, Open(sender))
    }

    /// Waits until the connection has ended, however it did.
    pub async fn ended(&self) {
        let mut open = self.open.clone();
        // An error is the end of the sender, and nothing is ever sent.
        while open.changed().await.is_ok() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_waits_for_the_end_of_a_connection_hears_it() {
        let peer =
            Peer { owner: Owner::default(), name: "uid 0".to_owned(), role: Role::Admin, fingerprint: String::new() };
        let (connection, open) = Connection::new(peer);
        let waiting = tokio::spawn({
            let connection = connection.clone();
            async move { connection.ended().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(open);
        waiting.await.expect("it has ended");
        connection.ended().await;
    }
}
