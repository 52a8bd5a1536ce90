//! In front of every service: whoever calls is known and may, before any handler runs; and every call can be ended.

mod body;
mod refusals;

use self::body::Watched;
use super::audit::{About, Entry};
use super::authz::{self, Rpc};
use super::limits::Limits;
use super::policy::Policy;
use super::stop::Stop;
use super::wire::Caller;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::timeout;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::codegen::http::{Request, Response};
use tonic::service::Routes;
use tonic::{Code, Status};

/// The services behind the gate.
#[derive(Debug, Clone)]
pub struct Gate {
    routes: Routes,
    policy: Arc<Policy>,
    call: Duration,
    stop: Stop,
}

impl Gate {
    /// Puts it in front of these.
    pub fn new(routes: Routes, policy: Arc<Policy>, limits: &Limits, stop: Stop) -> Self {
        Self { routes: routes.prepare(), policy, call: limits.call, stop }
    }

    /// Whether a call is let through. Its handler is told by which [`Connection`](super::peer::Connection).
    fn admit(&self, caller: &Caller, request: &mut Request<Body>) -> Result<Rpc, Status> {
        let connection = caller.who.as_ref().map_err(refusals::unfit)?;
        let path = request.uri().path();
        let (rpc, _) = authz::reach_path(connection.peer.role, path, &self.policy).map_err(refusals::denied)?;
        if self.stop.is_asked() {
            return Err(refusals::ends());
        }
        request.extensions_mut().insert(connection.clone());
        Ok(rpc)
    }
}

impl Service<Request<Body>> for Gate {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request<Body>>::poll_ready(&mut self.routes, cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let Some(caller) = request.extensions_mut().remove::<Caller>() else {
            // Cannot be: every connection is a wire.
            return Box::pin(async { Ok(Status::internal("the connection has no caller").into_http()) });
        };
        let peer = caller.who.as_ref().ok().map(|connection| Arc::clone(&connection.peer));
        let known = Rpc::of_path(request.uri().path());
        let mut entry = known.filter(|rpc| rpc.mutates()).map(|rpc| Entry::new(peer, Arc::clone(&caller.from), rpc));
        let rpc = match self.admit(&caller, &mut request) {
            Ok(rpc) => rpc,
            Err(status) => {
                if let Some(entry) = &mut entry {
                    entry.code(status.code());
                }
                return Box::pin(async { Ok(status.into_http()) });
            }
        };
        let busy = caller.calls.begin();
        let answer = self.routes.call(request);
        let (stop, within) = (self.stop.clone(), self.call);
        Box::pin(async move {
            let response = if rpc.waits() {
                tokio::select! {
                    response = answer => response?,
                    () = stop.asked() => refusals::ends().into_http(),
                }
            } else {
                match timeout(within, answer).await {
                    Ok(response) => response?,
                    Err(_) => Status::deadline_exceeded(format!("the call took longer than {within:?}")).into_http(),
                }
            };
            Ok(watched(response, entry, busy, stop))
        })
    }
}

/// An answer that is followed to its end.
fn watched(mut response: Response<Body>, entry: Option<Entry>, busy: super::wire::Busy, stop: Stop) -> Response<Body> {
    let about = response.extensions_mut().remove::<About>();
    // An answer of nothing but an error has its code among the headers.
    let mut status = Status::from_header_map(response.headers());
    if let Some(large) = status.as_ref().and_then(refusals::too_large) {
        response = large.clone().into_http();
        status = Some(large);
    }
    let code = status.map(|status| status.code());
    let entry = entry.map(|mut entry| {
        entry.about(about);
        code.into_iter().for_each(|code: Code| entry.code(code));
        entry
    });
    response.map(|inner| Body::new(Watched::new(inner, entry, busy, stop)))
}
