//! What the tests of the daemon's doors share: an authority that issues certificates of every kind, a server behind whose
//! gate nothing but health is, and clients.
#![allow(dead_code, reason = "each file of tests uses a part")]

use ironcell::rpc::connect::{self, ConnectError, Target};
use ironcell::rpc::limits::Limits;
use ironcell::rpc::listen::remote::Remote;
use ironcell::rpc::serve::{Doors, serve};
use ironcell::rpc::stop::Switch;
use ironcell::rpc::tls::client;
use ironcell::rpc::tls::keys::{Keys, Paths};
use ironcell::rpc::wire::Terms;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose as Usage, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber,
};
use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tonic::transport::Channel;
use tonic::{Status, Streaming};
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_health::server::{HealthReporter, health_reporter};

/// More than any step takes, on the slowest machine.
pub const PATIENCE: Duration = Duration::from_secs(30);
pub const HOUR: Duration = Duration::from_secs(3600);
/// The one that the lists of these tests revoke.
pub const REVOKED: u64 = 13;

/// What is to be in a certificate.
pub struct Wanted<'a> {
    pub name: &'a str,
    pub units: &'a [&'a str],
    pub usages: &'a [Usage],
    pub from: SystemTime,
    pub until: SystemTime,
    pub serial: u64,
    pub authority: bool,
}

impl Default for Wanted<'_> {
    fn default() -> Self {
        let now = SystemTime::now();
        let usages = &[Usage::ClientAuth];
        let units = &["operator"];
        Self { name: "alice", units, usages, from: now - HOUR, until: now + HOUR, serial: 7, authority: false }
    }
}

impl Wanted<'_> {
    fn params(&self) -> CertificateParams {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, self.name);
        // rcgen keeps one attribute of a kind; the second OU is one by its number.
        let kinds = [DnType::OrganizationalUnitName, DnType::CustomDnType(vec![2, 5, 4, 11])];
        assert!(self.units.len() <= kinds.len());
        for (kind, unit) in kinds.into_iter().zip(self.units) {
            params.distinguished_name.push(kind, *unit);
        }
        params.serial_number = Some(SerialNumber::from(self.serial));
        (params.not_before, params.not_after) = (self.from.into(), self.until.into());
        params.extended_key_usages = self.usages.to_vec();
        params.is_ca = if self.authority { IsCa::Ca(BasicConstraints::Unconstrained) } else { IsCa::ExplicitNoCa };
        params
    }

    /// Signed by its own key.
    pub fn self_signed(&self, dir: &Path, file: &str) -> client::Paths {
        let key = KeyPair::generate().expect("a key");
        files(dir, file, &self.params().self_signed(&key).expect("signed").pem(), &key)
    }
}

/// An authority.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = Wanted { name, usages: &[], authority: true, ..Wanted::default() }.params();
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("signed"))
    }

    /// A certificate and its key, in files of this name.
    pub fn issue(&self, dir: &Path, file: &str, wanted: &Wanted) -> client::Paths {
        let key = KeyPair::generate().expect("a key");
        files(dir, file, &wanted.params().signed_by(&key, &self.0).expect("signed").pem(), &key)
    }

    /// The list of what it revoked.
    pub fn revoke(&self, path: &Path, serials: &[u64], until: SystemTime) {
        let now = SystemTime::now();
        let revoked = |serial: &u64| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: (now - HOUR).into(),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: (now - HOUR).into(),
            next_update: until.into(),
            crl_number: SerialNumber::from(1u64),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        write(path, &list.signed_by(&self.0).expect("signed").pem().expect("text"));
    }

    /// Its own certificate.
    pub fn show(&self, path: &Path) {
        write(path, &self.0.pem());
    }
}

fn files(dir: &Path, file: &str, certificate: &str, key: &KeyPair) -> client::Paths {
    let path = |end: &str| dir.join(format!("{file}.{end}"));
    write(&path("crt"), certificate);
    write(&path("key"), &key.serialize_pem());
    client::Paths { cert: path("crt"), key: path("key"), ca: dir.join("ca.crt") }
}

fn write(path: &Path, text: &str) {
    let _ = fs::remove_file(path);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).expect("made");
    file.write_all(text.as_bytes()).expect("written");
}

/// A server in this process, and the authority that it and its clients trust.
pub struct Server {
    pub dir: TempDir,
    pub authority: Authority,
    pub keys: Keys,
    pub address: SocketAddr,
    pub health: HealthReporter,
    pub switch: Switch,
    pub done: JoinHandle<()>,
    pub terms: Terms,
}

impl Server {
    pub async fn start(limits: Limits) -> Self {
        let (health, service) = health_reporter();
        Self::serving(limits, health, tonic::service::Routes::new(service)).await
    }

    /// The same with other services.
    pub async fn serving(limits: Limits, health: HealthReporter, routes: tonic::service::Routes) -> Self {
        let dir = TempDir::new().expect("a directory");
        let authority = Authority::new("the authority");
        authority.show(&dir.path().join("ca.crt"));
        authority.revoke(&dir.path().join("ca.crl"), &[REVOKED], SystemTime::now() + HOUR);
        let own = Wanted { name: "the daemon", units: &[], usages: &[Usage::ServerAuth], ..Wanted::default() };
        let own = authority.issue(dir.path(), "daemon", &own);
        let crl = Some(dir.path().join("ca.crl"));
        let keys = Keys::read(Paths { cert: own.cert, key: own.key, client_ca: own.ca, crl }).expect("keys");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("a port");
        let (switch, stop) = Switch::new();
        let doors = Doors { remote: Some(Remote { listener, keys: keys.clone() }), local: None };
        let terms = Terms { live: limits.into(), metrics: Arc::default(), stop };
        let done = tokio::spawn(serve(doors, routes, terms.clone()));
        Self { dir, authority, keys, address, health, switch, done, terms }
    }

    /// A path in its directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A client's certificate of its authority.
    pub fn client(&self, file: &str, wanted: &Wanted) -> client::Paths {
        self.authority.issue(self.dir.path(), file, wanted)
    }

    /// A connection with these.
    pub async fn connect(&self, paths: &client::Paths) -> Result<Health, ConnectError> {
        let name = Some("localhost".to_owned());
        let target = Target::Tls { address: self.address.to_string(), name, paths: paths.clone() };
        timeout(PATIENCE, connect::connect(&target)).await.expect("in time").map(Health::new)
    }

    /// What a client with these is told in place of an answer.
    pub async fn refusal(&self, paths: &client::Paths) -> String {
        let mut client = match self.connect(paths).await {
            Ok(client) => client,
            Err(error) => return error.to_string(),
        };
        let status = client.check().await.expect_err("no answer");
        connect::refusal(&status).unwrap_or_else(|| format!("{:?} {}", status.code(), status.message()))
    }
}

/// A client of the one service that there is.
#[derive(Clone)]
pub struct Health(pub HealthClient<Channel>);

impl Health {
    pub fn new(channel: Channel) -> Self {
        Self(HealthClient::new(channel))
    }

    pub async fn check(&mut self) -> Result<HealthCheckResponse, Status> {
        let request = HealthCheckRequest { service: String::new() };
        timeout(PATIENCE, self.0.check(request)).await.expect("in time").map(tonic::Response::into_inner)
    }

    /// A stream, with its first answer read.
    pub async fn watch(&mut self) -> Result<Streaming<HealthCheckResponse>, Status> {
        let request = HealthCheckRequest { service: String::new() };
        let mut stream = timeout(PATIENCE, self.0.watch(request)).await.expect("in time")?.into_inner();
        let first = timeout(PATIENCE, stream.message()).await.expect("in time")?;
        assert!(first.is_some());
        Ok(stream)
    }
}

/// The end of a stream: none of the messages before it counts.
pub async fn end_of(mut stream: Streaming<HealthCheckResponse>) -> Result<(), Status> {
    timeout(PATIENCE, async {
        while stream.message().await?.is_some() {}
        Ok(())
    })
    .await
    .expect("it ends in time")
}
