//! PURE: the limits of a spec as files and values of cgroup v2.

/// One write into the job's cgroup, made and read back before any process exists.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Setting {
    /// The file inside the job's cgroup, as `memory.max`.
    pub file: String,
    /// What is written.
    pub value: String,
    /// The field that it comes from, as `--memory`, for errors and reports.
    pub field: String,
    /// Who wanted it.
    pub origin: Origin,
}

/// Who wanted a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The caller asked for it: it is enforced or the job is refused.
    Asked,
    /// A default of ironcell's, applied where the controller is there.
    Default,
}
