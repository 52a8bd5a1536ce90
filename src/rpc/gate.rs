//! In front of every service: whoever calls is known and may, before any handler runs; every call can be ended, and each is
//! counted and, if it changes anything, written down.

mod asked;
mod body;
mod deadline;
mod record;
mod refusals;

use self::body::Watched;
use self::record::Record;
use super::audit::{Entry, Subject};
use super::authz::{self, Rpc};
use super::wire::{Busy, Caller, Terms};
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::timeout;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::codegen::http::{Request, Response};
use tonic::service::Routes;

/// The services behind the gate.
#[derive(Debug, Clone)]
pub struct Gate {
    routes: Routes,
    terms: Terms,
}

impl Gate {
    /// Puts it in front of these.
    pub fn new(routes: Routes, terms: Terms) -> Self {
        Self { routes: routes.prepare(), terms }
    }

    /// Whether a call is let through. Its handler is told by which [`Connection`](super::peer::Connection).
    fn admit(&self, caller: &Caller, request: &mut Request<Body>) -> Result<Rpc, Status> {
        let connection = caller.who.as_ref().map_err(refusals::unfit)?;
        let path = request.uri().path();
        let policy = &self.terms.live.now().policy;
        let (rpc, _) = authz::reach_path(connection.peer.role, path, policy).map_err(refusals::denied)?;
        if self.terms.stop.is_asked() {
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
        let (known, subject) = (Rpc::of_path(request.uri().path()), Subject::default());
        let entry = known.filter(|rpc| rpc.mutates());
        let entry = entry.map(|rpc| Entry::new(peer, Arc::clone(&caller.from), rpc, subject.clone()));
        let mut record = Record { entry, call: self.terms.metrics.call(known) };
        let busy = caller.calls.begin();
        let rpc = match self.admit(&caller, &mut request) {
            Ok(rpc) => rpc,
            Err(status) => {
                record.code(status.code());
                return Box::pin(async move {
                    // Nobody is let through for it: it is looked at for the audit log alone.
                    if let Some(rpc) = known.filter(|_| record.entry.is_some()) {
                        asked::look(rpc, request.into_body(), &subject).await;
                    }
                    drop((record, busy));
                    Ok(status.into_http())
                });
            }
        };
        let said = deadline::said(request.headers());
        request.extensions_mut().insert(subject);
        let (answer, stop) = (self.routes.call(request), self.terms.stop.clone());
        let within = match rpc.waits() {
            true => said,
            false => Some(said.unwrap_or(Duration::MAX).min(self.terms.live.now().limits.call)),
        };
        Box::pin(async move {
            let ended = async {
                match rpc.waits() {
                    true => stop.asked().await,
                    false => std::future::pending().await,
                }
            };
            let answered = async {
                tokio::select! {
                    response = answer => response,
                    () = ended => Ok(refusals::ends().into_http()),
                }
            };
            let response = bounded(within, answered).await?;
            Ok(watched(response, record, busy, stop))
        })
    }
}

/// An answer that comes in its time, or that it did not.
async fn bounded(
    within: Option<Duration>,
    answered: impl Future<Output = Result<Response<Body>, Infallible>>,
) -> Result<Response<Body>, Infallible> {
    let Some(within) = within else { return answered.await };
    match timeout(within, answered).await {
        Ok(response) => response,
        Err(_) => Ok(Status::deadline_exceeded(format!("the call took longer than {within:?}")).into_http()),
    }
}

/// An answer that is followed to its end.
fn watched(mut response: Response<Body>, mut record: Record, busy: Busy, stop: super::stop::Stop) -> Response<Body> {
    // An answer of nothing but an error has its code among the headers.
    let mut status = Status::from_header_map(response.headers());
    if let Some(large) = status.as_ref().and_then(refusals::too_large) {
        response = large.clone().into_http();
        status = Some(large);
    }
    status.into_iter().for_each(|status: Status| record.code(status.code()));
    response.map(|inner| Body::new(Watched::new(inner, record, busy, stop)))
}
