//! Who is told of a job beside the terminal: `--report`, `--meta`, `--events`. All are opened before the job starts.

use super::{End, Ended, RunArgs};
use crate::cli::events::Events;
use crate::cli::report::{News, Report, Times};
use crate::cli::target::Target;
use crate::cli::{exit, meta};
use std::io;
use std::path::Path;
use std::time::SystemTime;

/// The places that were asked for.
#[derive(Debug, Default)]
pub(super) struct Told {
    report: Option<Target>,
    meta: Option<Target>,
    events: Option<Events>,
}

impl Told {
    /// Opens them; `asked` is when the job was asked for.
    ///
    /// # Errors
    /// The first that cannot be opened, in words.
    pub fn open(args: &RunArgs, asked: SystemTime) -> Result<Self, String> {
        let report = target("--report", args.report.as_deref())?;
        let meta = target("--meta", args.ends.meta.as_deref())?;
        let events = target("--events", args.ends.events.as_deref())?;
        let all = [("--report", &report), ("--meta", &meta), ("--events", &events)];
        for (index, (flag, target)) in all.iter().enumerate() {
            let same = |(_, other): &&(&str, &Option<Target>)| {
                target.as_ref().zip(other.as_ref()).is_some_and(|(a, b)| a.is(b))
            };
            if let Some((other, _)) = all[..index].iter().find(same) {
                return Err(format!("{other} and {flag} are the same file; name one for each"));
            }
        }
        Ok(Self { report, meta, events: events.map(|target| Events::new(target, asked)) })
    }

    /// Tells what happens now.
    pub fn news(&mut self, news: &News) {
        let Some(events) = &mut self.events else { return };
        match news {
            News::Started(started) => events.started(started.id),
            News::Happened(moment) => events.happened(moment),
            News::Lost(_) => {}
        }
    }

    /// Tells the end.
    ///
    /// # Errors
    /// The first that cannot be written, in words; the others are.
    pub fn ended(self, end: &End, times: Times, code: u8) -> Result<(), String> {
        let Self { report, meta, events } = self;
        let failed =
            |flag: &str, result: io::Result<()>| result.map_err(|error| format!("failed to write {flag}: {error}"));
        let told = events.map_or(Ok(()), |events| match end {
            End::Ended(ended) => events.ended(&ended.outcome, code),
            End::Refused { message, .. } => events.refused(message, code),
        });
        let events = failed("--events", told);
        let text = || match end {
            End::Ended(ended) => meta::ended(&ended.outcome),
            End::Refused { message, .. } => meta::refused(message),
        };
        let meta = failed("--meta", meta.map_or(Ok(()), |mut target| target.write(text().as_bytes())));
        // Last, and with the code that follows from the others.
        let code = if code == 0 && (events.is_err() || meta.is_err()) { exit::OWN_FAILURE } else { code };
        let write = |mut target: Target| target.write(&report_of(end, times, code).text()?);
        let report = failed("--report", report.map_or(Ok(()), write));
        events.and(meta).and(report)
    }
}

/// One of them.
fn target(flag: &str, path: Option<&Path>) -> Result<Option<Target>, String> {
    let open =
        |path: &Path| Target::open(path).map_err(|error| format!("failed to open {flag} {}: {error}", path.display()));
    path.map(open).transpose()
}

/// The report of either end.
fn report_of(end: &End, times: Times, code: u8) -> Report<'_> {
    match end {
        End::Ended(ended) => {
            let Ended { spec, started, outcome } = ended.as_ref();
            Report::ended(spec, started.as_ref(), outcome, times, code)
        }
        End::Refused { argv, message } => Report::refused(argv, message, times, code),
    }
}
