//! What an operator is given and what not, by asks as they arrive.

use super::*;
use proptest::prelude::*;

/// An ask as it arrives; admins' words are not read otherwise.
fn ask(more: &str) -> JobSpec {
    let text = format!("{{\"argv\": [\"true\"]{}{more}}}", if more.is_empty() { "" } else { ", " });
    JobSpec::from_json(&text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn policy() -> Policy {
    let dirs = |dirs: &[&str]| dirs.iter().map(PathBuf::from).collect();
    Policy {
        bind_ro: dirs(&["/srv/data", "/srv/work/shared"]),
        bind_rw: dirs(&["/srv/work", "/images/b"]),
        rootfs: dirs(&["/images"]),
        ..Policy::default()
    }
}

/// The field that is refused, if one is.
fn refused(policy: &Policy, more: &str) -> Option<&'static str> {
    let spec = ask(more);
    assert_eq!(policy.permit(Role::Admin, &spec), Ok(()), "an admin is not held: {more}");
    let told = policy.permit(Role::Operator, &spec);
    assert_eq!(told, policy.permit(Role::Viewer, &spec), "no role but admin has more: {more}");
    let error = told.err()?;
    assert!(!error.value.is_empty() && !error.remedy.is_empty(), "{error}");
    Some(error.field)
}

#[test]
fn without_a_word_from_the_admin_an_operator_gets_nothing_of_the_host() {
    let rows = [
        ("", None),
        (r#""memory": "64M", "pids": "32", "user": "0:0", "hostname": "h", "cwd": "/tmp""#, None),
        (r#""mounts": [{"tmpfs": "/x"}]"#, None),
        (r#""mounts": [{"ro": "/usr"}]"#, Some("mounts")),
        (r#""mounts": [{"rw": "/srv"}]"#, Some("mounts")),
        (r#""rootfs": "/images/a""#, Some("rootfs")),
        (r#""net": "host""#, Some("net")),
        (r#""net": "none""#, None),
        (r#""profile": "strict""#, None),
        (r#""profile": "build""#, None),
        (r#""profile": "compat""#, Some("profile")),
        (r#""seccomp": {"defaultAction": "SCMP_ACT_ALLOW"}"#, Some("seccomp")),
        (r#""cgroup": {"memory.low": "64M"}"#, Some("cgroup")),
        (r#""cgroup_parent": "/system.slice/x.service""#, Some("cgroup_parent")),
        (r#""log_file": "/etc/cron.d/x""#, Some("log_file")),
        (r#""log_dir": "/var/log""#, Some("log_dir")),
        (r#""spool": "8M""#, None),
        (r#""spool": "8M", "spool_keep": true"#, Some("spool_keep")),
        (r#""spool": "2G""#, Some("spool")),
        (r#""log_max": "16M""#, None),
        (r#""log_max": "17M""#, Some("log_max")),
        (r#""io_max": ["8:0:rbps=1M"]"#, None),
        (r#""io_max": ["/dev/sda:rbps=1M"]"#, None),
        (r#""io_max": ["/root/.ssh/id:rbps=1M"]"#, Some("io_max")),
        (r#""io_max": ["/dev/disk/by-id/x:rbps=1M"]"#, Some("io_max")),
    ];
    for (more, field) in rows {
        assert_eq!(refused(&Policy::default(), more), field, "{more}");
    }
}

#[test]
fn what_the_admin_switches_on_is_given() {
    let open = Policy {
        net_host: true,
        profiles: Profile::ALL.to_vec(),
        seccomp: true,
        cgroup_files: true,
        log_max: 1 << 30,
        spool_max: 1 << 40,
        ..Policy::default()
    };
    for more in [
        r#""net": "host""#,
        r#""profile": "compat""#,
        r#""seccomp": {"defaultAction": "SCMP_ACT_ERRNO"}"#,
        r#""cgroup": {"memory.low": "64M"}"#,
        r#""log_max": "1G""#,
        r#""spool": "1T""#,
    ] {
        assert_eq!(refused(&open, more), None, "{more}");
    }
}

#[test]
fn a_directory_is_given_by_whole_names_and_as_it_is_listed() {
    let rows = [
        // Read-only: with all below.
        ("ro", "/srv/data", true),
        ("ro", "/srv/data/", true),
        ("ro", "/srv/data/a/b", true),
        ("ro", "/srv/./data//a", true),
        ("ro", "/srv/database", false),
        ("ro", "/srv", false),
        ("ro", "/", false),
        ("ro", "/SRV/data", false),
        ("rw", "/srv/data", false),
        ("rw", "/srv/data/a", false),
        // To write: as a whole, and who may write may read.
        ("rw", "/srv/work", true),
        ("ro", "/srv/work", true),
        ("rw", "/srv/work/a", false),
        // A job may have made a link of it.
        ("ro", "/srv/work/a", false),
        ("ro", "/srv/work/shared", false),
        ("ro", "/srv/work/shared/x", false),
    ];
    for (access, source, given) in rows {
        let more = format!(r#""mounts": [{{"{access}": "{source}:/in"}}]"#);
        assert_eq!(refused(&policy(), &more), (!given).then_some("mounts"), "{access} {source}");
    }
}

#[test]
fn a_root_is_given_below_its_list_and_to_write_only_as_a_directory_that_is_written_to() {
    for (more, field) in [
        (r#""rootfs": "/images/a""#, None),
        (r#""rootfs": "/images/a", "rootfs_rw": true"#, Some("rootfs_rw")),
        (r#""rootfs": "/images/b", "rootfs_rw": true"#, None),
        (r#""rootfs": "/images/b/link""#, Some("rootfs")),
        (r#""rootfs": "/imagesx""#, Some("rootfs")),
        (r#""rootfs": "/""#, Some("rootfs")),
    ] {
        assert_eq!(refused(&policy(), more), field, "{more}");
    }
}

#[test]
fn a_path_that_climbs_is_below_nothing() {
    // A description's reader takes `..` out; a spec that was built otherwise may have it.
    for path in ["/srv/data/../../etc", "/srv/data/..", "srv/data", "", ".", "..", "/srv/data/a/../b"] {
        assert!(!below(Path::new(path), &policy().bind_ro), "{path}");
    }
    assert!(below(Path::new("/etc"), &[PathBuf::from("/")]) && !below(Path::new("/etc"), &[PathBuf::from("relative")]));
    // What climbs in a description is judged by where it leads.
    assert_eq!(refused(&policy(), r#""mounts": [{"ro": "/srv/data/../../etc:/in"}]"#), Some("mounts"));
}

proptest! {
    #[test]
    fn whatever_is_given_lies_at_or_below_a_listed_directory(
        source in "(/(srv|data|work|shared|images|etc|[a-z.]{1,3})){0,5}/?", write: bool
    ) {
        let access = if write { Access::ReadWrite } else { Access::ReadOnly };
        let mount = MountSpec::Bind { source: PathBuf::from(&source), target: "/in".into(), access };
        let policy = policy();
        if policy.mount(&mount).is_ok() {
            let clean: PathBuf = Path::new(&source).components().collect();
            prop_assert!(!source.split('/').any(|part| part == ".."));
            let at = |dirs: &[PathBuf]| dirs.contains(&clean);
            let under = |dirs: &[PathBuf]| dirs.iter().any(|dir| clean.starts_with(dir));
            prop_assert!(at(&policy.bind_rw) || !write && under(&policy.bind_ro) && !under(&policy.bind_rw));
        }
    }
}
