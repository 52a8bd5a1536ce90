//! The numbered catalogue of all that can fail between an order and an exec. Numbers are never reused: an old report
//! stays readable. 1xx is the keeper's, 2xx is PID 1's, 3xx is the target's own before its exec.

/// Declares the steps once: number, name for machines, words for people.
macro_rules! steps {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $machine:literal, $words:literal;)*) => {
        /// One step of building a cell.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u16)]
        pub enum Step { $($(#[$doc])* $name = $number,)* }

        impl Step {
            /// Every step, in the catalogue's order.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The step with this number.
            pub fn of(number: u16) -> Option<Self> {
                match number { $($number => Some(Self::$name),)* _ => None }
            }

            /// The name for machines: stable, as the number.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $machine,)* }
            }

            /// The words for people: completes "failed to …".
            pub fn words(self) -> &'static str {
                match self { $(Self::$name => $words,)* }
            }
        }
    };
}

steps! {
    /// The order's bytes could not be understood.
    ReadOrder = 101, "read_order", "read the order";
    /// openat2 and open_tree of a host path.
    OpenSource = 102, "open_source", "open the host's path";
    /// mount_setattr of a cloned mount: read-only, nosuid, nodev, private.
    ProtectSource = 103, "protect_source", "make the mount safe";
    /// A user namespace that maps the owner of a writable bind to the job's user.
    MapOwner = 104, "map_owner", "map the owner of the writable directory to the job's user (an id-mapped mount)";
    /// setresuid to the job's own host uid, so that the kernel's per-user limits are the job's own.
    TakeJobIdentity = 105, "take_job_identity", "take the job's identity";
    /// clone3.
    CloneCell = 106, "clone_cell", "clone the cell's first process";
    /// uid_map and gid_map of the cell's user namespace.
    WriteIdMaps = 107, "write_id_maps", "write the cell's id maps";
    /// oom_score_adj, raised while privileged so that the job cannot lower it.
    RaiseOomScore = 108, "raise_oom_score", "raise the cell's oom_score_adj";
    /// The first sign of life of PID 1: without it the clone was killed at birth.
    AwaitCell = 109, "await_cell", "hear from the cell's first process (it was killed at birth: is the memory limit too small for it?)";
    /// The byte that lets PID 1 begin.
    ReleaseCell = 110, "release_cell", "release the cell";

    /// close_range of all that the cell does not need.
    CloseForeign = 201, "close_foreign", "close foreign descriptors";
    /// PID 1 waits for its id maps.
    AwaitRelease = 202, "await_release", "wait for the keeper";
    /// PID 1 becomes root of its own user namespace.
    BecomeCellRoot = 203, "become_cell_root", "become root of the cell";
    /// unshare of the cgroup namespace, where a cell had to be moved into its cgroup.
    SeeOwnCgroup = 219, "see_own_cgroup", "make the cell's cgroup its root";
    /// The cell's own count of user namespaces is set to none.
    ForbidNested = 218, "forbid_nested", "forbid user namespaces inside of the cell";
    /// sethostname.
    SetHostname = 204, "set_hostname", "set the host name";
    /// The loopback interface is brought up.
    LoopbackUp = 205, "loopback_up", "bring the loopback interface up";
    /// No mount event passes in or out.
    MakePrivate = 206, "make_private", "make the mounts private";
    /// The new root, made and attached.
    MakeRoot = 207, "make_root", "make the new root";
    /// A directory, link, file or mount point in the new root.
    MakeEntry = 208, "make_entry", "make the place in the cell";
    /// A mount, attached at its place.
    AttachMount = 209, "attach_mount", "mount in the cell";
    /// pivot_root into the new root.
    EnterRoot = 210, "enter_root", "enter the new root";
    /// The old root is detached.
    LeaveOldRoot = 211, "leave_old_root", "detach the host's root";
    /// The new root is made read-only.
    SealRoot = 212, "seal_root", "make the root read-only";
    /// The ruleset of Landlock, one rule for each place.
    MakeRuleset = 220, "make_ruleset", "make the rules for files (Landlock)";
    /// A session keyring of its own.
    JoinKeyring = 213, "join_keyring", "join a keyring of its own";
    /// The bounding, inheritable and ambient sets are emptied, the secure bits locked.
    DropBounding = 214, "drop_bounding", "drop the capabilities";
    /// no_new_privs.
    NoNewPrivs = 215, "no_new_privs", "set no_new_privs";
    /// A cell that was built ahead waits for its job.
    AwaitJob = 222, "await_job", "receive the order of the job";
    /// A tmpfs of a cell that was built ahead gets its job's size.
    ResizeTmpfs = 223, "resize_tmpfs", "set the size of the tmpfs";
    /// fork of the target.
    ForkTarget = 216, "fork_target", "fork the target";
    /// PID 1 gives up all but the right to signal its job.
    DropShim = 217, "drop_shim", "drop the shim's own privilege";
    /// PID 1's own system call filter.
    FilterShim = 221, "filter_shim", "install the filter of the cell's first process";

    /// setsid.
    NewSession = 301, "new_session", "begin a session of its own";
    /// Descriptors 0, 1, 2.
    PlaceStdio = 302, "place_stdio", "place standard input, output and error";
    /// A terminal of the cell's own, and its master to the supervisor.
    OpenTerminal = 313, "open_terminal", "open the job's terminal";
    /// setrlimit.
    SetRlimit = 303, "set_rlimit", "set the resource limit";
    /// setpriority.
    SetNice = 314, "set_nice", "set how nice the job is";
    /// setgroups, setresgid, setresuid.
    BecomeUser = 304, "become_user", "become the job's user";
    /// capset to nothing.
    ClearCapabilities = 305, "clear_capabilities", "clear the capabilities";
    /// chdir as the job's user.
    EnterDirectory = 306, "enter_directory", "enter the working directory";
    /// landlock_restrict_self.
    RestrictFiles = 312, "restrict_files", "put the rules for files (Landlock) in force";
    /// close_range of all but 0, 1, 2.
    CloseRest = 307, "close_rest", "close the remaining descriptors";
    /// Signals to their defaults, none blocked.
    ResetSignals = 308, "reset_signals", "reset the signals";
    /// seccomp(SECCOMP_SET_MODE_FILTER).
    InstallFilter = 309, "install_filter", "install the system call filter";
    /// execve.
    Exec = 310, "exec", "execute the program";
    /// execve: the file is there, what it is to be run by is not.
    ExecInterpreter = 311, "exec_interpreter", "execute the program: its interpreter is missing";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_unique_and_lead_back_to_their_step() {
        for (index, step) in Step::ALL.iter().enumerate() {
            assert_eq!(Step::of(*step as u16), Some(*step));
            for other in &Step::ALL[index + 1..] {
                assert_ne!(*step as u16, *other as u16);
                assert_ne!(step.name(), other.name());
            }
        }
        assert_eq!(Step::of(0), None);
    }
}
