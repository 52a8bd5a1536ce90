//! Why a connection came to nothing: one of a few words, for who counts them.

use std::io;

/// Where connections come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// The TLS port.
    Remote,
    /// The Unix socket.
    Local,
}

impl Door {
    /// Both, in the order of their numbers.
    pub const ALL: [Self; 2] = [Self::Remote, Self::Local];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Remote => "tls",
            Self::Local => "unix",
        }
    }
}

/// Why somebody was turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turned {
    /// As many connections are open as may be.
    TooMany,
    /// As many of his.
    TooManyOfKey,
    /// He is not root.
    NotRoot,
    /// The handshake was not done in its time.
    Slow,
    /// Of too many handshakes under way it was the oldest.
    PushedOut,
    /// He showed no certificate.
    NoCertificate,
    /// His certificate is not good: expired, revoked, of another authority, not for clients.
    BadCertificate,
    /// He does not take the daemon's certificate, or ended the handshake by another alert.
    Alert,
    /// What he said is no TLS 1.3, or not h2.
    Protocol,
    /// The connection ended before it was one.
    Gone,
}

impl Turned {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 10] = [
        Self::TooMany,
        Self::TooManyOfKey,
        Self::NotRoot,
        Self::Slow,
        Self::PushedOut,
        Self::NoCertificate,
        Self::BadCertificate,
        Self::Alert,
        Self::Protocol,
        Self::Gone,
    ];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::TooMany => "too_many",
            Self::TooManyOfKey => "too_many_of_key",
            Self::NotRoot => "not_root",
            Self::Slow => "slow",
            Self::PushedOut => "pushed_out",
            Self::NoCertificate => "no_certificate",
            Self::BadCertificate => "bad_certificate",
            Self::Alert => "alert",
            Self::Protocol => "protocol",
            Self::Gone => "gone",
        }
    }

    /// What the log says where nothing more is known.
    pub const fn said(self) -> &'static str {
        match self {
            Self::TooMany => "there are too many connections",
            Self::TooManyOfKey => "its key has too many connections",
            Self::NotRoot => "its user is not root",
            Self::Slow => "the handshake took too long",
            Self::PushedOut => "too many handshakes are under way, and it is the oldest",
            Self::NoCertificate => "it shows no certificate",
            Self::BadCertificate => "its certificate is not good",
            Self::Alert => "it ended the handshake",
            Self::Protocol => "it does not speak TLS 1.3 and h2",
            Self::Gone => "it went",
        }
    }

    /// Whether nobody was known yet.
    pub fn is_of_handshake(self) -> bool {
        !matches!(self, Self::TooMany | Self::TooManyOfKey | Self::NotRoot)
    }

    /// Whether it can be at this door.
    pub fn is_at(self, door: Door) -> bool {
        match door {
            Door::Remote => self != Self::NotRoot,
            Door::Local => matches!(self, Self::TooMany | Self::TooManyOfKey | Self::NotRoot | Self::Gone),
        }
    }
}

/// What a handshake failed for.
impl From<&io::Error> for Turned {
    fn from(error: &io::Error) -> Self {
        use rustls::Error::{AlertReceived, InvalidCertRevocationList, InvalidCertificate, NoCertificatesPresented};
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match inner {
            None => Self::Gone,
            Some(NoCertificatesPresented) => Self::NoCertificate,
            Some(InvalidCertificate(_) | InvalidCertRevocationList(_)) => Self::BadCertificate,
            Some(AlertReceived(_)) => Self::Alert,
            Some(_) => Self::Protocol,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_is_counted_in_its_own_row_under_its_own_word() {
        assert!(Turned::ALL.iter().enumerate().all(|(row, turned)| *turned as usize == row));
        assert!(Door::ALL.iter().enumerate().all(|(row, door)| *door as usize == row));
        assert_eq!(Turned::ALL.map(Turned::word).into_iter().collect::<BTreeSet<_>>().len(), Turned::ALL.len());
    }
}
