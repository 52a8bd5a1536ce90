//! PURE: the calls of each profile by name, in groups that say what they are for, and the names' numbers here.
//!
//! A call stands here because programs need it and because what it can reach is the job's own. What is left out is left
//! out for a reason that is written in SECURITY.md.

use crate::spec::Profile;
use std::collections::BTreeSet;
use syscalls::Sysno;

/// Files by descriptor and by path, within what the cell shows.
const FILES: &str = "read write readv writev pread64 pwrite64 open openat creat close close_range lseek stat fstat lstat \
    newfstatat statx access faccessat faccessat2 readlink readlinkat getdents64 getcwd chdir fchdir dup dup2 dup3 pipe \
    pipe2 mkdir mkdirat rmdir unlink unlinkat rename renameat2 ftruncate fsync fdatasync utimensat umask";
/// Waiting for descriptors.
const WAITS: &str = "poll ppoll select pselect6 epoll_create1 epoll_ctl epoll_wait epoll_pwait eventfd2";
/// The process's own memory.
const MEMORY: &str = "mmap munmap mprotect mremap madvise brk";
/// Signals within the cell: user ids and the PID namespace decide whom they reach.
const SIGNALS: &str = "rt_sigaction rt_sigprocmask rt_sigreturn rt_sigsuspend rt_sigtimedwait sigaltstack kill tgkill \
    restart_syscall";
/// Processes and threads.
const PROCESSES: &str = "fork vfork execve exit exit_group wait4 waitid set_tid_address set_robust_list rseq futex \
    sched_yield sched_getaffinity gettid getpid getppid getpgid getpgrp setpgid getsid setsid membarrier";
/// Who and where the process is.
const SELF: &str = "getuid geteuid getgid getegid getgroups getrusage sysinfo uname";
/// Time.
const TIME: &str = "clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday alarm setitimer";
/// What a program needs to confine its files further.
const FILE_RULES: &str = "landlock_create_ruleset landlock_add_rule landlock_restrict_self";
/// Random bytes.
const RANDOM: &str = "getrandom";
/// Pairs of sockets, by which a program talks with those that it starts.
const PAIRS: &str = "sendto recvfrom sendmsg recvmsg shutdown";

/// More of files.
const MORE_FILES: &str = "renameat link linkat symlink symlinkat chmod fchmod fchmodat fchmodat2 chown fchown fchownat lchown \
    truncate utime utimes statfs fstatfs fadvise64 fallocate sync syncfs sync_file_range copy_file_range sendfile \
    splice preadv preadv2 pwritev pwritev2 openat2 memfd_create";
/// Locks on files: a shared read-only file can be locked, too, which two jobs could see.
const LOCKS: &str = "flock";
/// Extended attributes: the kernel keeps those of privilege to itself.
const ATTRIBUTES: &str = "getxattr lgetxattr fgetxattr setxattr lsetxattr fsetxattr listxattr llistxattr flistxattr \
    removexattr lremovexattr fremovexattr";
/// Being told of changes; counted per user, and the user is the cell's own.
const WATCHES: &str = "inotify_init inotify_init1 inotify_add_watch inotify_rm_watch epoll_create epoll_pwait2 signalfd4 \
    timerfd_create timerfd_settime timerfd_gettime pidfd_open pidfd_send_signal";
/// Shared memory and semaphores of the cell's own IPC namespace.
const IPC: &str = "shmget shmat shmdt shmctl semget semop semtimedop semctl";
/// More of memory.
const MORE_MEMORY: &str = "mincore msync mlock mlock2 munlock mlockall munlockall map_shadow_stack mseal";
/// More of signals, threads and their scheduling, which lowers only.
const MORE_PROCESSES: &str = "pause rt_sigpending rt_sigqueueinfo rt_tgsigqueueinfo tkill execveat futex_waitv \
    getcpu getpriority setpriority sched_setaffinity sched_getparam sched_setparam sched_getscheduler \
    sched_setscheduler sched_get_priority_max sched_get_priority_min";
/// Changes of ids among those of the cell, and limits: no_new_privs and empty capability sets decide what they can.
const MORE_SELF: &str = "setuid setgid setreuid setregid setresuid setresgid setgroups capget capset times time \
    getresuid getresgid getrlimit setrlimit getitimer timer_create timer_settime timer_gettime timer_getoverrun timer_delete";
/// Sockets, which a rule of their own makes.
const SOCKETS: &str =
    "connect bind listen accept accept4 recvmmsg sendmmsg getsockname getpeername setsockopt getsockopt";
/// What a program needs to confine itself further by a filter of its own.
const CONFINEMENT: &str = "seccomp";

/// Looking into the job's own processes, as debuggers and test suites do. PID 1 is another user's, and not dumpable.
const TRACING: &str = "ptrace process_vm_readv process_vm_writev kcmp pidfd_getfd process_madvise process_mrelease";
/// Asynchronous I/O of databases and of the tools that measure disks.
const ASYNCHRONOUS: &str = "io_setup io_destroy io_submit io_cancel io_getevents io_pgetevents readahead tee vmsplice";
/// The node of memory, for programs that are built for many of them.
const NODES: &str = "mbind get_mempolicy set_mempolicy set_mempolicy_home_node";
/// Message queues of the cell's own IPC namespace.
const QUEUES: &str =
    "msgget msgsnd msgrcv msgctl mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr";
/// What test suites of libraries and languages try.
const SUITES: &str = "sched_getattr sched_setattr sched_rr_get_interval ioprio_get ioprio_set pkey_alloc pkey_free \
    pkey_mprotect get_robust_list";

/// Older shapes of calls that are here, and names of files as handles: opening by one stays refused.
const OLD: &str = "getdents futimesat eventfd signalfd setfsuid setfsgid get_thread_area \
    remap_file_pages ustat sysfs name_to_handle_at";

/// What PID 1 of a cell calls once the job runs: it waits, reaps, passes signals on, tells the end.
pub const INIT: &str = "read write poll ppoll wait4 waitid kill signalfd4 rt_sigprocmask rt_sigreturn clock_gettime \
    close close_range mmap munmap brk futex restart_syscall exit exit_group";

/// The names of a profile, those with a rule of their own left out.
pub fn plain(profile: Profile) -> impl Iterator<Item = &'static str> {
    const STRICT: &[&str] = &[FILES, WAITS, MEMORY, SIGNALS, PROCESSES, SELF, TIME, RANDOM, PAIRS, FILE_RULES];
    const DEFAULT: &[&str] =
        &[MORE_FILES, LOCKS, ATTRIBUTES, WATCHES, IPC, MORE_MEMORY, MORE_PROCESSES, MORE_SELF, SOCKETS, CONFINEMENT];
    const BUILD: &[&str] = &[TRACING, ASYNCHRONOUS, NODES, QUEUES, SUITES];
    const COMPAT: &[&str] = &[OLD];
    // Each profile has what those before it have.
    let steps: [(Profile, &'static [&'static str]); 4] =
        [(Profile::Strict, STRICT), (Profile::Default, DEFAULT), (Profile::Build, BUILD), (Profile::Compat, COMPAT)];
    let groups = steps.into_iter().filter(move |(from, _)| *from <= profile).flat_map(|(_, groups)| groups);
    groups.flat_map(|group| group.split_whitespace()).collect::<BTreeSet<_>>().into_iter()
}

/// The number of a call on this architecture; `None` for one that it does not have.
pub fn number(name: &str) -> Option<u32> {
    name.parse::<Sysno>().ok().map(|call| call.id() as u32)
}

/// All numbers that are known here.
pub fn all() -> impl Iterator<Item = u32> {
    Sysno::iter().map(|call| call.id() as u32)
}

/// The newest call of the kernels that distributions call old (6.1): programs have a way without any that is newer.
pub fn settled() -> u32 {
    Sysno::set_mempolicy_home_node.id() as u32
}
