//! SIGHUP: the configuration is read anew with all that it names. What can be changed while the daemon serves is, for calls and
//! connections from then on; what cannot is told by its name. One thing that is of no use, and nothing changes.

use super::warm::keep_warm;
use crate::rpc::config::{Asked, Config, ConfigError, KEYS, Key};
use crate::rpc::live::Live;
use crate::rpc::tls::keys::{Current, Keys};
use crate::supervise::Supervisor;
use std::sync::Arc;

/// What a reload changes.
pub struct Reload {
    /// Where it was read, and is again.
    pub from: Asked,
    /// What the daemon was started with: what waits for the next start is as it says.
    pub begun: Config,
    pub live: Live,
    pub keys: Option<Keys>,
    pub supervisor: Arc<Supervisor>,
}

impl Reload {
    /// Reads everything anew.
    pub fn again(&self) {
        match self.read() {
            Err(error) => tracing::error!(%error, "nothing is changed: the old configuration and certificates stay"),
            Ok((config, current)) => {
                self.change(&config, current);
                let waiting: Vec<String> = waiting(&self.begun, &config).map(Key::full_name).collect();
                if !waiting.is_empty() {
                    let keys = waiting.join(", ");
                    tracing::warn!(
                        keys,
                        "these have changed in the configuration, and wait for a restart of the daemon"
                    );
                }
                tracing::info!("policy, limits, keys, certificates and revocation lists are reloaded");
            }
        }
    }

    /// All of it, before any of it is changed.
    fn read(&self) -> Result<(Config, Option<Current>), ConfigError> {
        let config = self.from.read()?;
        for warning in config.check()? {
            tracing::warn!("{}", warning.0);
        }
        let Some(keys) = &self.keys else { return Ok((config, None)) };
        // The files may have other names now. A port that is to go stays until the next start, with the old ones.
        let paths = config.remote()?.map_or_else(|| keys.paths().clone(), |(_, paths)| paths);
        let current = Current::read(&paths)?;
        Ok((config, Some(current)))
    }

    fn change(&self, config: &Config, current: Option<Current>) {
        self.live.set(config.rules());
        self.supervisor.bound(config.jobs);
        keep_warm(&self.supervisor, config.warm);
        if let (Some(keys), Some(current)) = (&self.keys, current) {
            keys.put(current);
        }
    }
}

/// The keys that say another thing now than when the daemon began, and that it cannot change.
fn waiting<'a>(begun: &'a Config, now: &'a Config) -> impl Iterator<Item = &'static Key> + 'a {
    KEYS.iter().filter(|key| key.waits && !key.is_same(begun, now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::tls::keys::Paths;
    use crate::supervise::{Backend, Bounds};
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    fn names(begun: &str, now: &str) -> Vec<String> {
        let parse = |text| Config::parse("c", text).expect("good");
        waiting(&parse(begun), &parse(now)).map(Key::full_name).collect()
    }

    #[test]
    fn addresses_and_directories_wait_and_the_policy_does_not() {
        let now = "state_dir = '/x'\nsocket = '/y'\nlog = 'json'\ncompat = true\nmetrics = '[::1]:9464'\n\
                   [tls]\nlisten = '[::1]:1'\ncert = '/c'\n[limits]\nstreams = 3\n[policy]\nnet_host = true\n\
                   [jobs]\nrunning = 3\nspool = '8M'";
        assert_eq!(names("", now), ["state_dir", "socket", "log", "compat", "metrics", "tls.listen"]);
        assert!(names(now, now).is_empty());
    }

    #[test]
    fn a_bad_file_changes_nothing_and_a_good_one_all_that_can_be() {
        let dir = tempfile::TempDir::new().expect("a directory");
        let path = dir.path().join("d.toml");
        let write = |text: &str| {
            fs::write(&path, text).expect("written");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("set");
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let (begun, live) = (Config::default(), Live::new(Config::default().rules()));
            let supervisor = Arc::new(Supervisor::with_backend(Backend::Plain, Bounds::default()));
            let from = Asked { file: Some(path.clone()), warm: None };
            let reload = Reload { from, begun, live: live.clone(), keys: None, supervisor };
            let before = live.now();
            for bad in ["[policy]\nnet_host = true\n[limits]\nidel = 1", "[policy]\nnet_host = true\nx", "\u{0}"] {
                write(bad);
                reload.again();
                assert_eq!(live.now(), before, "{bad}");
            }
            write("state_dir = '/elsewhere'\n[policy]\nnet_host = true\n[limits]\ncall = '7s'\n[jobs]\nspool = '1M'");
            reload.again();
            let now = live.now();
            assert!(now.policy.net_host && now.limits.call.as_secs() == 7 && now.spool.as_deref() == Some("1048576"));
            fs::remove_file(&path).expect("removed");
            reload.again();
            assert_eq!(live.now(), now, "a file that was named and is gone is no default");
        });
    }

    #[test]
    fn certificates_that_are_of_no_use_hold_up_the_policy_as_well() {
        let dir = tempfile::TempDir::new().expect("a directory");
        let path = |name: &str| dir.path().join(name);
        let text = format!(
            "[tls]\nlisten = '127.0.0.1:7'\ncert = '{0}/c'\nkey = '{0}/k'\nclient_ca = '{0}/a'\n[policy]\nnet_host = true",
            dir.path().display()
        );
        fs::write(path("d.toml"), text).expect("written");
        fs::set_permissions(path("d.toml"), fs::Permissions::from_mode(0o644)).expect("set");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let live = Live::default();
            let supervisor = Arc::new(Supervisor::with_backend(Backend::Plain, Bounds::default()));
            let from = Asked { file: Some(path("d.toml")), warm: None };
            let reload = Reload { from, begun: Config::default(), live: live.clone(), keys: None, supervisor };
            reload.again();
            assert!(!live.now().policy.net_host);
            let none = Paths { cert: path("c"), key: path("k"), client_ca: path("a"), crl: None };
            assert!(Current::read(&none).is_err());
        });
    }
}
