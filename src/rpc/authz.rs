//! Who may call what: one table of all calls, and one match of roles over it. Pure; what is not in the table is denied.

use super::peer::Role;
use super::policy::Policy;
use std::fmt;

/// What a call is about: all that the roles are told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    /// Looks at jobs: that they are there, and how they are.
    State,
    /// Reads what jobs write.
    Output,
    /// Starts, changes or ends jobs, or speaks to them.
    Jobs,
    /// Looks at the daemon, or at the caller himself.
    Daemon,
    /// Changes the daemon, or what it keeps.
    House,
}

/// The calls, each with its path on the wire and what it is about.
macro_rules! calls {
    ($($(#[$doc:meta])* $name:ident = $path:literal, $about:ident;)*) => {
        /// A call that the daemon knows.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs, reason = "the protocol documents each under this very name")]
        pub enum Rpc { $($(#[$doc])* $name,)* }

        impl Rpc {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its path on the wire: `/package.Service/Method`.
            pub fn path(self) -> &'static str {
                match self { $(Self::$name => $path,)* }
            }

            fn about(self) -> About {
                match self { $(Self::$name => About::$about,)* }
            }
        }
    };
}

calls! {
    StartJob = "/ironcell.v1.JobService/StartJob", Jobs;
    BatchStartJobs = "/ironcell.v1.JobService/BatchStartJobs", Jobs;
    GetJob = "/ironcell.v1.JobService/GetJob", State;
    ListJobs = "/ironcell.v1.JobService/ListJobs", State;
    WaitJob = "/ironcell.v1.JobService/WaitJob", State;
    WatchJobs = "/ironcell.v1.JobService/WatchJobs", State;
    StopJob = "/ironcell.v1.JobService/StopJob", Jobs;
    BatchStopJobs = "/ironcell.v1.JobService/BatchStopJobs", Jobs;
    SignalJob = "/ironcell.v1.JobService/SignalJob", Jobs;
    PauseJob = "/ironcell.v1.JobService/PauseJob", Jobs;
    ResumeJob = "/ironcell.v1.JobService/ResumeJob", Jobs;
    UpdateJob = "/ironcell.v1.JobService/UpdateJob", Jobs;
    DeleteJob = "/ironcell.v1.JobService/DeleteJob", Jobs;
    PurgeJobs = "/ironcell.v1.JobService/PurgeJobs", Jobs;
    StreamOutput = "/ironcell.v1.JobService/StreamOutput", Output;
    WriteStdin = "/ironcell.v1.JobService/WriteStdin", Jobs;
    /// Of a viewer refused in any case, `read_only` too: `StreamOutput` is the call for who only reads.
    Attach = "/ironcell.v1.JobService/Attach", Jobs;
    ResizeTerminal = "/ironcell.v1.JobService/ResizeTerminal", Jobs;
    GetJobStats = "/ironcell.v1.JobService/GetJobStats", State;
    GetProcessTree = "/ironcell.v1.JobService/GetProcessTree", State;
    GetServerInfo = "/ironcell.v1.SystemService/GetServerInfo", Daemon;
    WhoAmI = "/ironcell.v1.SystemService/WhoAmI", Daemon;
    Reconcile = "/ironcell.v1.SystemService/Reconcile", House;
    Drain = "/ironcell.v1.SystemService/Drain", House;
    Shutdown = "/ironcell.v1.SystemService/Shutdown", House;
    HealthCheck = "/grpc.health.v1.Health/Check", Daemon;
    HealthWatch = "/grpc.health.v1.Health/Watch", Daemon;
    Reflection = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", Daemon;
    ReflectionAlpha = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", Daemon;
    CompatStart = "/api.JobService/Start", Jobs;
    CompatStop = "/api.JobService/Stop", Jobs;
    CompatQueryStatus = "/api.JobService/QueryStatus", State;
    CompatGetOutput = "/api.JobService/GetOutput", Output;
    CompatSubscribeOutput = "/api.JobService/SubscribeOutput", Output;
}

impl Rpc {
    /// The call of this path; `None` is a call that nobody may make.
    pub fn of_path(path: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|rpc| rpc.path() == path)
    }

    /// Its name without package and service, for people and logs.
    pub fn name(self) -> &'static str {
        self.path().rsplit('/').next().unwrap_or_default()
    }

    /// Whether it changes anything: every such call is in the audit log, refused ones too.
    pub fn mutates(self) -> bool {
        matches!(self.about(), About::Jobs | About::House)
    }
}

impl Rpc {
    /// Whether it waits for something to happen: no time is set for it, and the end of the daemon ends it. Every other call
    /// has its time, and is finished when the daemon ends.
    pub fn waits(self) -> bool {
        use Rpc::{
            Attach, BatchStopJobs, CompatStop, CompatSubscribeOutput, DeleteJob, Drain, HealthWatch, Reflection,
        };
        use Rpc::{ReflectionAlpha, StopJob, StreamOutput, WaitJob, WatchJobs, WriteStdin};
        let streams =
            matches!(self, WaitJob | WatchJobs | StreamOutput | Attach | HealthWatch | Reflection | ReflectionAlpha);
        // For a grace, or for a job that does not read.
        let jobs = matches!(
            self,
            StopJob | BatchStopJobs | DeleteJob | WriteStdin | Drain | CompatStop | CompatSubscribeOutput
        );
        streams || jobs
    }
}

/// Whose jobs a call reaches. To whoever asks for a job beyond his reach it is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The caller's own.
    Own,
    /// Everybody's.
    All,
}

/// A call that was not let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The role is too small for it.
    #[error("{rpc} needs the role {needed}, and the caller is {role}{way}", way = way(*.rpc))]
    Role {
        /// What was called.
        rpc: Rpc,
        /// The caller's.
        role: Role,
        /// The least that may call it.
        needed: Role,
    },
    /// The daemon has no such call.
    #[error("the daemon has no such call")]
    Unknown,
}

/// What else than another role would let a call through.
fn way(rpc: Rpc) -> &'static str {
    if rpc.about() == About::Output { "; viewer_output in the daemon's policy lets viewers read output" } else { "" }
}

impl fmt::Display for Rpc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Whose jobs a caller of this role reaches by this call.
///
/// # Errors
/// When the role may not make it at all.
pub fn reach(role: Role, rpc: Rpc, policy: &Policy) -> Result<Reach, Denied> {
    let needs = |needed| Err(Denied::Role { rpc, role, needed });
    match (role, rpc.about()) {
        (Role::Admin, _) => Ok(Reach::All),
        (Role::Operator, About::State | About::Output | About::Jobs | About::Daemon) => Ok(Reach::Own),
        (Role::Viewer, About::State | About::Daemon) => Ok(Reach::All),
        (Role::Viewer, About::Output) if policy.viewer_output => Ok(Reach::All),
        (Role::Viewer, About::Output | About::Jobs) => needs(Role::Operator),
        (Role::Viewer | Role::Operator, About::House) => needs(Role::Admin),
    }
}

/// The same for a path as it arrived.
///
/// # Errors
/// When the role may not make the call, or there is none of that path.
pub fn reach_path(role: Role, path: &str, policy: &Policy) -> Result<(Rpc, Reach), Denied> {
    let rpc = Rpc::of_path(path).ok_or(Denied::Unknown)?;
    Ok((rpc, reach(role, rpc, policy)?))
}

#[cfg(test)]
mod tests;
