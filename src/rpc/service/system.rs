//! `ironcell.v1.SystemService`: the daemon itself.

use super::batch::{ANSWER_BYTES, ITEMS_MOST, count, fitting};
use super::caller::Caller;
use super::{Served, ShutdownAsk};
use crate::rpc::authz::Rpc;
use crate::rpc::convert;
use crate::rpc::errors::{Reason, Told, status};
use crate::rpc::proto::system_service_server::SystemService;
use crate::rpc::proto::{
    Check, DrainRequest, DrainResponse, GetServerInfoRequest, Principal, ReconcileRequest, ReconcileResponse,
    ServerInfo, ShutdownRequest, ShutdownResponse, WhoAmIRequest,
};
use crate::supervise::Error;
use crate::supervise::doctor::{State, examine};
use std::sync::Arc;
use tonic::{Request, Response, Status};

#[tonic::async_trait]
impl SystemService for Served {
    async fn get_server_info(&self, request: Request<GetServerInfoRequest>) -> Result<Response<ServerInfo>, Status> {
        let caller = Caller::of(&self.0, &request, Rpc::GetServerInfo)?;
        let (running, ended) = caller.reach.counts();
        // It reads files, and what it finds stays so: once is enough, whoever asks how often.
        let look = || async { tokio::task::spawn_blocking(checks).await.map_err(|_| status(Error::RuntimeEnded)) };
        let checks = self.0.checks.get_or_try_init(look).await?;
        Ok(Response::new(ServerInfo {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            start_time: convert::timestamp(self.0.started),
            jobs_running: u32::try_from(running).unwrap_or(u32::MAX),
            jobs_ended: u32::try_from(ended).unwrap_or(u32::MAX),
            draining: self.0.is_draining(),
            checks: checks.clone(),
        }))
    }

    async fn who_am_i(&self, request: Request<WhoAmIRequest>) -> Result<Response<Principal>, Status> {
        let peer = Caller::of(&self.0, &request, Rpc::WhoAmI)?.connection.peer;
        Ok(Response::new(Principal {
            owner: peer.owner.to_string(),
            name: peer.name.clone(),
            role: peer.role.word().to_owned(),
            fingerprint: peer.fingerprint.clone(),
        }))
    }

    async fn reconcile(&self, request: Request<ReconcileRequest>) -> Result<Response<ReconcileResponse>, Status> {
        Caller::of(&self.0, &request, Rpc::Reconcile)?;
        let (daemon, dry_run) = (Arc::clone(&self.0), request.into_inner().dry_run);
        // It waits for what it has killed.
        let look = move || if dry_run { daemon.supervisor.leftovers() } else { daemon.supervisor.sweep_named() };
        let cells = tokio::task::spawn_blocking(look).await.map_err(|_| status(Error::RuntimeEnded))?;
        let cells = cells.map_err(status)?;
        Ok(Response::new(ReconcileResponse { found: u32::try_from(cells.len()).unwrap_or(u32::MAX), cells }))
    }

    async fn drain(&self, request: Request<DrainRequest>) -> Result<Response<DrainResponse>, Status> {
        let caller = Caller::of(&self.0, &request, Rpc::Drain)?;
        self.0.drain(!request.into_inner().cancel);
        let mut running = caller.reach.list(None)?;
        running.retain(|info| info.status.is_running());
        let jobs = fitting(running.iter().map(convert::job), ITEMS_MOST, ANSWER_BYTES);
        Ok(Response::new(DrainResponse { left_out: count(running.len() - jobs.len()), jobs }))
    }

    async fn shutdown(&self, request: Request<ShutdownRequest>) -> Result<Response<ShutdownResponse>, Status> {
        Caller::of(&self.0, &request, Rpc::Shutdown)?;
        let ShutdownRequest { grace, leave_jobs } = request.into_inner();
        let grace = grace.as_ref().map(|grace| convert::time("grace", grace)).transpose().map_err(status)?;
        let shutdown = &self.0.settings.shutdown;
        if shutdown.receiver_count() == 0 {
            let said = "nobody here ends the daemon; end it as it was started";
            return Err(Told::new(Reason::Unsupported, said).into());
        }
        self.0.drain(true);
        shutdown.send_replace(Some(ShutdownAsk { grace, leave_jobs }));
        Ok(Response::new(ShutdownResponse {}))
    }
}

/// What this host can and cannot do.
fn checks() -> Vec<Check> {
    let check = |check: crate::supervise::doctor::Check| Check {
        item: check.item,
        state: word(check.state).to_owned(),
        found: check.found,
        remedy: check.remedy.unwrap_or_default(),
    };
    examine().into_iter().map(check).collect()
}

fn word(state: State) -> &'static str {
    match state {
        State::Good => "good",
        State::Limited => "limited",
        State::Missing => "missing",
    }
}
