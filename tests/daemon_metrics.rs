//! What the daemon counts, as whoever scrapes it reads it: over real HTTP, and line by line.
#![cfg(feature = "daemon")]

use ironcell::rpc::client::Client;
use ironcell::rpc::listen::local::Local;
use ironcell::rpc::listen::socket::Socket;
use ironcell::rpc::metrics::Metrics;
use ironcell::rpc::metrics::http::{Page, Window};
use ironcell::rpc::metrics::page::page;
use ironcell::rpc::proto::output_frame::Frame;
use ironcell::rpc::proto::{
    GetJobRequest, JobSpec, StartJobRequest, StopJobRequest, StreamOutputRequest, WaitJobRequest,
};
use ironcell::rpc::serve::{Doors, serve};
use ironcell::rpc::service::{Settings, routes};
use ironcell::rpc::stop::Switch;
use ironcell::rpc::wire::Terms;
use ironcell::supervise::{Backend, Bounds, Supervisor};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::time::timeout;

/// More than any step takes, on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(30);
const GET: &str = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// A daemon over plain processes, reached by its socket, and its page at a port.
struct House {
    dir: tempfile::TempDir,
    client: Client,
    port: SocketAddr,
    page: Page,
    _switch: Switch,
}

impl House {
    async fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let supervisor = Arc::new(Supervisor::with_backend(Backend::Plain, Bounds::default()));
        let (metrics, (switch, stop)) = (Arc::<Metrics>::default(), Switch::new());
        let settings = Settings { metrics: Arc::clone(&metrics), ..Settings::default() };
        let routes = routes(Arc::clone(&supervisor), settings).await;
        let socket = dir.path().join("d.sock");
        let doors = Doors { remote: None, local: Some(Local::bind(&socket).expect("bound")) };
        let terms = Terms { live: Default::default(), metrics: Arc::clone(&metrics), stop };
        tokio::spawn(serve(doors, routes, terms));
        let page: Page = Arc::new(move || page(&metrics, &supervisor));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("a port");
        tokio::spawn(Window::Port(listener).show(Arc::clone(&page)));
        let client = Client::local(&socket).await.expect("it answers");
        Self { dir, client, port, page, _switch: switch }
    }

    /// What is answered to these bytes, to its end.
    async fn said(&self, bytes: &[u8]) -> String {
        exchange(TcpStream::connect(self.port).await.expect("connected"), bytes).await
    }

    /// All samples, each line held to the format.
    async fn scraped(&self) -> BTreeMap<String, f64> {
        let said = self.said(GET.as_bytes()).await;
        let (head, body) = said.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        assert!(head.contains("content-type: text/plain; version=0.0.4; charset=utf-8"), "{head}");
        parsed(body)
    }

    async fn start(&mut self, argv: &[&str]) -> Result<String, tonic::Status> {
        let argv = argv.iter().map(|word| word.as_bytes().to_vec()).collect();
        let spec = Some(JobSpec { argv, ..JobSpec::default() });
        let answer = self.client.jobs.start_job(StartJobRequest { spec, ..StartJobRequest::default() }).await?;
        Ok(answer.into_inner().job.expect("a job").id)
    }
}

async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, bytes: &[u8]) -> String {
    // It may be closed before it has taken all.
    let _ = stream.write_all(bytes).await;
    let mut said = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut said)).await.expect("it is closed in time");
    String::from_utf8(said).expect("text")
}

/// The samples of a page: a family is begun once, by its HELP and its TYPE, its samples follow at once, each once.
fn parsed(page: &str) -> BTreeMap<String, f64> {
    assert!(page.ends_with('\n'));
    let (mut families, mut samples, mut family, mut kind) =
        (BTreeSet::new(), BTreeMap::new(), String::new(), String::new());
    for line in page.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            family = help.split_once(' ').expect("a sentence").0.to_owned();
            assert!(families.insert(family.clone()), "{family} is begun twice");
        } else if let Some(kinds) = line.strip_prefix("# TYPE ") {
            let (name, word) = kinds.split_once(' ').expect("a kind");
            assert!(name == family && ["counter", "gauge", "histogram"].contains(&word), "{line}");
            assert_eq!(word == "counter", name.ends_with("_total"), "{line}");
            kind = word.to_owned();
        } else {
            let (sample, value) = line.rsplit_once(' ').expect("a value");
            let (name, labels) = sample.split_once('{').map_or((sample, ""), |(name, rest)| (name, rest));
            let ends = if kind == "histogram" { &["_bucket", "_sum", "_count"][..] } else { &[""] };
            assert!(ends.iter().any(|end| format!("{family}{end}") == name), "{line} in {family}");
            assert!(labels.is_empty() || labels.ends_with("\"}"), "{line}");
            for label in labels.trim_end_matches('}').split(',').filter(|label| !label.is_empty()) {
                let (key, value) = label.split_once("=\"").expect("a label");
                assert!(key.bytes().all(|b| b.is_ascii_lowercase()) && value.ends_with('"'), "{line}");
                assert!(
                    ["door", "reason", "state", "cause", "exit", "why", "method", "code", "le", "version"]
                        .contains(&key)
                );
            }
            let value: f64 = value.parse().expect("a number");
            assert!(value >= 0.0 && samples.insert(sample.to_owned(), value).is_none(), "{line} comes twice");
        }
    }
    samples
}

#[tokio::test]
async fn what_is_done_is_counted_once_where_it_happens() {
    let mut house = House::new().await;
    let before = house.scraped().await;
    let id = house.start(&["sh", "-c", "printf 12345; exit 3"]).await.expect("started");
    let wait = |id: &str| WaitJobRequest { id: id.to_owned(), timeout: None };
    house.client.jobs.wait_job(wait(&id)).await.expect("it ends");
    let id = house.start(&["sleep", "1000"]).await.expect("started");
    house.client.jobs.stop_job(StopJobRequest { id, kill: true, ..Default::default() }).await.expect("stopped");
    house.start(&[]).await.expect_err("empty");
    house.start(&["/no/such/program"]).await.expect_err("none");
    house.client.jobs.get_job(GetJobRequest { id: "none".to_owned() }).await.expect_err("none");
    // The list hears of an end a moment after whoever waits for it.
    let now = timeout(PATIENCE, async {
        loop {
            let now = house.scraped().await;
            if now["ironcell_jobs{state=\"terminated\"}"] > 0.0 && now["ironcell_jobs{state=\"failed\"}"] > 0.0 {
                return now;
            }
        }
    })
    .await
    .expect("they end");
    let (job, rpcs) = ("ironcell.v1.JobService", "ironcell_rpcs_total");
    for (name, more) in [
        ("ironcell_jobs_started_total".to_owned(), 2.0),
        ("ironcell_jobs_ended_total{cause=\"itself\",exit=\"code\"}".to_owned(), 1.0),
        ("ironcell_jobs_ended_total{cause=\"stopped\",exit=\"signal\"}".to_owned(), 1.0),
        ("ironcell_jobs_ended_total{cause=\"lost\",exit=\"unknown\"}".to_owned(), 0.0),
        ("ironcell_starts_refused_total{reason=\"EMPTY_COMMAND\"}".to_owned(), 1.0),
        ("ironcell_starts_refused_total{reason=\"EXEC_FAILED\"}".to_owned(), 1.0),
        ("ironcell_output_bytes_total".to_owned(), 5.0),
        ("ironcell_connections_total{door=\"unix\"}".to_owned(), 0.0),
        (format!("{rpcs}{{method=\"{job}/StartJob\",code=\"OK\"}}"), 2.0),
        (format!("{rpcs}{{method=\"{job}/StartJob\",code=\"INVALID_ARGUMENT\"}}"), 1.0),
        (format!("{rpcs}{{method=\"{job}/StartJob\",code=\"FAILED_PRECONDITION\"}}"), 1.0),
        (format!("{rpcs}{{method=\"{job}/GetJob\",code=\"NOT_FOUND\"}}"), 1.0),
        (format!("ironcell_rpc_duration_seconds_count{{method=\"{job}/StartJob\"}}"), 4.0),
        (format!("ironcell_rpc_duration_seconds_bucket{{method=\"{job}/StartJob\",le=\"+Inf\"}}"), 4.0),
    ] {
        let moved = now.get(&name).unwrap_or_else(|| panic!("no {name}")) - before.get(&name).unwrap_or(&0.0);
        assert!((moved - more).abs() < 1e-9, "{name} moved by {moved}");
    }
    let text = (house.page)();
    assert!(!text.contains("sleep") && !text.contains("uid:") && !text.contains("no/such"), "nothing of a caller's");
    assert_eq!(now["ironcell_connections_open{door=\"unix\"}"], 1.0);
}

#[tokio::test]
async fn those_who_read_have_every_byte_whoever_else_has_stopped_and_each_is_counted_while_it_is_open() {
    const FOLLOWERS: usize = 40;
    let mut house = House::new().await;
    let id = house.start(&["sh", "-c", "sleep 1; seq 1 60000"]).await.expect("started");
    let expected: String = (1..=60_000).map(|number| format!("{number}\n")).collect();
    let follow = || StreamOutputRequest { id: id.clone(), follow: true, ..StreamOutputRequest::default() };
    let (mut stopped, mut reading) = (Vec::new(), Vec::new());
    for number in 0..FOLLOWERS {
        let mut client = Client::local(&house.dir.path().join("d.sock")).await.expect("connected");
        let mut stream = client.jobs.stream_output(follow()).await.expect("a stream").into_inner();
        if number % 10 == 0 {
            stopped.push((client, stream));
            continue;
        }
        reading.push(tokio::spawn(async move {
            let mut bytes = Vec::new();
            while let Some(frame) = stream.message().await.expect("no error") {
                match frame.frame.expect("a frame") {
                    Frame::Chunk(chunk) => bytes.extend(chunk.data),
                    Frame::Ended(_) => return bytes,
                    other => panic!("{other:?}"),
                }
            }
            panic!("no end")
        }));
    }
    assert_eq!(house.scraped().await["ironcell_streams_open"], FOLLOWERS as f64);
    for reader in reading {
        let bytes = timeout(PATIENCE, reader).await.expect("in time").expect("no panic");
        assert!(bytes == expected.as_bytes(), "{} of {} bytes", bytes.len(), expected.len());
    }
    drop(stopped);
    let gone = async {
        while house.scraped().await["ironcell_streams_open"] > 0.0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, gone).await.expect("who has gone is not counted any more");
}

#[tokio::test]
async fn bytes_that_are_no_request_do_no_harm() {
    let house = House::new().await;
    for (bytes, answer) in [
        (&b"GET /metrics/ HTTP/1.1\r\nHost: x\r\n\r\n"[..], "HTTP/1.1 404"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 404"),
        (b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nabcd", "HTTP/1.1 405"),
        (b"HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200"),
        (b"GET /metrics?x=\x01 HTTP/1.1\r\n\r\n", "HTTP/1.1 400"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", ""),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", "HTTP/1.1 400"),
        (b"\r\n\0\0\0\r\n\r\n", "HTTP/1.1 400"),
    ] {
        let said = house.said(bytes).await;
        assert!(said.starts_with(answer), "{}: {said}", String::from_utf8_lossy(bytes));
        assert!(!said.contains("ironcell_build_info"), "{}", String::from_utf8_lossy(bytes));
    }
    let long = format!("GET /metrics HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(1 << 20));
    assert!(!house.said(long.as_bytes()).await.contains("200 OK"));
    let many = format!("GET /metrics HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(500));
    assert!(!house.said(many.as_bytes()).await.contains("200 OK"));
    assert!(house.scraped().await.len() > 50);
}

#[tokio::test]
async fn one_that_says_nothing_is_cut_off_and_too_many_are_at_once() {
    let house = House::new().await;
    let mut silent = Vec::new();
    for _ in 0..8 {
        let mut stream = TcpStream::connect(house.port).await.expect("connected");
        stream.write_all(b"GET /met").await.expect("sent");
        silent.push(stream);
    }
    assert_eq!(house.said(GET.as_bytes()).await, "", "there is no room");
    for mut stream in silent {
        let mut said = Vec::new();
        let _ = timeout(PATIENCE, stream.read_to_end(&mut said)).await.expect("it is cut off");
        assert!(!String::from_utf8_lossy(&said).contains("200 OK"));
    }
    assert!(house.scraped().await.len() > 50);
}

#[tokio::test]
async fn a_socket_is_roots_alone_and_answers_the_same() {
    let house = House::new().await;
    let path = house.dir.path().join("m.sock");
    let window = Window::Socket(Socket::bind(&path).expect("bound"));
    let showing = tokio::spawn(window.show(Arc::clone(&house.page)));
    assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
    let said = exchange(UnixStream::connect(&path).await.expect("connected"), GET.as_bytes()).await;
    parsed(said.split_once("\r\n\r\n").expect("a body").1);
    showing.abort();
    let _ = showing.await;
    assert!(!path.exists(), "it goes with the daemon");
}
