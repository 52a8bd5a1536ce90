//! Who calls, and what he reaches.

use super::Daemon;
use super::reach::Reach;
use crate::rpc::authz::{self, Rpc};
use crate::rpc::errors::{Reason, Told, status};
use crate::rpc::peer::Connection;
use crate::spec::JobId;
use std::sync::{Arc, OnceLock};
use tonic::{Request, Status};

/// A caller who may.
#[derive(Debug)]
pub struct Caller {
    /// By which connection.
    pub connection: Connection,
    /// The jobs that he reaches.
    pub reach: Reach,
    /// The job that the call is about, once it is known: for the audit log.
    pub about: Arc<OnceLock<JobId>>,
}

impl Caller {
    /// The caller of a request. Whether he may was asked by the transport already; it is asked here as well, since whose
    /// jobs he reaches follows from it.
    pub fn of<T>(daemon: &Daemon, request: &Request<T>, rpc: Rpc) -> Result<Self, Status> {
        let connection = request.extensions().get::<Connection>().cloned();
        let unknown = || Told::new(Reason::NotAuthenticated, "nobody is known to call: the connection has no identity");
        let connection = connection.ok_or_else(unknown)?;
        let reach = match authz::reach(connection.peer.role, rpc, &daemon.settings.policy).map_err(status)? {
            authz::Reach::Own => Reach::Own(daemon.supervisor.jobs_of(connection.peer.owner.clone())),
            authz::Reach::All => Reach::All(daemon.supervisor.all_jobs()),
        };
        Ok(Self { connection, reach, about: Arc::default() })
    }

    /// The job that is meant.
    pub fn find(&self, said: &str) -> Result<JobId, Status> {
        let id = self.reach.find(said)?;
        self.is_about(id);
        Ok(id)
    }

    /// The call is about this job. Of many it is about none.
    pub fn is_about(&self, id: JobId) {
        // It is about one job, and the first that is named is it.
        let _ = self.about.set(id);
    }
}
