//! The daemon's log, on standard error: for people, for machines, or for journald.

use crate::rpc::audit;
use crate::rpc::config::LogFormat;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::MetadataExt;
use tracing::{Level, Metadata};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// What is logged, as `warn` or `ironcell=debug`. The audit log is in it, whatever this says.
const FILTER: &str = "IRONCELL_LOG";

/// Begins to log. A second call changes nothing.
pub fn begin(format: LogFormat) {
    let builder = tracing_subscriber::fmt().with_env_filter(filter(std::env::var(FILTER).ok().as_deref()));
    let begun = match settled(format) {
        LogFormat::Json => builder.json().with_writer(io::stderr).try_init(),
        LogFormat::Journald => {
            builder.without_time().with_level(false).with_ansi(false).with_writer(Journald(io::stderr)).try_init()
        }
        LogFormat::Auto | LogFormat::Text => {
            builder.with_ansi(io::stderr().is_terminal()).with_writer(io::stderr).try_init()
        }
    };
    // Whoever has a log already, as a test, keeps it.
    drop(begun);
}

fn filter(asked: Option<&str>) -> EnvFilter {
    let filter = EnvFilter::try_new(asked.unwrap_or("info")).unwrap_or_else(|_| EnvFilter::new("info"));
    match format!("{}=info", audit::TARGET).parse() {
        Ok(audit) => filter.add_directive(audit),
        Err(_) => filter,
    }
}

/// Whether journald listens at standard error: its variable names that very file (systemd.exec(5), JOURNAL_STREAM).
fn settled(format: LogFormat) -> LogFormat {
    let stream = std::env::var("JOURNAL_STREAM").ok();
    let own = fs::metadata("/proc/self/fd/2").ok().map(|file| format!("{}:{}", file.dev(), file.ino()));
    match format {
        LogFormat::Auto if stream.is_some() && stream == own => LogFormat::Journald,
        other => other,
    }
}

/// Writes the priority before each line (sd-daemon(3)).
struct Journald<F>(F);

/// One line for journald.
struct Line<W> {
    out: W,
    priority: u8,
}

impl<'a, W: Write, F: Fn() -> W + 'a> MakeWriter<'a> for Journald<F> {
    type Writer = Line<W>;

    fn make_writer(&'a self) -> Line<W> {
        Line { out: (self.0)(), priority: priority(Level::INFO) }
    }

    fn make_writer_for(&'a self, about: &Metadata<'_>) -> Line<W> {
        Line { out: (self.0)(), priority: priority(*about.level()) }
    }
}

/// The numbers of syslog(3).
fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        Level::DEBUG | Level::TRACE => 7,
    }
}

impl<W: Write> Write for Line<W> {
    /// The whole event arrives at once; what is in it beside its last line feed is one line each to journald.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let mut text = Vec::with_capacity(event.len() + 8);
        for line in event.split_inclusive(|byte| *byte == b'\n') {
            text.extend_from_slice(format!("<{}>", self.priority).as_bytes());
            text.extend_from_slice(line);
        }
        self.out.write_all(&text).map(|()| event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("whole").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn journald_gets_a_priority_with_every_line() {
        let lines = Lines::default();
        let writer = Journald({
            let lines = lines.clone();
            move || lines.clone()
        });
        let log = tracing_subscriber::fmt().without_time().with_level(false).with_ansi(false).with_writer(writer);
        tracing::subscriber::with_default(log.finish(), || {
            tracing::error!("broken\nin two");
            tracing::info!("fine");
        });
        let text = String::from_utf8(lines.0.lock().expect("whole").clone()).expect("text");
        assert!(text.lines().all(|line| line.starts_with("<3>") || line.starts_with("<6>")), "{text}");
        assert!(text.contains("<3>") && text.contains("<6>") && text.contains("fine"), "{text}");
    }

    #[test]
    fn the_audit_log_is_never_filtered_out() {
        for asked in [None, Some("error"), Some("off"), Some("=!nonsense")] {
            assert!(filter(asked).to_string().contains("ironcell::audit=info"), "{asked:?}");
        }
    }
}
