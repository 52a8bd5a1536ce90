//! Who calls, and what he reaches.

use super::Daemon;
use super::reach::Reach;
use crate::rpc::errors::{Reason, Told};
use crate::rpc::peer::{Connection, Role};
use crate::spec::JobId;
use tonic::{Request, Status};

/// What a call is about. The transport has asked already whether the caller may; this holds where it was not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// The state of jobs and of the daemon.
    See,
    /// What jobs write.
    Output,
    /// Anything that changes a job.
    Do,
    /// The daemon itself.
    Rule,
}

/// A caller who may.
#[derive(Debug)]
pub struct Caller {
    /// By which connection.
    pub connection: Connection,
    /// The jobs that he reaches.
    pub reach: Reach,
}

impl Caller {
    /// The caller of a request.
    pub fn of<T>(daemon: &Daemon, request: &Request<T>, right: Right) -> Result<Self, Status> {
        let connection = request.extensions().get::<Connection>().cloned();
        let unknown = || Told::new(Reason::NotAuthenticated, "nobody is known to call: the connection has no identity");
        let connection = connection.ok_or_else(unknown)?;
        let role = connection.peer.role;
        let needed = match right {
            Right::See => Role::Viewer,
            Right::Output if daemon.settings.viewer_output => Role::Viewer,
            Right::Output | Right::Do => Role::Operator,
            Right::Rule => Role::Admin,
        };
        if role < needed {
            let said = format!("this needs the role {needed}, and {} is {role}", connection.peer.name);
            return Err(Told::new(Reason::RoleRequired, said).with("role", role).with("needed", needed).into());
        }
        let reach = match role {
            Role::Operator => Reach::Own(daemon.supervisor.jobs_of(connection.peer.owner.clone())),
            Role::Admin | Role::Viewer => Reach::All(daemon.supervisor.all_jobs()),
        };
        Ok(Self { connection, reach })
    }

    /// The job that is meant.
    pub fn find(&self, said: &str) -> Result<JobId, Status> {
        self.reach.find(said).map_err(Status::from)
    }
}
