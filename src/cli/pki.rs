//! `ironcell pki`: certificates for a daemon and those who call it.

use super::exit;
use super::voice::Voice;
use crate::rpc::peer::Role;
use crate::rpc::pki::{AUTHORITY_DAYS, Authority, CERTIFICATE_DAYS, For, LIST_DAYS, MOST_DAYS};
use crate::rpc::tls::FileError;
use clap::{Subcommand, ValueEnum};
use std::io::{self, Write};
use std::path::PathBuf;

/// The arguments of `ironcell pki`.
#[derive(Debug, clap::Args)]
pub struct PkiArgs {
    /// The directory of the authority
    #[arg(long, value_name = "DIR", default_value = "/etc/ironcell/pki", global = true)]
    pub dir: PathBuf,
    /// What to do
    #[command(subcommand)]
    pub what: What,
}

/// What can be done with an authority.
#[derive(Debug, Subcommand)]
pub enum What {
    /// Make an authority: ca.crt, ca.key and an empty ca.crl
    Init {
        /// Its name
        #[arg(long, default_value = "ironcell development authority")]
        name: String,
        /// Days that it is good for
        #[arg(long, default_value_t = AUTHORITY_DAYS, value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_DAYS)))]
        days: u32,
    },
    /// Make a certificate and its key: NAME.crt and NAME.key
    Issue(IssueArgs),
    /// Revoke the certificates of a name, or the one of a serial number, and write ca.crl
    Revoke {
        /// A name, or a serial number in hexadecimal
        #[arg(value_name = "NAME|SERIAL")]
        which: String,
    },
    /// Write ca.crl anew, so that it is good for longer
    Crl {
        /// Days that it is good for; an expired one lets nobody in
        #[arg(long, default_value_t = LIST_DAYS, value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_DAYS)))]
        days: u32,
    },
}

/// What a certificate is to be.
#[derive(Debug, clap::Args)]
pub struct IssueArgs {
    /// For a caller, with this role: what he may do
    #[arg(long, value_enum, required_unless_present = "server")]
    pub role: Option<RoleArg>,
    /// For a daemon
    #[arg(long, conflicts_with = "role", requires = "host")]
    pub server: bool,
    /// A name or an address that callers reach the daemon by; may be given more than once
    #[arg(long, value_name = "DNS|IP", conflicts_with = "role")]
    pub host: Vec<String>,
    /// Days that it is good for
    #[arg(long, default_value_t = CERTIFICATE_DAYS, value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_DAYS)))]
    pub days: u32,
    /// Whose it is: the owner of the jobs that are started with it
    pub name: String,
}

/// The roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RoleArg {
    /// Everything with all jobs, and with the daemon
    Admin,
    /// Everything with jobs of its own
    Operator,
    /// The state of all jobs
    Viewer,
}

impl From<RoleArg> for Role {
    fn from(role: RoleArg) -> Self {
        match role {
            RoleArg::Admin => Self::Admin,
            RoleArg::Operator => Self::Operator,
            RoleArg::Viewer => Self::Viewer,
        }
    }
}

/// Does it, and says what was made.
///
/// # Errors
/// When that cannot be printed.
pub fn pki(args: &PkiArgs, out: &mut dyn Write, voice: &mut Voice) -> io::Result<u8> {
    match done(args) {
        Ok(lines) => {
            for line in lines {
                writeln!(out, "{line}")?;
            }
            Ok(0)
        }
        Err(error) => {
            voice.say(&error.to_string());
            Ok(exit::OWN_FAILURE)
        }
    }
}

fn done(args: &PkiArgs) -> Result<Vec<String>, FileError> {
    let dir = &args.dir;
    Ok(match &args.what {
        What::Init { name, days } => {
            Authority::init(dir, name, *days)?;
            ["ca.crt", "ca.key", "ca.crl"].iter().map(|file| dir.join(file).display().to_string()).collect()
        }
        What::Issue(IssueArgs { role, host, days, name, .. }) => {
            let purpose = role.map_or_else(|| For::Server(host.clone()), |role| For::Client(role.into()));
            let issued = Authority::open(dir)?.issue(name, &purpose, *days)?;
            vec![
                issued.cert.display().to_string(),
                issued.key.display().to_string(),
                format!("serial {}", issued.serial),
            ]
        }
        What::Revoke { which } => {
            let serials = Authority::open(dir)?.revoke(which)?;
            let told = serials.iter().map(|serial| format!("revoked {serial}"));
            let list = dir.join("ca.crl");
            told.chain([format!("{}: reload the daemon: systemctl reload ironcelld", list.display())]).collect()
        }
        What::Crl { days } => vec![Authority::open(dir)?.list(*days)?.display().to_string()],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::{Args, Verb};
    use crate::cli::voice::Colour;
    use clap::Parser;

    /// What a line prints and says, and its code.
    fn run(dir: &tempfile::TempDir, line: &[&str]) -> (u8, String, String) {
        let path = dir.path().join("pki");
        let whole = ["ironcell", "pki", "--dir", path.to_str().expect("text")];
        let Verb::Pki(args) = Args::try_parse_from(whole.iter().chain(line)).expect("a line").verb else {
            panic!("{line:?} is pki")
        };
        let (mut out, mut said) = (Vec::new(), Vec::new());
        let code = pki(&args, &mut out, &mut Voice::new(&mut said, Colour::Plain)).expect("printed");
        (code, String::from_utf8(out).expect("text"), String::from_utf8(said).expect("text"))
    }

    #[test]
    fn an_authority_for_development_takes_three_lines() {
        let dir = tempfile::TempDir::new().expect("a directory");
        assert_eq!(run(&dir, &["init"]).0, 0);
        assert_eq!(run(&dir, &["issue", "--server", "--host", "localhost", "--host", "127.0.0.1", "daemon"]).0, 0);
        let (code, out, _) = run(&dir, &["issue", "--role", "operator", "alice"]);
        assert!(
            code == 0 && out.contains("alice.crt") && out.contains("alice.key") && out.contains("serial "),
            "{out}"
        );
        let (code, out, _) = run(&dir, &["revoke", "alice"]);
        assert!(code == 0 && out.contains("revoked ") && out.contains("reload ironcelld"), "{out}");
        assert_eq!(run(&dir, &["crl", "--days", "7"]).0, 0);
    }

    #[test]
    fn what_cannot_be_done_is_said_and_is_ironcells_own_failure() {
        let dir = tempfile::TempDir::new().expect("a directory");
        let (code, out, said) = run(&dir, &["issue", "--role", "admin", "alice"]);
        assert_eq!((code, out.as_str()), (exit::OWN_FAILURE, ""));
        assert!(said.contains("ironcell pki init"), "{said}");
    }

    #[test]
    fn a_certificate_is_for_a_caller_or_a_daemon() {
        for line in [
            &["issue", "alice"][..],
            &["issue", "--role", "root", "alice"],
            &["issue", "--server", "d"],
            &["issue", "--server", "--host", "h", "--role", "admin", "d"],
            &["issue", "--role", "admin", "--host", "h", "d"],
            &["issue", "--role", "admin", "--days", "0", "d"],
            &["crl", "--days", "99999"],
        ] {
            assert!(Args::try_parse_from(["ironcell", "pki"].iter().chain(line)).is_err(), "{line:?}");
        }
    }
}
