//! Whether a job can have several runs, and with which streams.

use crate::os::stdio::Template;
use crate::plan::Refusal;
use crate::spec::{JobSpec, Restart, StdioSet};
use crate::supervise::Error;
use crate::supervise::driver::Again;

/// The streams of the first run, and what is known of the runs of a job that can have several.
pub(super) fn runs(spec: &JobSpec, stdio: StdioSet, recorded: bool) -> Result<(StdioSet, Option<Again>), Error> {
    if spec.restart().when == Restart::Never {
        return Ok((stdio, None));
    }
    let refusal = |problem: &str, remedy: &str| Refusal {
        field: "--restart".to_owned(),
        value: spec.restart().when.word().to_owned(),
        problem: problem.to_owned(),
        remedy: remedy.to_owned(),
    };
    let gone = || refusal("what the job reads goes with its first run", "give it no input, or bytes, or a file");
    let streams = Template::of(stdio).map_err(|_| gone())?;
    if recorded && streams.logs().is_none() {
        let problem = "who goes on with it in another supervisor has neither its input nor its descriptors";
        return Err(refusal(problem, "let it read nothing, and write to its log or nowhere").into());
    }
    Ok((streams.next()?, Some(Again::first(streams))))
}
