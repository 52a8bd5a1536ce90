//! Behind which walls a job runs.

use super::{MountSpec, Profile, Root, SeccompRules, SpecError};

/// The walls of a cell. The default is the strictest that ordinary programs can live with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Isolation {
    /// What `/` is made of.
    pub root: Root,
    /// What else is mounted, in this order, on top of the root.
    pub mounts: Vec<MountSpec>,
    /// The network.
    pub net: Net,
    /// The host name that the job sees.
    pub hostname: Hostname,
    /// Who the job is inside the cell.
    pub user: User,
    /// How much of the kernel it can reach.
    pub profile: Profile,
    /// Rules of the caller's own for system calls, in place of the profile's.
    pub seccomp: Option<SeccompRules>,
}

/// The network of a job.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Net {
    /// A network namespace of its own with the loopback interface up, and nothing else.
    #[default]
    None,
    /// The host's network, as it is.
    Host,
}

impl Net {
    /// The word for it in flags and reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Host => "host",
        }
    }
}

/// The ids of the job inside its user namespace. Outside they are ids of nobody, whatever is chosen here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct User {
    uid: u32,
    gid: u32,
}

impl User {
    /// Ids per cell: 0 to 65533 are the job's to choose, 65534 is what the kernel shows for ids from outside
    /// (`/proc/sys/kernel/overflowuid`), 65535 is the cell's PID 1.
    pub const MOST: u32 = 65533;

    /// A user of the cell.
    ///
    /// # Errors
    /// When an id is past [`User::MOST`].
    pub fn new(uid: u32, gid: u32) -> Result<Self, SpecError> {
        for (field, id) in [("--user uid", uid), ("--user gid", gid)] {
            if id > Self::MOST {
                let expected = format!("a cell has the ids 0 to {}", Self::MOST);
                return Err(SpecError::new(field, id.to_string(), "there is no such id in a cell", expected));
            }
        }
        Ok(Self { uid, gid })
    }

    /// User id inside the cell.
    pub fn uid(self) -> u32 {
        self.uid
    }

    /// Group id inside the cell.
    pub fn gid(self) -> u32 {
        self.gid
    }
}

impl Default for User {
    /// 1000, as most systems give to their first person: not root, and not special to any program.
    fn default() -> Self {
        Self { uid: 1000, gid: 1000 }
    }
}

/// A host name by sethostname(2): 1 to 64 letters, digits, dots and hyphens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hostname(String);

impl Hostname {
    /// __NEW_UTS_LEN.
    pub const MOST_BYTES: usize = 64;

    /// A checked host name.
    ///
    /// # Errors
    /// When it is empty, too long, or has other characters.
    pub fn new(name: &str) -> Result<Self, SpecError> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.';
        if name.is_empty() || name.len() > Self::MOST_BYTES || !name.bytes().all(allowed) {
            let expected = "write 1 to 64 letters, digits, dots or hyphens";
            return Err(SpecError::new("--hostname", name, "not a host name", expected));
        }
        Ok(Self(name.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Hostname {
    /// The same for every cell: a name tells a job nothing about its host or its neighbours.
    fn default() -> Self {
        Self("cell".to_owned())
    }
}
