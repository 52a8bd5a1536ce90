//! A daemon of a test's own, its callers, and what every test asks of them.

use ironcell::life::Outcome;
use ironcell::rpc::client::Client;
use ironcell::rpc::convert::outcome_of;
use ironcell::rpc::errors::reason_of;
use ironcell::rpc::peer::{Connection, Open, Peer, Role};
use ironcell::rpc::proto::output_frame::Frame;
use ironcell::rpc::proto::{
    Ended, GetJobRequest, Job, JobSpec, OutputFrame, StartJobRequest, StreamOutputRequest, WaitJobRequest, stdin,
};
use ironcell::rpc::service::{Settings, routes};
use ironcell::spec::Owner;
use ironcell::supervise::{Backend, Bounds, Mock, Script, Supervisor};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::Connected;
use tonic::{Response, Status, Streaming};

/// Nothing here takes so long.
const WITHIN: Duration = Duration::from_secs(60);

/// A test in a runtime of its own.
pub fn run(work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async { tokio::time::timeout(WITHIN, work).await.expect("it does not hang") });
}

/// A daemon.
pub struct Daemon {
    routes: Routes,
    dir: tempfile::TempDir,
    sockets: AtomicUsize,
    pub supervisor: Arc<Supervisor>,
}

impl Daemon {
    /// Over plain processes.
    pub async fn plain() -> Self {
        Self::of(Supervisor::with_backend(Backend::Plain, Bounds::default()), Settings::default()).await
    }

    /// Over scripts.
    pub async fn mocked(scripts: impl IntoIterator<Item = Script>) -> (Self, Mock) {
        let mock = Mock::default();
        scripts.into_iter().for_each(|script| mock.expect(script));
        let supervisor = Supervisor::with_backend(Backend::Mock(mock.clone()), Bounds::default());
        (Self::of(supervisor, Settings::default()).await, mock)
    }

    pub async fn of(supervisor: Supervisor, settings: Settings) -> Self {
        let supervisor = Arc::new(supervisor);
        let routes = routes(Arc::clone(&supervisor), settings).await;
        let dir = tempfile::tempdir().expect("a directory");
        Self { routes, dir, sockets: AtomicUsize::new(0), supervisor }
    }

    /// A caller of this name and role, by a connection of his own.
    pub async fn caller(&self, name: &str, role: Role) -> Client {
        let path = self.socket(name, role);
        Client::local(&path).await.expect("it answers")
    }

    /// The one who may do everything.
    pub async fn admin(&self) -> Client {
        self.caller("uid:0", Role::Admin).await
    }

    pub async fn operator(&self, name: &str) -> Client {
        self.caller(name, Role::Operator).await
    }

    pub async fn viewer(&self) -> Client {
        self.caller("eve", Role::Viewer).await
    }

    /// A socket on which everybody is this one.
    pub fn socket(&self, name: &str, role: Role) -> std::path::PathBuf {
        let path = self.dir.path().join(self.sockets.fetch_add(1, Ordering::Relaxed).to_string());
        let listener = UnixListener::bind(&path).expect("bound");
        let (connected, incoming) = mpsc::channel::<io::Result<Wire>>(1);
        let name = name.to_owned();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let owner = Owner::new(&name).expect("a word");
                let peer = Peer { owner, name: name.clone(), role, fingerprint: String::new() };
                let (connection, open) = Connection::new(peer);
                if connected.send(Ok(Wire { stream, connection, _open: open })).await.is_err() {
                    return;
                }
            }
        });
        let serving =
            Server::builder().add_routes(self.routes.clone()).serve_with_incoming(ReceiverStream::new(incoming));
        tokio::spawn(serving);
        path
    }
}

/// A connection that knows who is at its other end.
struct Wire {
    stream: UnixStream,
    connection: Connection,
    _open: Open,
}

impl Connected for Wire {
    type ConnectInfo = Connection;

    fn connect_info(&self) -> Connection {
        self.connection.clone()
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, to)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// A description with this command.
pub fn argv<const N: usize>(argv: [&str; N]) -> JobSpec {
    JobSpec { argv: argv.iter().map(|arg| arg.as_bytes().to_vec()).collect(), ..Default::default() }
}

/// A description of a line for /bin/sh.
pub fn shell(script: &str) -> JobSpec {
    argv(["/bin/sh", "-c", script])
}

/// The same with an input to write to.
pub fn reading(spec: JobSpec) -> JobSpec {
    JobSpec { stdin: Some(ironcell::rpc::proto::Stdin { from: Some(stdin::From::Pipe(true)) }), ..spec }
}

/// Starts a job.
pub async fn start(client: &mut Client, spec: JobSpec) -> Job {
    try_start(client, spec).await.expect("started")
}

pub async fn try_start(client: &mut Client, spec: JobSpec) -> Result<Job, Status> {
    let request = StartJobRequest { spec: Some(spec), ..Default::default() };
    client.jobs.start_job(request).await.map(|started| started.into_inner().job.expect("a job"))
}

pub async fn get(client: &mut Client, id: &str) -> Result<Job, Status> {
    client.jobs.get_job(GetJobRequest { id: id.to_owned() }).await.map(Response::into_inner)
}

/// The end of a job.
pub async fn wait(client: &mut Client, id: &str) -> Outcome {
    let request = WaitJobRequest { id: id.to_owned(), timeout: None };
    let job = client.jobs.wait_job(request).await.expect("it ends").into_inner();
    outcome_of(&job.outcome.expect("an end"))
}

/// A stream of output.
pub async fn output(client: &mut Client, request: StreamOutputRequest) -> Streaming<OutputFrame> {
    client.jobs.stream_output(request).await.expect("a stream").into_inner()
}

/// All of a job's output, to its end.
pub fn following(id: &str) -> StreamOutputRequest {
    StreamOutputRequest { id: id.to_owned(), follow: true, ..Default::default() }
}

/// Everything that a stream told.
#[derive(Debug, Default)]
pub struct Told {
    pub bytes: Vec<u8>,
    /// Offset and length of each chunk.
    pub chunks: Vec<(u64, usize)>,
    pub gaps: Vec<(u64, u64)>,
    pub ends: Vec<Ended>,
    /// Whether anything came after the end.
    pub after: bool,
    pub others: Vec<Frame>,
}

impl Told {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub fn frame(&mut self, frame: OutputFrame) {
        self.after |= !self.ends.is_empty();
        match frame.frame.expect("a frame") {
            Frame::Chunk(chunk) => {
                self.chunks.push((chunk.offset, chunk.data.len()));
                self.bytes.extend_from_slice(&chunk.data);
            }
            Frame::Gap(gap) => self.gaps.push((gap.from, gap.to)),
            Frame::Ended(ended) => self.ends.push(ended),
            other => self.others.push(other),
        }
    }
}

/// Reads a stream to its end.
pub async fn all(mut frames: Streaming<OutputFrame>) -> Told {
    let mut told = Told::default();
    while let Some(frame) = frames.message().await.expect("no error") {
        told.frame(frame);
    }
    told
}

/// The reason of a refusal.
pub fn reason<T: std::fmt::Debug>(answer: Result<T, Status>) -> String {
    let status = answer.expect_err("refused");
    reason_of(&status).unwrap_or_else(|| panic!("no reason: {status:?}"))
}
