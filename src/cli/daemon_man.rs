//! `ironcelld --man`: the manual page of the daemon, out of its flags and the keys of its configuration.

use crate::rpc::config::{KEYS, PLACE};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use std::io::{self, Write};

/// What the daemon returns.
const CODES: [(&str, &str); 3] = [
    ("0", "it was told to end, and did"),
    ("1", "it failed: the host cannot make cells, or something else is where it listens"),
    ("2", "it is asked for or configured in a way that has no meaning, or a file of keys or certificates is of no use"),
];

/// What it does with signals.
const SIGNALS: [(&str, &str); 2] = [
    (
        "SIGTERM, SIGINT",
        "Takes no call any more, ends what waits with UNAVAILABLE, finishes what works, and ends. Jobs go on.",
    ),
    (
        "SIGHUP",
        "Reads the configuration, keys, certificates and revocation lists anew. Policy and limits hold for calls and connections \
         from then on, those of jobs for starts; what waits for a restart is told in the log by its name. When one of them is \
         of no use nothing changes, and the log says why.",
    ),
];

/// Prints the page.
pub fn man(command: clap::Command, out: &mut dyn Write) -> io::Result<()> {
    let page = Man::new(command).section("8");
    page.render_title(out)?;
    page.render_name_section(out)?;
    page.render_synopsis_section(out)?;
    page.render_description_section(out)?;
    page.render_options_section(out)?;
    configuration().to_writer(out)?;
    list("SIGNALS", &SIGNALS).to_writer(out)?;
    list("EXIT STATUS", &CODES).to_writer(out)?;
    let environment = [("IRONCELL_LOG", "What is logged, as warn or ironcell=debug; the audit log always is.")];
    list("ENVIRONMENT", &environment).to_writer(out)?;
    list("FILES", &[(PLACE, "The configuration. It belongs to root, and nobody else may write to it.")]).to_writer(out)
}

/// Every key.
fn configuration() -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["CONFIGURATION"]);
    roff.text([roman("TOML. Times are written as 30s or 5min, sizes as 16M or 1G; paths are absolute.")]);
    for key in &KEYS {
        roff.control("TP", []);
        roff.text([bold(key.full_name())]);
        let default = key.default().map(|default| format!(" Default: {default}")).unwrap_or_default();
        let waits = if key.waits { " Changed by a restart alone." } else { "" };
        roff.text([roman(format!("{}{default}{waits}", key.doc))]);
    }
    roff
}

fn list(heading: &str, items: &[(&str, &str)]) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", [heading]);
    for (name, meaning) in items {
        roff.control("TP", []);
        roff.text([bold(*name)]);
        roff.text([roman(*meaning)]);
    }
    roff
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::daemon::DaemonArgs;
    use clap::CommandFactory;

    #[test]
    fn the_page_has_every_flag_every_key_and_every_code() {
        let mut out = Vec::new();
        man(DaemonArgs::command(), &mut out).expect("printed");
        let page = String::from_utf8(out).expect("text").replace('\\', "");
        assert!(page.is_ascii(), "old typesetters know no other characters");
        assert!(KEYS.iter().all(|key| page.contains(&key.full_name())));
        for word in ["--check-config", "--print-unit", "SIGHUP", "EXIT STATUS", "IRONCELL_LOG", PLACE] {
            assert!(page.contains(word), "{word}");
        }
    }
}
