//! Who calls, and what he reaches.

use super::Daemon;
use super::reach::Reach;
use crate::rpc::audit::Subject;
use crate::rpc::authz::{self, Rpc};
use crate::rpc::errors::{Reason, Told, status};
use crate::rpc::peer::Connection;
use crate::spec::JobId;
use tonic::{Request, Status};

/// A caller who may.
#[derive(Debug)]
pub struct Caller {
    /// By which connection.
    pub connection: Connection,
    /// The jobs that he reaches.
    pub reach: Reach,
    /// The job that the call is about, as far as it is known: for the audit log.
    pub subject: Subject,
}

impl Caller {
    /// The caller of a request. Whether he may was asked by the transport already; it is asked here as well, since whose
    /// jobs he reaches follows from it.
    pub fn of<T>(daemon: &Daemon, request: &Request<T>, rpc: Rpc) -> Result<Self, Status> {
        let connection = request.extensions().get::<Connection>().cloned();
        let unknown = || Told::new(Reason::NotAuthenticated, "nobody is known to call: the connection has no identity");
        let connection = connection.ok_or_else(unknown)?;
        let reach = match authz::reach(connection.peer.role, rpc, &daemon.settings.live.now().policy).map_err(status)? {
            authz::Reach::Own => Reach::Own(daemon.supervisor.jobs_of(connection.peer.owner.clone())),
            authz::Reach::All => Reach::All(daemon.supervisor.all_jobs()),
        };
        // The gate's, where there is one.
        let subject = request.extensions().get::<Subject>().cloned().unwrap_or_default();
        Ok(Self { connection, reach, subject })
    }

    /// The job that is meant.
    pub fn find(&self, said: &str) -> Result<JobId, Told> {
        self.subject.asked(said);
        let id = self.reach.find(said)?;
        self.subject.is(id);
        Ok(id)
    }
}
