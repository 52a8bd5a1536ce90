//! What a cell shows for which ask: entry by entry, without a kernel.

use super::*;
use crate::spec::{Env, Isolation};

fn host() -> Host {
    let mut host = super::super::host::example();
    host.kinds.extend([
        ("/data".into(), PathKind::Directory),
        ("/data/file".into(), PathKind::File),
        ("/srv/rootfs".into(), PathKind::Directory),
        ("/etc/resolv.conf".into(), PathKind::File),
        ("/gone".into(), PathKind::Missing),
    ]);
    host.owners.push(("/data".into(), Owner { uid: 1001, gid: 1002 }));
    host
}

fn with(isolation: Isolation) -> Result<Furnished, Refusal> {
    let spec = JobSpec::command("true").env(Env::default()).isolation(isolation).build().expect("a spec");
    of(&spec, &host(), &[])
}

fn mounts(mounts: Vec<MountSpec>) -> Result<Furnished, Refusal> {
    with(Isolation { mounts, ..Isolation::default() })
}

fn bind(source: &str, target: &str, access: Access) -> MountSpec {
    MountSpec::Bind { source: source.into(), target: target.into(), access }
}

/// What is at this path; the last entry wins, as in the cell.
fn at<'a>(furnished: &'a Furnished, path: &str) -> Option<&'a What> {
    furnished.entries.iter().rev().find(|entry| entry.path == path.as_bytes()).map(|entry| &entry.what)
}

#[test]
fn nothing_of_the_host_is_writable_unless_it_was_asked_for() {
    let furnished = mounts(vec![bind("/data", "/data", Access::ReadOnly)]).expect("a root");
    assert!(furnished.entries.iter().filter_map(|entry| entry.what.source()).all(|source| !source.writable));
}

#[test]
fn system_directories_are_bound_and_links_made_anew() {
    let furnished = with(Isolation::default()).expect("a root");
    assert!(matches!(at(&furnished, "/usr"), Some(What::BindDirectory(_))));
    assert!(matches!(at(&furnished, "/etc/ld.so.cache"), Some(What::BindFile(_))));
    assert_eq!(at(&furnished, "/bin"), Some(&What::Link { target: b"usr/bin".to_vec() }));
    for hidden in ["/home", "/root", "/run", "/var", "/sys", "/etc/shadow", "/etc/resolv.conf"] {
        assert_eq!(at(&furnished, hidden), None, "{hidden}");
    }
}

#[test]
fn the_current_directory_is_read_only_and_where_the_job_starts() {
    let furnished = with(Isolation::default()).expect("a root");
    assert_eq!(furnished.cwd, b"/srv/project");
    assert!(matches!(at(&furnished, "/srv/project"), Some(What::BindDirectory(source)) if !source.writable));
}

#[test]
fn what_is_asked_for_takes_the_place_of_what_would_be_there() {
    let here = bind("/data", "/srv/project", Access::ReadWrite);
    let furnished = mounts(vec![here, bind("/data", "/bin", Access::ReadOnly)]).expect("a root");
    let of = |path: &str| furnished.entries.iter().filter(|entry| entry.path == path.as_bytes()).count();
    assert_eq!((of("/srv/project"), of("/bin")), (1, 1));
}

#[test]
fn a_writable_bind_is_mapped_to_its_owner_and_a_file_is_bound_as_a_file() {
    let file = bind("/data/file", "/f", Access::ReadOnly);
    let furnished = mounts(vec![bind("/data", "/d", Access::ReadWrite), file]).expect("a root");
    let Some(What::BindDirectory(source)) = at(&furnished, "/d") else { panic!("a bind of a directory") };
    assert_eq!(source.ids, IdMapping::Owner { uid: 1001, gid: 1002 });
    assert!(matches!(at(&furnished, "/f"), Some(What::BindFile(_))));
}

#[test]
fn a_source_that_is_not_there_is_refused_by_its_flag() {
    let refusal = mounts(vec![bind("/gone", "/g", Access::ReadOnly)]).err().expect("a refusal");
    assert_eq!(
        refusal.to_string(),
        "--ro /gone cannot be enforced: there is no such file or directory on the host; create it, or name another"
    );
}

#[test]
fn a_root_of_the_hosts_gets_devices_processes_and_places_to_write_and_nothing_else() {
    let root = Root::Dir { path: "/srv/rootfs".into(), access: Access::ReadOnly };
    let furnished = with(Isolation { root, ..Isolation::default() }).expect("a root");
    assert_eq!(furnished.cwd, b"/");
    assert!(matches!(furnished.base, RootFs::Tree(Source { writable: false, ids: IdMapping::Plain, .. })));
    assert!(furnished.entries.iter().all(|entry| entry.what.source().is_none()));
    assert!(matches!(at(&furnished, "/dev"), Some(What::Tmpfs { .. })));
}

#[test]
fn the_hosts_network_brings_the_hosts_names() {
    let furnished = with(Isolation { net: Net::Host, ..Isolation::default() }).expect("a root");
    assert!(matches!(at(&furnished, "/etc/resolv.conf"), Some(What::BindFile(_))));
    // The example host has no /etc/hosts, and a cell with the host's network has none of its own.
    assert_eq!(at(&furnished, "/etc/hosts"), None);
}

#[test]
fn a_directory_that_cannot_be_shown_is_said_and_the_job_starts_in_the_root() {
    let mut host = host();
    host.current_dir = CurrentDir::Hidden { reason: "it is secret".to_owned() };
    let spec = JobSpec::command("true").build().expect("a spec");
    let furnished = of(&spec, &host, &[]).expect("a root");
    assert_eq!((furnished.cwd.as_slice(), furnished.notes.len()), (&b"/"[..], 1));
}

#[test]
fn the_files_of_etc_name_the_cells_users_only() {
    let user = User::new(0, 0).expect("a user");
    assert_eq!(passwd(user), "root:x:0:0:root:/tmp:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n");
    assert!(passwd(User::default()).contains("job:x:1000:1000:"));
    assert!(group(User::default()).contains("job:x:1000:"));
}

#[test]
fn more_mounts_than_a_cell_can_have_are_refused() {
    let many = (0..600).map(|n| MountSpec::Tmpfs { target: format!("/t{n}").into(), size: None }).collect();
    assert!(mounts(many).err().expect("a refusal").problem.contains("at most 512"));
}
